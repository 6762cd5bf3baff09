/*
 * cli/connect.c - clients of brokers and registries, as the options say
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRIES_MAX 1000
#define MEMORY_MIN ((uint64_t)1 << 20)
#define STALL_MAX_S 86400

static coco_status
set_kbc_ca(void *kbc, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_kbc_set_tls_ca(kbc, data, len, err);
}

static coco_status
set_admin_ca(void *admin, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_admin_set_tls_ca(admin, data, len, err);
}

static coco_status
set_admin_key(void *admin, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_admin_set_key(admin, data, len, err);
}

static coco_status
set_images_ca(void *client, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_image_client_set_tls_ca(client, data, len, err);
}

int
cli_set_file(struct cli *cli, const char *path, cli_set_bytes *set, void *object)
{
    _cleanup_bytes_ struct cli_bytes bytes = {0};

    if (!path)
        return CLI_DONE;
    int rc = cli_read_file(cli, path, CLI_PEM_MAX, &bytes);
    if (rc != CLI_DONE)
        return rc;
    coco_status status = set(object, bytes.data, bytes.len, &cli->err);
    return status == COCO_OK ? CLI_DONE
                             : cli_fail(cli, status, "%s: %s", path, coco_error_message(cli->err));
}

/* "https://…" is the broker's address; "<kbc>::<uri>" names another client. */
static char *
kbc_params(const char *kbs)
{
    char *params = NULL;
    const char *prefix = strstr(kbs, "_kbc::") ? "" : "cc_kbc::";

    return asprintf(&params, "%s%s", prefix, kbs) < 0 ? NULL : params;
}

static coco_status
set_passport(void *kbc, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_kbc_set_passport(kbc, data, len, err);
}

/* What leads to a server: the same for a guest's requests and for an owner's. */
static int
set_way(struct cli *cli, coco_kbc *kbc, coco_admin *admin)
{
    const char *proxy = cli_get(&cli->args, OPT_PROXY);
    const char *no_proxy = cli_get(&cli->args, OPT_NO_PROXY);
    uint64_t retries = UINT64_MAX;

    int rc = cli_get_number(cli, OPT_RETRIES, 0, RETRIES_MAX, &retries);
    if (rc != CLI_DONE)
        return rc;
    if (retries <= RETRIES_MAX && kbc)
        coco_kbc_set_retries(kbc, (uint32_t)retries);
    if (retries <= RETRIES_MAX && admin)
        coco_admin_set_retries(admin, (uint32_t)retries);
    if (!proxy && !no_proxy)
        return CLI_DONE;
    return cli_check(cli, kbc ? coco_kbc_set_proxy(kbc, proxy, no_proxy, &cli->err)
                              : coco_admin_set_proxy(admin, proxy, no_proxy, &cli->err));
}

