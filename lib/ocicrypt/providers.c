/*
 * ocicrypt/providers.c - which key providers there are: ocicrypt's configuration
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/providers.h"

#include "base/fail.h"
#include "base/json.h"
#include "base/text.h"

#include <string.h>

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
#define NAME_MAX_LEN 128
#define NAMES_SHOWN ((size_t)1 << 10)

static void
provider_done(struct coco_provider *provider)
{
    free(provider->name);
    for (size_t i = 0; i < provider->n_argv; i++)
        free(provider->argv[i]);
    free(provider->root_ca_file);
    free(provider->cert_file);
    free(provider->key_file);
    coco_error_free(provider->why);
}

void
coco_providers_done(struct coco_providers *providers)
{
    for (size_t i = 0; i < providers->n; i++)
        provider_done(&providers->list[i]);
    free(providers->list);
    *providers = (struct coco_providers){0};
}

static coco_status
copy(const char *text, char **ret, coco_error **err)
{
    *ret = strdup(text);
    return *ret ? COCO_OK : coco_fail_nomem(err);
}

static coco_status
add_arg(struct coco_provider *provider, const char *text, coco_error **err)
{
    if (provider->n_argv > COCO_PROVIDER_ARGS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d arguments", COCO_PROVIDER_ARGS_MAX);
    coco_status status = copy(text, &provider->argv[provider->n_argv], err);
    if (status == COCO_OK)
        provider->n_argv++;
    return status;
}

static coco_status
read_cmd(const cJSON *cmd, struct coco_provider *ret, coco_error **err)
{
    static const char *const members[] = {"path", "args", NULL};
    const cJSON *args = NULL;
    const cJSON *item = NULL;
    const char *path = NULL;

    ret->kind = COCO_PROVIDER_CMD;
    coco_status status = coco_json_check_members(cmd, members, err);
    if (status == COCO_OK)
        status = coco_json_get_string(cmd, "path", &path, err);
    if (status == COCO_OK && path[0] != '/')
        status = coco_fail(err, COCO_ERR_PROTO, "path '%.200s' is not absolute", path);
    if (status == COCO_OK)
        status = add_arg(ret, path, err);
    if (status == COCO_OK)
        status = coco_json_get_array_opt(cmd, "args", &args, err);
    if (status != COCO_OK)
        return status;
    cJSON_ArrayForEach(item, args) {
        if (!cJSON_IsString(item))
            return coco_fail(err, COCO_ERR_PROTO, "an argument is no string");
        status = add_arg(ret, item->valuestring, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

/* A member that is empty is one that is not there: ocicrypt in Go knows no difference. */
static coco_status
get_text(const cJSON *way, const char *name, const char **ret, coco_error **err)
{
    coco_status status = coco_json_get_string_opt(way, name, ret, err);

    if (status == COCO_OK && *ret && **ret == '\0')
        *ret = NULL;
    return status;
}

static coco_status
read_file_name(const cJSON *tls, const char *member, char **ret, coco_error **err)
{
    const char *text = NULL;

    coco_status status = get_text(tls, member, &text, err);
    if (status == COCO_OK && text)
        status = copy(text, ret, err);
    return status;
}

static coco_status
read_tls(const cJSON *tls, struct coco_provider *ret, coco_error **err)
{
    static const char *const members[] = {
        "root-ca-file", "cert-file", "key-file", "server-name", "insecure-skip-verify", NULL};
    const char *server = NULL;
    bool insecure = false;

    coco_status status = coco_json_check_members(tls, members, err);
    if (status == COCO_OK)
        status = coco_json_get_bool_opt(tls, "insecure-skip-verify", false, &insecure, err);
    if (status == COCO_OK)
        status = get_text(tls, "server-name", &server, err);
    if (status != COCO_OK)
        return status;
    if (insecure)
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "insecure-skip-verify would hand keys to whoever answers");
    if (coco_target_set_tls(&ret->target, server, NULL) != COCO_OK)
        return coco_fail(err, COCO_ERR_PROTO, "server-name is no name of a server");
    status = read_file_name(tls, "root-ca-file", &ret->root_ca_file, err);
    if (status == COCO_OK)
        status = read_file_name(tls, "cert-file", &ret->cert_file, err);
    if (status == COCO_OK)
        status = read_file_name(tls, "key-file", &ret->key_file, err);
    if (status == COCO_OK && !ret->cert_file != !ret->key_file)
        status = coco_fail(err, COCO_ERR_PROTO, "cert-file and key-file belong together");
    return status;
}

