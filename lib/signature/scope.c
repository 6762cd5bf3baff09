/*
 * signature/scope.c - which part of a policy is about an image
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/scope.h"

#include "base/fail.h"

#include <string.h>

/* A name of at most 255 bytes, a tag of at most 128 or a digest, and a path of PATH_MAX. */
#define NAME_MAX_BYTES ((size_t)8192)

bool
coco_scope_is_path(const char *path)
{
    while (*path == '/') {
        size_t len = strcspn(++path, "/");
        if (len == 0 || (len == 1 && path[0] == '.') || (len == 2 && strncmp(path, "..", 2) == 0))
            return false;
        path += len;
        if (*path == '\0')
            return true;
    }
    return false;
}

void
coco_scope_done(struct coco_scope *scope)
{
    coco_buf_done(&scope->name);
    *scope = (struct coco_scope){0};
}

/* Whether there is a scope of just that name; then it is the one that counts. */
static coco_status
try_scope(const cJSON *scopes, const char *name, struct coco_scope *scope, coco_error **err)
{
    scope->requirements = cJSON_GetObjectItemCaseSensitive(scopes, name);
    if (!scope->requirements)
        return COCO_OK;
    coco_buf_reset(&scope->name);
    return coco_buf_append_text(&scope->name, name, err);
}

/* name, then what stands before its last '/', and so on; "" is tried later. */
static coco_status
try_parents(const cJSON *scopes, char *name, struct coco_scope *scope, coco_error **err)
{
    coco_status status = COCO_OK;

    while (status == COCO_OK && !scope->requirements && *name) {
        status = try_scope(scopes, name, scope, err);
        char *slash = strrchr(name, '/');
        if (!slash)
            break;
        *slash = '\0';
    }
    return status;
}

/* *.example.org and *.org for a.example.org:5000 (containers-policy.json(5)). */
static coco_status
try_wildcards(const cJSON *scopes, char *host, struct coco_scope *scope, coco_error **err)
{
    coco_status status = COCO_OK;

    host[strcspn(host, ":/")] = '\0';
    for (char *dot = strchr(host, '.'); dot && status == COCO_OK && !scope->requirements;
         dot = strchr(dot + 1, '.')) {
        if (dot == host)
            continue;
        dot[-1] = '*';
        status = try_scope(scopes, dot - 1, scope, err);
    }
    return status;
}

coco_status
coco_scope_find(const cJSON *scopes, const char *name, const char *suffix, bool is_docker,
                struct coco_scope *scope, coco_error **err)
{
    _cleanup_buf_ struct coco_buf full = {.limit = NAME_MAX_BYTES};

    scope->name.limit = NAME_MAX_BYTES;
    coco_status status = coco_buf_printf(&full, err, "%s%s", name, suffix);
    if (status == COCO_OK)
        status = try_scope(scopes, coco_buf_text(&full), scope, err);
    if (status != COCO_OK)
        return status;

    char *text = (char *)full.data;
    text[strlen(name)] = '\0';
    status = try_parents(scopes, text, scope, err);
    if (status == COCO_OK && is_docker && !scope->requirements)
        status = try_wildcards(scopes, text, scope, err);
    return status;
}

/* The most specific scope for the image whose full name ends in suffix, ":tag" or "@digest". */
static coco_status
find_scope(const cJSON *root, const struct coco_policy_image *image, const char *suffix,
           struct coco_scope *scope, coco_error **err)
{
    const cJSON *transports = cJSON_GetObjectItemCaseSensitive(root, "transports");
    const cJSON *scopes = cJSON_GetObjectItemCaseSensitive(transports, image->transport);
    bool is_docker = strcmp(image->transport, "docker") == 0;

    coco_status status = coco_scope_find(scopes, image->name, suffix, is_docker, scope, err);
    if (status == COCO_OK && !scope->requirements)
        status = try_scope(scopes, "", scope, err);
    if (!scope->requirements)
        scope->requirements = cJSON_GetObjectItemCaseSensitive(root, "default");
    else
        scope->transport = image->transport;
    return status;
}

static coco_status
add_scope(const struct coco_policy *policy, const struct coco_policy_image *image, const char *mark,
          const char *id, struct coco_scopes *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf suffix = {.limit = NAME_MAX_BYTES};
    struct coco_scope *scope = &ret->list[ret->n++];

    coco_status status = coco_buf_printf(&suffix, err, "%s%s", mark, id);
    return status == COCO_OK ? find_scope(policy->root, image, coco_buf_text(&suffix), scope, err)
                             : status;
}

coco_status
coco_scopes_find(const struct coco_policy *policy, const struct coco_policy_image *image,
                 struct coco_scopes *ret, coco_error **err)
{
    bool is_docker = strcmp(image->transport, "docker") == 0;

    if (!is_docker && !coco_scope_is_path(image->name))
        return coco_fail(err, COCO_ERR_INVALID, "'%.300s' is not an absolute, clean path",
                         image->name);
    /* The same image of a layout may have several names there, or none: no scope goes by them. */
    if (!is_docker)
        return add_scope(policy, image, "", "", ret, err);

    coco_status status = COCO_OK;
    if (image->digest)
        status = add_scope(policy, image, "@", image->digest, ret, err);
    if (status == COCO_OK && (image->tag || !image->digest))
        status = add_scope(policy, image, ":", image->tag ? image->tag : "latest", ret, err);
    /* Both names are mostly in the same scope, whose requirements are the same. */
    if (ret->n == COCO_SCOPES_MAX && ret->list[0].requirements == ret->list[1].requirements)
        coco_scope_done(&ret->list[--ret->n]);
    return status;
}

void
coco_scopes_done(struct coco_scopes *scopes)
{
    for (size_t i = 0; i < scopes->n; i++)
        coco_scope_done(&scopes->list[i]);
    scopes->n = 0;
}
