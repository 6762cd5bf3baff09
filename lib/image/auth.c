/*
 * image/auth.c - where credentials for registries are (containers-auth.json(5))
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/auth.h"

#include "base/base64.h"
#include "base/fail.h"
#include "image/helper.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define AUTH_TEXT_MAX ((size_t)64 << 10)
#define KEY_MAX 512
/* The name under which docker's helpers keep what is Docker Hub's. */
#define HUB_SERVER "https://index.docker.io/v1/"

/* "user:password" of an entry, or nothing if it has none. */
static coco_status
decode(const char *encoded, struct coco_credentials *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = AUTH_TEXT_MAX};

    coco_status status = coco_base64_decode(COCO_BASE64, encoded, strlen(encoded), &text, err);
    if (status != COCO_OK)
        return status;

    /* Some writers pad with NULs, some leave the newline of `echo` in (guest-protocols 6.6). */
    while (text.len > 0 && (text.data[text.len - 1] == '\0' || text.data[text.len - 1] == '\n'))
        text.data[--text.len] = '\0';
    char *colon = text.len ? memchr(text.data, ':', text.len) : NULL;
    if (!colon || memchr(text.data, '\0', text.len))
        return coco_fail(err, COCO_ERR_PROTO, "'auth' is not user:password in base64");
    *colon = '\0';
    return coco_credentials_make((char *)text.data, colon + 1, ret, err);
}