int
cli_open_kbc(struct cli *cli, coco_kbc **ret)
{
    const char *kbs = cli_get(&cli->args, OPT_KBS);
    const char *tee = cli_get(&cli->args, OPT_TEE);
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    coco_attester *attester = NULL;

    if (!kbs)
        return CLI_DONE;
    _cleanup_free_ char *params = kbc_params(kbs);
    if (!params)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    int rc = cli_check(cli, coco_kbc_new(params, &kbc, &cli->err));
    if (rc == CLI_DONE && tee)
        rc = cli_check(cli, coco_attester_new(tee, &attester, &cli->err));
    if (rc == CLI_DONE && tee)
        rc = cli_check(cli, coco_kbc_set_attester(kbc, attester, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_set_file(cli, cli_get(&cli->args, OPT_KBS_CA), set_kbc_ca, kbc);
    if (rc == CLI_DONE)
        rc = cli_set_file(cli, cli_get(&cli->args, OPT_PASSPORT), set_passport, kbc);
    if (rc == CLI_DONE)
        rc = set_way(cli, kbc, NULL);
    if (rc == CLI_DONE)
        *ret = cli_steal(&kbc);
    return rc;
}

int
cli_open_admin(struct cli *cli, coco_admin **ret)
{
    const char *kbs = cli_get(&cli->args, OPT_KBS);
    _cleanup_(coco_admin_freep) coco_admin *admin = NULL;

    if (!kbs)
        return cli_usage(cli, "needs --kbs URL");
    int rc = cli_check(cli, coco_admin_new(kbs, &admin, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_set_file(cli, cli_get(&cli->args, OPT_KBS_CA), set_admin_ca, admin);
    if (rc == CLI_DONE)
        rc = cli_set_file(cli, cli_get(&cli->args, OPT_KBS_ADMIN_KEY), set_admin_key, admin);
    if (rc == CLI_DONE)
        rc = set_way(cli, NULL, admin);
    if (rc == CLI_DONE)
        *ret = cli_steal(&admin);
    return rc;
}

static coco_status
set_providers(void *client, const uint8_t *json, size_t len, coco_error **err)
{
    return coco_image_client_set_key_providers(client, json, len, err);
}

int
cli_open_images(struct cli *cli, coco_kbc *kbc, coco_image_client **ret)
{
    const char *platform = cli_get(&cli->args, OPT_PLATFORM);
    _cleanup_(coco_image_client_freep) coco_image_client *client = NULL;

    int rc = cli_check(cli, coco_image_client_new(&client, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    coco_image_client_set_plain_http(client, cli_given(&cli->args, OPT_PLAIN_HTTP));
    coco_image_client_set_kbc(client, kbc);
    if (platform)
        rc = cli_check(cli, coco_image_client_set_platform(client, platform, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_set_file(cli, cli_get(&cli->args, OPT_TLS_CA), set_images_ca, client);
    if (rc == CLI_DONE)
        rc = cli_set_file(cli, cli_key_providers(cli), set_providers, client);
    if (rc == CLI_DONE)
        rc = cli_set_registries(cli, kbc, client);
    if (rc == CLI_DONE)
        *ret = cli_steal(&client);
    return rc;
}

int
cli_parse_ref(struct cli *cli, const char *text, coco_image_ref **ret)
{
    return cli_check(cli, coco_image_ref_parse(text, ret, &cli->err));
}

int
cli_get_number(struct cli *cli, enum cli_opt opt, uint64_t least, uint64_t most, uint64_t *ret)
{
    const char *text = cli_get(&cli->args, opt);
    char *end = NULL;

    if (!text)
        return CLI_DONE;
    errno = 0;
    uintmax_t value = strtoumax(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno != 0 || value < least || value > most)
        return cli_usage(cli, "--%s is no number within its bounds: %s", cli_option(opt)->name,
                         text);
    *ret = value;
    return CLI_DONE;
}

int
cli_image_options(struct cli *cli, coco_image_options *ret)
{
    uint64_t retries = UINT64_MAX;
    uint64_t stall = 0;
    uint64_t ratio = 0;

    *ret = (coco_image_options){.size = sizeof(*ret)};
    int rc = cli_get_number(cli, OPT_MAX_BYTES, 1, UINT64_MAX, &ret->max_bytes);
    if (rc == CLI_DONE)
        rc = cli_get_number(cli, OPT_MAX_CONTENT, 1, UINT64_MAX, &ret->max_content);
    if (rc == CLI_DONE)
        rc = cli_get_number(cli, OPT_MAX_MEMORY, MEMORY_MIN, UINT64_MAX, &ret->max_memory);
    if (rc == CLI_DONE)
        rc = cli_get_number(cli, OPT_MAX_RATIO, 1, UINT32_MAX, &ratio);
    if (rc == CLI_DONE)
        rc = cli_get_number(cli, OPT_RETRIES, 0, RETRIES_MAX, &retries);
    if (rc == CLI_DONE)
        rc = cli_get_number(cli, OPT_STALL_TIMEOUT, 1, STALL_MAX_S, &stall);
    /* To the library 0 is its default. */
    if (retries <= RETRIES_MAX)
        ret->retries = retries > 0 ? (uint32_t)retries : UINT32_MAX;
    ret->stall_seconds = (uint32_t)stall;
    ret->max_ratio = (uint32_t)ratio;
    return rc;
}

int
cli_image_result(struct cli *cli, const char *verb, const coco_image *image)
{
    const char *digest = coco_image_digest(image);
    uint64_t read = coco_image_bytes_read(image);
    uint64_t written = coco_image_bytes_written(image);
    uint64_t ignored = coco_image_ids_ignored(image);
    char a[32];
    char b[32];

    cli_progress_end(cli);
    if (!cli->json) {
        (void)fprintf(stderr, "coco: %s %zu layers: %s read, %s written\n", verb,
                      coco_image_layer_count(image), cli_size_text(read, a, sizeof(a)),
                      cli_size_text(written, b, sizeof(b)));
        if (ignored > 0)
            (void)fprintf(stderr,
                          "coco: %llu files are not as the image has them (--ignore-chown)\n",
                          (unsigned long long)ignored);
        return cli_result(cli, "digest", digest);
    }
    _cleanup_(cJSON_Deletep) cJSON *object = cJSON_CreateObject();
    if (!object || !cJSON_AddStringToObject(object, "event", "done")
        || !cJSON_AddStringToObject(object, "digest", digest)
        || !cJSON_AddNumberToObject(object, "layers", (double)coco_image_layer_count(image))
        || !cJSON_AddNumberToObject(object, "bytes_read", (double)read)
        || !cJSON_AddNumberToObject(object, "bytes_written", (double)written)
        || !cJSON_AddNumberToObject(object, "ids_ignored", (double)ignored))
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    return cli_event(cli, cli_steal(&object));
}
