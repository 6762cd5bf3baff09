/*
 * cache/config.c - the configuration of a cache of images
 *
 * A key that is not known is refused: a misspelt one must not mean its default.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/config.h"

#include "base/fail.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"

#include <coco/image.h>

#include <string.h>
#include <strings.h>

#define PEM_MAX ((size_t)1 << 20)
#define AUTH_MAX ((size_t)1 << 20)
#define MIB ((uint64_t)1 << 20)
#define MAX_BYTES_DEFAULT (20480 * MIB)
#define FETCHES_DEFAULT 16
#define FETCHES_MAX 256
#define STALL_DEFAULT 30
#define RETRIES_DEFAULT 2
#define UPSTREAM_NAME_MAX 255

static coco_status
copy_text(const char *text, char **ret, coco_error **err)
{
    *ret = strdup(text);
    return *ret ? COCO_OK : coco_fail_nomem(err);
}

/* A number in [min, max], or fallback. */
static coco_status
get_number(const cJSON *object, const char *name, uint64_t min, uint64_t max, uint64_t *ret,
           coco_error **err)
{
    uint64_t number = 0;

    coco_status status = coco_json_get_u64_opt(object, name, *ret, &number, err);
    if (status != COCO_OK)
        return status;
    if (number < min || number > max)
        return coco_fail(err, COCO_ERR_PROTO, "'%s' is not a number from %llu to %llu", name,
                         (unsigned long long)min, (unsigned long long)max);
    *ret = number;
    return COCO_OK;
}

/* The content of the file that a member names; nothing if there is no such member. */
static coco_status
get_file(const cJSON *object, const char *name, size_t max, struct coco_buf *ret, coco_error **err)
{
    const char *path = NULL;

    ret->limit = max;
    coco_status status = coco_json_get_string_opt(object, name, &path, err);
    if (status != COCO_OK || !path)
        return status;
    status = coco_file_read(path, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "'%s'", name);
}

/* Whether text is the registry of a reference, as references have it. */
static coco_status
check_registry(const char *text, coco_error **err)
{
    _cleanup_buf_ struct coco_buf name = {.limit = 512};
    coco_image_ref *ref = NULL;

    coco_status status = coco_buf_printf(&name, err, "%s/a/b:c", text);
    if (status == COCO_OK)
        status = coco_image_ref_parse(coco_buf_text(&name), &ref, err);
    if (status == COCO_ERR_NOMEM)
        return status;
    bool fits = status == COCO_OK && strcmp(coco_image_ref_registry(ref), text) == 0;
    coco_image_ref_free(ref);
    if (status != COCO_OK)
        return coco_wrap(err, COCO_ERR_PROTO, "'%.100s' is no registry", text);
    return fits ? COCO_OK : coco_fail(err, COCO_ERR_PROTO, "'%.100s' is no registry", text);
}

static coco_status
read_auth(const cJSON *item, struct coco_cache_upstream *to, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {0};

    coco_status status = get_file(item, "auth_file", AUTH_MAX, &text, err);
    if (status != COCO_OK || text.len == 0)
        return status;
    status = coco_auth_add(&to->auth, text.data, text.len, err);
    to->shared = status == COCO_OK;
    return status == COCO_OK ? status : coco_wrap(err, status, "'auth_file'");
}

/* A name stands in paths and queries; where it leads is a registry. */
static coco_status
read_names(const cJSON *item, struct coco_cache_upstream *to, coco_error **err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-_:[]";
    const char *registry = NULL;

    if (!coco_text_is_all(item->string, allowed, UPSTREAM_NAME_MAX))
        return coco_fail(err, COCO_ERR_PROTO, "not a name");
    coco_status status = coco_json_get_string_opt(item, "registry", &registry, err);
    if (status == COCO_OK && !registry)
        registry = item->string;
    if (status == COCO_OK)
        status = check_registry(registry, err);
    if (status == COCO_OK)
        status = copy_text(registry, &to->registry, err);
    if (status == COCO_OK)
        status = copy_text(item->string, &to->name, err);
    return status;
}

