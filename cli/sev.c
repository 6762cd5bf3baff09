/*
 * cli/sev.c - coco sev prepare, coco sev inject
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify.h"

#include <coco/sev.h>

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHAIN_MAX ((size_t)64 << 10)
#define SECRET_MAX ((size_t)64 << 10)
#define HEADER_SIZE 52
#define MEASUREMENT_SIZE 48
#define DIGEST_SIZE 32
#define STATE "launch.json"

CLI_DEFINE_CLEANUP(coco_sev_owner, coco_sev_owner_free);

static int
path_in(struct cli *cli, const char *dir, const char *name, char **ret)
{
    if (asprintf(ret, "%s/%s", dir, name) >= 0)
        return CLI_DONE;
    *ret = NULL;
    return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
}

static int
write_in(struct cli *cli, const char *dir, const char *name, const void *data, size_t len)
{
    _cleanup_free_ char *path = NULL;

    int rc = path_in(cli, dir, name, &path);
    return rc == CLI_DONE ? cli_write_file(cli, path, data, len) : rc;
}

/* In base64, as QEMU reads it. */
static int
write_base64(struct cli *cli, const char *dir, const char *name, const uint8_t *data, size_t len)
{
    _cleanup_free_ char *text = malloc(4 * ((len + 2) / 3) + 1);

    if (!text)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    int n = EVP_EncodeBlock((unsigned char *)text, data, (int)len);
    return write_in(cli, dir, name, text, (size_t)n);
}

/* ---- prepare ---- */

typedef coco_status get_fn(const coco_sev_owner *owner, coco_bytes **ret, coco_error **err);

static int
write_part(struct cli *cli, const coco_sev_owner *owner, get_fn *get, const char *name)
{
    const char *dir = cli->args.operands[1];
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    int rc = cli_check(cli, get(owner, &bytes, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    if (strcmp(name, STATE) == 0)
        return write_in(cli, dir, name, coco_bytes_data(bytes), coco_bytes_size(bytes));
    return write_base64(cli, dir, name, coco_bytes_data(bytes), coco_bytes_size(bytes));
}

static int
begin(struct cli *cli, uint32_t policy, coco_sev_owner **ret)
{
    const struct cli_evidence nothing = {0};
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_bytes_ struct cli_bytes chain = {0};
    coco_collateral *collateral = NULL;

    int rc = cli_read_file(cli, cli->args.operands[0], CHAIN_MAX, &chain);
    if (rc == CLI_DONE)
        rc = cli_open_collateral(cli, &collateral);
    if (rc == CLI_DONE)
        rc = cli_make_verifier(cli, &nothing, collateral, &verifier);
    if (rc == CLI_DONE)
        rc = cli_check(cli,
                       coco_sev_owner_new(verifier, chain.data, chain.len, policy, ret, &cli->err));
    return rc;
}

int
cli_sev_prepare(struct cli *cli)
{
    const char *dir = cli->args.operands[1];
    _cleanup_(coco_sev_owner_freep) coco_sev_owner *owner = NULL;
    uint64_t policy = COCO_SEV_NO_DEBUG;
    int rc = CLI_DONE;

    if (cli_given(&cli->args, OPT_SEV_POLICY))
        rc = cli_get_number(cli, OPT_SEV_POLICY, 0, UINT32_MAX, &policy);
    if (rc == CLI_DONE)
        rc = begin(cli, (uint32_t)policy, &owner);
    if (rc == CLI_DONE && mkdir(dir, 0700) < 0)
        rc = cli_fail_errno(cli, errno, dir);
    if (rc == CLI_DONE)
        rc = write_part(cli, owner, coco_sev_owner_save, STATE);
    if (rc == CLI_DONE)
        rc = write_part(cli, owner, coco_sev_owner_get_certificate, "godh.b64");
    if (rc == CLI_DONE)
        rc = write_part(cli, owner, coco_sev_owner_get_session, "session.b64");
    return rc == CLI_DONE ? cli_result(cli, "dir", dir) : rc;
}

/* ---- inject ---- */

static int
load(struct cli *cli, coco_sev_owner **ret)
{
    _cleanup_free_ char *path = NULL;
    _cleanup_bytes_ struct cli_bytes state = {0};

    int rc = path_in(cli, cli->args.operands[0], STATE, &path);
    if (rc == CLI_DONE)
        rc = cli_read_text(cli, path, CLI_JSON_MAX, &state);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_sev_owner_load((const char *)state.data, ret, &cli->err));
    return rc;
}

/* 64 characters for 48 bytes: nothing to be filled up. */
static bool
read_measurement(const char *text, uint8_t ret[MEASUREMENT_SIZE])
{
    uint8_t bytes[MEASUREMENT_SIZE];

    if (strlen(text) != (size_t)MEASUREMENT_SIZE / 3 * 4 || strchr(text, '=')
        || EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)strlen(text))
               != MEASUREMENT_SIZE)
        return false;
    memcpy(ret, bytes, MEASUREMENT_SIZE);
    return true;
}