/* What an entry says itself; nothing for "{}", which stands where a helper keeps the secret. */
static coco_status
read_entry(const cJSON *entry, struct coco_credentials *ret, coco_error **err)
{
    const char *token = NULL;
    const char *encoded = NULL;

    coco_status status = coco_json_get_string_opt(entry, "identitytoken", &token, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(entry, "auth", &encoded, err);
    if (status != COCO_OK)
        return status;
    if (token && *token)
        return coco_secret_copy(token, strlen(token), &ret->identity_token, err);
    return encoded && *encoded ? decode(encoded, ret, err) : COCO_OK;
}

static coco_status
check_auths(const cJSON *json, coco_error **err)
{
    const cJSON *auths = NULL;
    const cJSON *entry = NULL;

    coco_status status = coco_json_get_object_opt(json, "auths", &auths, err);
    if (status != COCO_OK)
        return status;
    cJSON_ArrayForEach(entry, auths) {
        _cleanup_credentials_ struct coco_credentials credentials = {0};

        status = cJSON_IsObject(entry) ? read_entry(entry, &credentials, err)
                                       : coco_fail(err, COCO_ERR_PROTO, "not an object");
        if (status != COCO_OK)
            return coco_wrap(err, status, "auths: '%.200s'", entry->string);
    }
    return COCO_OK;
}

static coco_status
check_helpers(const cJSON *json, coco_error **err)
{
    const cJSON *helpers = NULL;
    const cJSON *entry = NULL;
    const char *store = NULL;

    coco_status status = coco_json_get_string_opt(json, "credsStore", &store, err);
    if (status == COCO_OK && store && *store)
        status = coco_helper_check_name(store, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "credsStore");
    status = coco_json_get_object_opt(json, "credHelpers", &helpers, err);
    cJSON_ArrayForEach(entry, helpers) {
        const char *name = cJSON_GetStringValue(entry);

        status = name ? coco_helper_check_name(name, err)
                      : coco_fail(err, COCO_ERR_PROTO, "not a string");
        if (status != COCO_OK)
            return coco_wrap(err, status, "credHelpers: '%.200s'", entry->string);
    }
    return status;
}

coco_status
coco_auth_parse(const void *json, size_t len, cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *parsed = NULL;

    coco_status status = coco_json_parse_object(json, len, &parsed, err);
    if (status == COCO_OK)
        status = check_auths(parsed, err);
    if (status == COCO_OK)
        status = check_helpers(parsed, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "auth.json");
    *ret = coco_steal(&parsed);
    return COCO_OK;
}

coco_status
coco_auth_add(struct coco_auth *auth, const void *json, size_t len, coco_error **err)
{
    if (auth->n_files == COCO_AUTH_FILES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d auth.json", COCO_AUTH_FILES_MAX);
    coco_status status = coco_auth_parse(json, len, &auth->files[auth->n_files], err);
    if (status == COCO_OK)
        auth->n_files++;
    return status;
}

void
coco_auth_done(struct coco_auth *auth)
{
    for (size_t i = 0; i < auth->n_files; i++)
        coco_json_free(auth->files[i]);
    *auth = (struct coco_auth){0};
}

/* The names under which docker.io's credentials are kept. */
static bool
is_docker_hub(const char *host)
{
    return strcasecmp(host, "docker.io") == 0 || strcasecmp(host, "index.docker.io") == 0
           || strcasecmp(host, "registry-1.docker.io") == 0;
}

/* Whether a key such as "https://index.docker.io/v1/" or "HOST" names host. */
static bool
key_names_host(const char *key, const char *host)
{
    char name[KEY_MAX];
    const char *scheme = strstr(key, "://");

    if (scheme)
        key = scheme + strlen("://");
    else if (strchr(key, '/'))
        return false; /* host/path: the path counts, and was compared */
    int n = snprintf(name, sizeof(name), "%.*s", (int)strcspn(key, "/"), key);
    if (n < 0 || (size_t)n >= sizeof(name))
        return false;
    return strcasecmp(name, host) == 0 || (is_docker_hub(name) && is_docker_hub(host));
}

/* Whether an entry of auths says anything. */
static bool
is_set(const cJSON *entry)
{
    const cJSON *auth = cJSON_GetObjectItemCaseSensitive(entry, "auth");
    const cJSON *token = cJSON_GetObjectItemCaseSensitive(entry, "identitytoken");

    return (cJSON_IsString(auth) && auth->valuestring[0])
           || (cJSON_IsString(token) && token->valuestring[0]);
}

static const cJSON *
find_entry(const cJSON *auths, const char *name, const char *host)
{
    char key[KEY_MAX];
    const cJSON *entry = NULL;

    int n = snprintf(key, sizeof(key), "%s", name);
    if (n < 0 || (size_t)n >= sizeof(key))
        return NULL;
    for (char *end = key + n; end; end = strrchr(key, '/')) {
        *end = '\0';
        entry = cJSON_GetObjectItemCaseSensitive(auths, key);
        if (entry && is_set(entry))
            return entry;
    }
    cJSON_ArrayForEach(entry, auths)
        if (key_names_host(entry->string, host) && is_set(entry))
            return entry;
    return NULL;
}

/* The entry of credHelpers for host: its key is the server that the helper knows. */
static const cJSON *
find_helper(const cJSON *helpers, const char *host)
{
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(helpers, host);

    if (entry)
        return entry;
    cJSON_ArrayForEach(entry, helpers)
        if (key_names_host(entry->string, host))
            return entry;
    return NULL;
}

static coco_status
ask(const struct coco_auth *auth, coco_ctx *ctx, const char *helper, const char *server,
    struct coco_credentials *ret, coco_error **err)
{
    if (auth->helpers)
        return coco_helper_get(auth->helpers, ctx, helper, server, ret, err);
    return coco_fail(err, COCO_ERR_NOTSUP,
                     "the credential helper '%.64s' for %.200s may not be run", helper, server);
}

static coco_status
find_in(const struct coco_auth *auth, const cJSON *file, coco_ctx *ctx, const char *name,
        struct coco_credentials *ret, coco_error **err)
{
    char host[KEY_MAX];
    int n = snprintf(host, sizeof(host), "%.*s", (int)strcspn(name, "/"), name);

    if (n < 0 || (size_t)n >= sizeof(host))
        return COCO_OK;
    const cJSON *helper = find_helper(cJSON_GetObjectItemCaseSensitive(file, "credHelpers"), host);
    if (helper)
        return ask(auth, ctx, helper->valuestring, helper->string, ret, err);
    const cJSON *entry = find_entry(cJSON_GetObjectItemCaseSensitive(file, "auths"), name, host);
    if (entry)
        return read_entry(entry, ret, err);
    const cJSON *store = cJSON_GetObjectItemCaseSensitive(file, "credsStore");
    if (cJSON_IsString(store) && store->valuestring[0])
        return ask(auth, ctx, store->valuestring, is_docker_hub(host) ? HUB_SERVER : host, ret,
                   err);
    return COCO_OK;
}

static bool
is_found(const struct coco_credentials *credentials)
{
    return credentials->user.data || credentials->identity_token.data;
}

/* What the key broker keeps, which is asked only if nobody else knows. */
static coco_status
find_in_resource(const struct coco_auth *auth, coco_ctx *ctx, const char *name,
                 struct coco_credentials *ret, coco_error **err)
{
    const cJSON *file = NULL;

    coco_auth_resource_lock(auth->resource);
    coco_status status = coco_auth_resource_file(auth->resource, ctx, &file, err);
    if (status == COCO_OK && file)
        status = find_in(auth, file, ctx, name, ret, err);
    coco_auth_resource_unlock(auth->resource);
    return status;
}

coco_status
coco_auth_find(const struct coco_auth *auth, coco_ctx *ctx, const char *name,
               struct coco_credentials *ret, coco_error **err)
{
    _cleanup_credentials_ struct coco_credentials found = {0};

    for (size_t i = 0; i < auth->n_files && !is_found(&found); i++) {
        coco_status status = find_in(auth, auth->files[i], ctx, name, &found, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "auth.json");
    }
    if (auth->resource && !is_found(&found)) {
        coco_status status = find_in_resource(auth, ctx, name, &found, err);
        if (status != COCO_OK)
            return status;
    }
    *ret = found;
    found = (struct coco_credentials){0};
    return COCO_OK;
}