static coco_status
read_upstream(const cJSON *item, struct coco_cache_upstream *to, coco_error **err)
{
    static const char *const names[] = {"registry", "plain_http", "ca", "auth_file", NULL};

    if (!cJSON_IsObject(item))
        return coco_fail(err, COCO_ERR_PROTO, "is not an object");
    coco_status status = coco_json_check_members(item, names, err);
    if (status == COCO_OK)
        status = read_names(item, to, err);
    if (status == COCO_OK)
        status = coco_json_get_bool_opt(item, "plain_http", false, &to->plain_http, err);
    if (status == COCO_OK)
        status = get_file(item, "ca", PEM_MAX, &to->ca, err);
    if (status == COCO_OK)
        status = read_auth(item, to, err);
    return status;
}

static coco_status
read_upstreams(const cJSON *root, struct coco_cache_config *config, coco_error **err)
{
    const cJSON *all = NULL;
    const cJSON *item;
    const char *fallback = NULL;

    coco_status status = coco_json_get_object(root, "upstreams", &all, err);
    if (status != COCO_OK)
        return status;
    if (cJSON_GetArraySize(all) > COCO_CACHE_UPSTREAMS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d upstreams", COCO_CACHE_UPSTREAMS_MAX);
    cJSON_ArrayForEach(item, all) {
        struct coco_cache_upstream *to = &config->upstreams[config->n_upstreams++];

        status = read_upstream(item, to, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "upstream %.100s", item->string);
    }
    if (config->n_upstreams == 0)
        return coco_fail(err, COCO_ERR_PROTO, "'upstreams' is empty: nothing could be asked");
    status = coco_json_get_string_opt(root, "default_upstream", &fallback, err);
    if (status != COCO_OK || !fallback)
        return status;
    config->fallback = coco_cache_config_find(config, fallback, strlen(fallback));
    return config->fallback
               ? COCO_OK
               : coco_fail(err, COCO_ERR_PROTO,
                           "'default_upstream': %.100s is none of the upstreams", fallback);
}

static coco_status
read_listen(const cJSON *root, struct coco_cache_config *config, coco_error **err)
{
    const cJSON *list = NULL;
    const cJSON *item;

    coco_status status = coco_json_get_array(root, "listen", &list, err);
    if (status != COCO_OK)
        return status;
    int n = cJSON_GetArraySize(list);
    if (n < 1 || n > COCO_HTTPD_SOCKETS_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "'listen' is not a list of 1 to %d addresses",
                         COCO_HTTPD_SOCKETS_MAX);
    cJSON_ArrayForEach(item, list) {
        if (!cJSON_IsString(item))
            return coco_fail(err, COCO_ERR_PROTO, "'listen' is not a list of texts");
        status = copy_text(item->valuestring, &config->listen[config->n_listen++], err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

/* "0660" */
static coco_status
read_unix_mode(const cJSON *root, struct coco_cache_config *config, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string_opt(root, "unix_mode", &text, err);
    if (status != COCO_OK || !text)
        return status;
    size_t len = strlen(text);
    if (len < 3 || len > 4 || strspn(text, "01234567") != len || (len == 4 && text[0] != '0'))
        return coco_fail(err, COCO_ERR_PROTO, "'unix_mode' is not a mode such as \"0660\"");
    for (; *text; text++)
        config->unix_mode = config->unix_mode * 8 + (mode_t)(*text - '0');
    return config->unix_mode ? COCO_OK
                             : coco_fail(err, COCO_ERR_PROTO, "'unix_mode' lets nobody in");
}

static coco_status
read_server(const cJSON *root, struct coco_cache_config *config, coco_error **err)
{
    coco_status status = read_listen(root, config, err);

    if (status == COCO_OK)
        status = coco_json_get_bool_opt(root, "insecure_http", false, &config->insecure_http, err);
    if (status == COCO_OK)
        status = get_file(root, "certificate", PEM_MAX, &config->certificate, err);
    if (status == COCO_OK)
        status = get_file(root, "private_key", PEM_MAX, &config->private_key, err);
    if (status == COCO_OK && !config->certificate.len != !config->private_key.len)
        status = coco_fail(err, COCO_ERR_PROTO, "'certificate' and 'private_key' go together");
    if (status == COCO_OK)
        status = read_unix_mode(root, config, err);
    config->max_connections = COCO_HTTPD_CONNECTIONS;
    if (status == COCO_OK)
        status = get_number(root, "max_connections", 1, 65536, &config->max_connections, err);
    return status;
}

static coco_status
read_store(const cJSON *root, struct coco_cache_config *config, coco_error **err)
{
    const char *directory = NULL;

    coco_status status = coco_json_get_string(root, "directory", &directory, err);
    if (status == COCO_OK)
        status = copy_text(directory, &config->directory, err);
    config->max_bytes = MAX_BYTES_DEFAULT;
    if (status == COCO_OK)
        status = get_number(root, "max_bytes", MIB, UINT64_MAX / 2, &config->max_bytes, err);
    if (status == COCO_OK)
        status = coco_json_get_bool_opt(root, "verify", true, &config->verify, err);
    return status;
}

static coco_status
read_root(const cJSON *root, struct coco_cache_config *config, coco_error **err)
{
    static const char *const names[] = {
        "listen",    "insecure_http", "certificate", "private_key",      "unix_mode",
        "directory", "max_bytes",     "verify",      "max_connections",  "max_fetches",
        "retries",   "stall_seconds", "upstreams",   "default_upstream", NULL,
    };

    coco_status status = coco_json_check_members(root, names, err);
    if (status == COCO_OK)
        status = read_server(root, config, err);
    if (status == COCO_OK)
        status = read_store(root, config, err);
    config->max_fetches = FETCHES_DEFAULT;
    if (status == COCO_OK)
        status = get_number(root, "max_fetches", 1, FETCHES_MAX, &config->max_fetches, err);
    config->stall_seconds = STALL_DEFAULT;
    if (status == COCO_OK)
        status = get_number(root, "stall_seconds", 1, 3600, &config->stall_seconds, err);
    config->retries = RETRIES_DEFAULT;
    if (status == COCO_OK)
        status = get_number(root, "retries", 0, 100, &config->retries, err);
    if (status == COCO_OK)
        status = read_upstreams(root, config, err);
    return status;
}

coco_status
coco_cache_config_parse(const char *text, size_t len, struct coco_cache_config *ret,
                        coco_error **err)
{
    _cleanup_json_ cJSON *root = NULL;
    _cleanup_cache_config_ struct coco_cache_config config = {0};

    coco_status status = coco_json_parse_object(text, len, &root, err);
    if (status == COCO_OK)
        status = read_root(root, &config, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "configuration");
    size_t fallback = config.fallback ? (size_t)(config.fallback - config.upstreams) : 0;
    bool has_fallback = config.fallback != NULL;
    *ret = config;
    ret->fallback = has_fallback ? &ret->upstreams[fallback] : NULL;
    config = (struct coco_cache_config){0};
    return COCO_OK;
}

void
coco_cache_config_done(struct coco_cache_config *config)
{
    for (size_t i = 0; i < config->n_listen; i++)
        free(config->listen[i]);
    for (size_t i = 0; i < config->n_upstreams; i++) {
        free(config->upstreams[i].name);
        free(config->upstreams[i].registry);
        coco_buf_done(&config->upstreams[i].ca);
        coco_auth_done(&config->upstreams[i].auth);
    }
    coco_buf_done(&config->certificate);
    coco_buf_done(&config->private_key);
    free(config->directory);
    *config = (struct coco_cache_config){0};
}

const struct coco_cache_upstream *
coco_cache_config_find(const struct coco_cache_config *config, const char *name, size_t len)
{
    for (size_t i = 0; i < config->n_upstreams; i++)
        if (strlen(config->upstreams[i].name) == len
            && strncmp(config->upstreams[i].name, name, len) == 0)
            return &config->upstreams[i];
    return NULL;
}