/* "1.55" */
static bool
read_api(const char *text, coco_sev_firmware *ret)
{
    char *end = NULL;

    if (strspn(text, "0123456789.") != strlen(text) || strlen(text) > 7)
        return false;
    unsigned long major = strtoul(text, &end, 10);
    if (end == text || end[0] != '.' || end[1] < '0')
        return false;
    unsigned long minor = strtoul(end + 1, &end, 10);
    ret->api_major = (uint32_t)major;
    ret->api_minor = (uint32_t)minor;
    return *end == '\0';
}

static int
read_firmware(struct cli *cli, coco_sev_firmware *ret)
{
    const char *api = cli_get(&cli->args, OPT_API);
    uint64_t build = 0;

    if (!api || !cli_given(&cli->args, OPT_BUILD) || !cli_given(&cli->args, OPT_DIGEST))
        return cli_usage(cli, "needs --digest HEX, --api MAJOR.MINOR and --build NUMBER");
    if (!read_api(api, ret))
        return cli_usage(cli, "--api is MAJOR.MINOR");
    int rc = cli_get_number(cli, OPT_BUILD, 0, UINT8_MAX, &build);
    ret->build_id = (uint32_t)build;
    return rc;
}

static int
check(struct cli *cli, coco_sev_owner *owner)
{
    coco_sev_firmware firmware = {.size = sizeof(firmware)};
    uint8_t measurement[MEASUREMENT_SIZE];
    uint8_t digest[DIGEST_SIZE];
    size_t len = 0;

    int rc = read_firmware(cli, &firmware);
    if (rc != CLI_DONE)
        return rc;
    if (!cli_unhex(cli_get(&cli->args, OPT_DIGEST), digest, sizeof(digest), &len)
        || len != sizeof(digest))
        return cli_usage(cli, "--digest is %d hex digits", 2 * DIGEST_SIZE);
    if (!read_measurement(cli->args.operands[1], measurement))
        return cli_usage(cli, "MEASUREMENT is %d bytes in base64", MEASUREMENT_SIZE);
    return cli_check(cli, coco_sev_owner_check(owner, measurement, sizeof(measurement), digest,
                                               sizeof(digest), &firmware, &cli->err));
}

/* "kbs:///default/key/1=FILE" */
static int
add_secrets(struct cli *cli, coco_sev_owner *owner)
{
    const char *text;
    int rc = CLI_DONE;

    for (unsigned i = 0; rc == CLI_DONE && (text = cli_get_nth(&cli->args, OPT_SECRET, i)); i++) {
        const char *equals = strchr(text, '=');
        _cleanup_free_ char *name = equals ? strndup(text, (size_t)(equals - text)) : NULL;
        _cleanup_bytes_ struct cli_bytes data = {0};

        if (!name)
            return cli_usage(cli, "--secret is NAME=FILE");
        rc = cli_read_file(cli, equals + 1, SECRET_MAX, &data);
        if (rc == CLI_DONE)
            rc = cli_check(cli,
                           coco_sev_owner_add_secret(owner, name, data.data, data.len, &cli->err));
    }
    return rc;
}

int
cli_sev_inject(struct cli *cli)
{
    const char *dir = cli->args.operands[0];
    _cleanup_(coco_sev_owner_freep) coco_sev_owner *owner = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *packet = NULL;

    if (!cli_given(&cli->args, OPT_SECRET))
        return cli_usage(cli, "needs --secret NAME=FILE");
    int rc = load(cli, &owner);
    if (rc == CLI_DONE)
        rc = add_secrets(cli, owner);
    if (rc == CLI_DONE)
        rc = check(cli, owner);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_sev_owner_get_packet(owner, &packet, &cli->err));
    if (rc == CLI_DONE)
        rc = write_base64(cli, dir, "packet-header.b64", coco_bytes_data(packet), HEADER_SIZE);
    if (rc == CLI_DONE)
        rc = write_base64(cli, dir, "packet-secret.b64", coco_bytes_data(packet) + HEADER_SIZE,
                          coco_bytes_size(packet) - HEADER_SIZE);
    return rc == CLI_DONE ? cli_result(cli, "dir", dir) : rc;
}
