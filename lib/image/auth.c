/*
 * image/auth.c - credentials for registries (containers auth.json)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/auth.h"

#include "base/base64.h"
#include "base/fail.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define AUTH_TEXT_MAX ((size_t)64 << 10)
#define KEY_MAX 512

/* "user:password" of an entry, or empty if it has none. */
static coco_status
decode(const cJSON *entry, struct coco_credentials *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = AUTH_TEXT_MAX};
    _cleanup_credentials_ struct coco_credentials credentials = {0};
    const char *encoded = NULL;

    coco_status status = coco_json_get_string_opt(entry, "auth", &encoded, err);
    if (status != COCO_OK || !encoded || !*encoded)
        return status;
    status = coco_base64_decode(COCO_BASE64, encoded, strlen(encoded), &text, err);
    if (status != COCO_OK)
        return status;

    /* Some writers pad with NULs, some leave the newline of `echo` in (guest-protocols 6.6). */
    while (text.len > 0 && (text.data[text.len - 1] == '\0' || text.data[text.len - 1] == '\n'))
        text.len--;
    const uint8_t *colon = text.len ? memchr(text.data, ':', text.len) : NULL;
    if (!colon || memchr(text.data, '\0', text.len))
        return coco_fail(err, COCO_ERR_PROTO, "'auth' is not user:password in base64");
    size_t user_len = (size_t)(colon - text.data);
    status = coco_secret_copy(text.data, user_len, &credentials.user, err);
    if (status == COCO_OK)
        status = coco_secret_copy(colon + 1, text.len - user_len - 1, &credentials.password, err);
    if (status != COCO_OK)
        return status;
    *ret = credentials;
    credentials = (struct coco_credentials){0};
    return COCO_OK;
}

static coco_status
check_entry(const cJSON *entry, coco_error **err)
{
    _cleanup_credentials_ struct coco_credentials credentials = {0};
    const char *token = NULL;

    if (!cJSON_IsObject(entry))
        return coco_fail(err, COCO_ERR_PROTO, "not an object");
    coco_status status = coco_json_get_string_opt(entry, "identitytoken", &token, err);
    if (status == COCO_OK)
        status = decode(entry, &credentials, err);
    return status;
}

static coco_status
check(const cJSON *json, coco_error **err)
{
    const cJSON *auths = NULL;
    const cJSON *helpers = NULL;
    const cJSON *entry = NULL;

    coco_status status = coco_json_get_object_opt(json, "auths", &auths, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(json, "credHelpers", &helpers, err);
    if (status != COCO_OK)
        return status;
    cJSON_ArrayForEach(entry, auths) {
        status = check_entry(entry, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "auths: '%.200s'", entry->string);
    }
    return COCO_OK;
}

coco_status
coco_auth_parse(const void *json, size_t len, struct coco_auth *ret, coco_error **err)
{
    _cleanup_json_ cJSON *parsed = NULL;

    coco_status status = coco_json_parse_object(json, len, &parsed, err);
    if (status == COCO_OK)
        status = check(parsed, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "auth.json");
    ret->json = coco_steal(&parsed);
    return COCO_OK;
}

void
coco_auth_done(struct coco_auth *auth)
{
    coco_json_free(auth->json);
    *auth = (struct coco_auth){0};
}

void
coco_credentials_done(struct coco_credentials *credentials)
{
    coco_secret_done(&credentials->user);
    coco_secret_done(&credentials->password);
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

/* Whether an entry says anything; "{}" stands where a helper keeps the secret. */
static bool
is_set(const cJSON *entry)
{
    const cJSON *auth = cJSON_GetObjectItemCaseSensitive(entry, "auth");
    const cJSON *token = cJSON_GetObjectItemCaseSensitive(entry, "identitytoken");

    return (cJSON_IsString(auth) && auth->valuestring[0])
           || (cJSON_IsString(token) && token->valuestring[0]);
}

static const cJSON *
find_entry(const cJSON *auths, const char *host, const char *repository)
{
    char key[KEY_MAX];
    const cJSON *entry = NULL;

    int n = snprintf(key, sizeof(key), "%s/%s", host, repository);
    if (n < 0 || (size_t)n >= sizeof(key))
        return NULL;
    for (char *slash = key + n; slash; slash = strrchr(key, '/')) {
        *slash = '\0';
        entry = cJSON_GetObjectItemCaseSensitive(auths, key);
        if (entry && is_set(entry))
            return entry;
    }
    cJSON_ArrayForEach(entry, auths)
        if (key_names_host(entry->string, host) && is_set(entry))
            return entry;
    return NULL;
}

coco_status
coco_auth_find(const struct coco_auth *auth, const char *host, const char *repository,
               struct coco_credentials *ret, coco_error **err)
{
    const cJSON *auths = cJSON_GetObjectItemCaseSensitive(auth->json, "auths");
    const cJSON *helpers = cJSON_GetObjectItemCaseSensitive(auth->json, "credHelpers");
    const cJSON *entry = find_entry(auths, host, repository);
    const char *token = NULL;

    *ret = (struct coco_credentials){0};
    if (!entry && cJSON_GetObjectItemCaseSensitive(helpers, host))
        return coco_fail(err, COCO_ERR_NOTSUP, "auth.json: a credential helper for %.200s", host);
    if (!entry)
        return COCO_OK;
    coco_status status = coco_json_get_string_opt(entry, "identitytoken", &token, err);
    if (status == COCO_OK && token && *token)
        return coco_fail(err, COCO_ERR_NOTSUP, "auth.json: an identity token for %.200s", host);
    if (status == COCO_OK)
        status = decode(entry, ret, err);
    return status;
}