static coco_status
read_target(const char *text, enum coco_provider_kind kind, struct coco_provider *ret,
            coco_error **err)
{
    coco_error *why = NULL;

    ret->kind = kind;
    coco_status status = coco_target_parse(text, &ret->target, &why);
    if (status != COCO_OK)
        status = coco_fail(err, status == COCO_ERR_NOMEM ? status : COCO_ERR_PROTO, "%s",
                           coco_error_message(why));
    coco_error_free(why);
    return status;
}

/* cmd before grpc before ttrpc before native, as ocicrypt-rs goes. */
static coco_status
read_way(const cJSON *way, struct coco_provider *ret, coco_error **err)
{
    static const char *const members[] = {"cmd", "grpc", "grpc-tls", "ttrpc", "native", NULL};
    const cJSON *cmd = NULL;
    const cJSON *tls = NULL;
    const char *grpc = NULL;
    const char *ttrpc = NULL;
    const char *native = NULL;

    coco_status status = coco_json_check_members(way, members, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(way, "cmd", &cmd, err);
    if (status == COCO_OK)
        status = get_text(way, "grpc", &grpc, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(way, "grpc-tls", &tls, err);
    if (status == COCO_OK)
        status = get_text(way, "ttrpc", &ttrpc, err);
    if (status == COCO_OK)
        status = get_text(way, "native", &native, err);
    if (status != COCO_OK)
        return status;
    if (cmd)
        return read_cmd(cmd, ret, err);
    if (grpc) {
        status = read_target(grpc, COCO_PROVIDER_GRPC, ret, err);
        return status == COCO_OK && tls ? read_tls(tls, ret, err) : status;
    }
    if (ttrpc)
        return read_target(ttrpc, COCO_PROVIDER_TTRPC, ret, err);
    if (!native)
        return coco_fail(err, COCO_ERR_PROTO, "has none of cmd, grpc, ttrpc and native");
    ret->kind = COCO_PROVIDER_NATIVE;
    return COCO_OK;
}

static coco_status
read_provider(const cJSON *item, struct coco_provider *ret, coco_error **err)
{
    if (!coco_text_is_all(item->string, NAME_CHARS, NAME_MAX_LEN))
        return coco_fail(err, COCO_ERR_PROTO, "'%.100s' is no name of a key provider",
                         item->string);
    if (!cJSON_IsObject(item))
        return coco_fail(err, COCO_ERR_PROTO, "key provider %s is no object", item->string);
    coco_status status = copy(item->string, &ret->name, err);
    if (status != COCO_OK)
        return status;
    status = read_way(item, ret, &ret->why);
    return status == COCO_ERR_NOMEM ? coco_fail_nomem(err) : COCO_OK;
}

coco_status
coco_providers_parse(const char *json, size_t len, struct coco_providers *ret, coco_error **err)
{
    static const char *const members[] = {"key-providers", NULL};
    _cleanup_(coco_providers_done) struct coco_providers providers = {0};
    _cleanup_json_ cJSON *file = NULL;
    const cJSON *object = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_parse_object(json, len, &file, err);
    if (status == COCO_OK)
        status = coco_json_check_members(file, members, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(file, "key-providers", &object, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "configuration of key providers");
    providers.list = calloc(COCO_PROVIDERS_MAX, sizeof(*providers.list));
    if (!providers.list)
        return coco_fail_nomem(err);
    cJSON_ArrayForEach(item, object) {
        if (providers.n == COCO_PROVIDERS_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "more than %d key providers", COCO_PROVIDERS_MAX);
        status = read_provider(item, &providers.list[providers.n++], err);
        if (status != COCO_OK)
            return status;
    }
    *ret = providers;
    providers = (struct coco_providers){0};
    return COCO_OK;
}

static coco_status
use(const struct coco_provider *provider, const struct coco_provider **ret, coco_error **err)
{
    if (provider->why) {
        coco_error_repeat(err, provider->why);
        return coco_wrap(err, coco_error_status(provider->why), "key provider %s", provider->name);
    }
    *ret = provider;
    return COCO_OK;
}

coco_status
coco_providers_find(const struct coco_providers *providers, const char *name,
                    const struct coco_provider **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf names = {.limit = NAMES_SHOWN};

    for (size_t i = 0; i < providers->n; i++) {
        if (strcmp(providers->list[i].name, name) == 0)
            return use(&providers->list[i], ret, err);
        (void)coco_buf_printf(&names, NULL, "%s%s", i > 0 ? ", " : "", providers->list[i].name);
    }
    return coco_fail(err, COCO_ERR_NOTFOUND, "no key provider %.100s is configured; there %s %s",
                     name, providers->n == 1 ? "is" : "are",
                     providers->n > 0 ? coco_buf_text(&names) : "none");
}
