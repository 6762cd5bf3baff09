/*
 * base/resource.c - the names of resources in a KBS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/resource.h"

#include "base/fail.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define SCHEME "kbs://"
#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define PART_CHARS ALNUM "_-."
#define HOST_CHARS ALNUM ".-:"
#define HOST_MAX 255
#define PLUGIN_SCHEME "kbs+"
#define PLUGIN_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-"
#define PLUGIN_MAX 32
#define RESOURCE_PLUGIN "resource"
/* RFC 3986 section 3.4: pchar, "/" and "?". */
#define QUERY_CHARS ALNUM "-._~%!$&'()*+,;=:@/?"

/* Copies the part at text up to end; false unless it follows kbs-protocol C.1. */
static bool
copy_part(const char *text, const char *end, char part[COCO_RESOURCE_PART_MAX + 1])
{
    size_t len = (size_t)(end - text);

    if (len == 0 || len > COCO_RESOURCE_PART_MAX || text[0] == '.')
        return false;
    memcpy(part, text, len);
    part[len] = '\0';
    return strspn(part, PART_CHARS) == len;
}

coco_status
coco_resource_path_parse(const char *text, struct coco_resource_path *ret, coco_error **err)
{
    struct coco_resource_path path = {0};
    const char *first = strchr(text, '/');
    const char *second = first ? strchr(first + 1, '/') : NULL;

    if (!second || !copy_part(text, first, path.repository)
        || !copy_part(first + 1, second, path.type)
        || !copy_part(second + 1, second + 1 + strlen(second + 1), path.tag))
        return coco_fail(err, COCO_ERR_INVALID, "'%.300s' is not <repository>/<type>/<tag>", text);

    (void)snprintf(path.text, sizeof(path.text), "%s", text);
    *ret = path;
    return COCO_OK;
}

coco_status
coco_resource_parts_check(const char *text, coco_error **err)
{
    char part[COCO_RESOURCE_PART_MAX + 1];
    const char *at = text;
    bool good = true;

    for (unsigned i = 0; good && at && i < 3; i++) {
        const char *end = strchr(at, '/');

        good = copy_part(at, end ? end : at + strlen(at), part);
        at = end ? end + 1 : NULL;
    }
    if (!good || at)
        return coco_fail(err, COCO_ERR_INVALID, "'%.300s' is not <repository>[/<type>[/<tag>]]",
                         text);
    return COCO_OK;
}

coco_status
coco_resource_prefix_parse(const char *text, struct coco_resource_prefix *ret, coco_error **err)
{
    struct coco_resource_prefix prefix = {0};
    char part[COCO_RESOURCE_PART_MAX + 1];
    bool good = strncmp(text, SCHEME "/", strlen(SCHEME "/")) == 0;
    const char *rest = good ? text + strlen(SCHEME "/") : text;

    const char *at = rest;
    for (unsigned i = 0; good && *at && i < 2; i++) {
        const char *end = strchr(at, '/');

        good = end && copy_part(at, end, part);
        at = end ? end + 1 : at;
    }
    if (!good || *at)
        return coco_fail(err, COCO_ERR_INVALID,
                         "'%.300s' is not kbs:///, kbs:///<repository>/ or "
                         "kbs:///<repository>/<type>/",
                         text);
    (void)snprintf(prefix.text, sizeof(prefix.text), "%s", rest);
    *ret = prefix;
    return COCO_OK;
}

bool
coco_resource_prefix_covers(const struct coco_resource_prefix *prefix,
                            const struct coco_resource_path *path)
{
    return strncmp(path->text, prefix->text, strlen(prefix->text)) == 0;
}

coco_status
coco_resource_uri_parse(const char *text, struct coco_resource_path *ret, coco_error **err)
{
    if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
        return coco_fail(err, COCO_ERR_INVALID, "'%.300s' does not start with kbs://", text);

    const char *host = text + strlen(SCHEME);
    size_t host_len = strcspn(host, "/");
    if (host_len > HOST_MAX || strspn(host, HOST_CHARS) < host_len || host[host_len] == '\0')
        return coco_fail(err, COCO_ERR_INVALID, "'%.300s' is not kbs:///<repository>/<type>/<tag>",
                         text);
    return coco_resource_path_parse(host + host_len + 1, ret, err);
}

/* The parts of a path up to end. */
static bool
is_plugin_path(const char *text, const char *end)
{
    char part[COCO_RESOURCE_PART_MAX + 1];
    bool good = true;

    for (unsigned i = 0; good && i < COCO_PLUGIN_PARTS_MAX; i++) {
        const char *slash = memchr(text, '/', (size_t)(end - text));

        good = copy_part(text, slash ? slash : end, part);
        if (!slash)
            return good;
        text = slash + 1;
    }
    return false;
}

coco_status
coco_plugin_path_check(const char *text, coco_error **err)
{
    if (!is_plugin_path(text, text + strlen(text)))
        return coco_fail(err, COCO_ERR_INVALID,
                         "'%.300s' is not 1 to %d parts of [A-Za-z0-9_.-] with / between", text,
                         COCO_PLUGIN_PARTS_MAX);
    return COCO_OK;
}

/* A resource with a query, which policies see, is what the plug-in "resource" is asked for. */
static bool
has_query(const char *text)
{
    return strncmp(text, SCHEME, strlen(SCHEME)) == 0 && strchr(text, '?');
}

bool
coco_plugin_uri_is(const char *text)
{
    return strncmp(text, PLUGIN_SCHEME, strlen(PLUGIN_SCHEME)) == 0 || has_query(text);
}

/* "://[host[:port]]/"; what follows it, or NULL. */
static const char *
behind_host(const char *text)
{
    if (strncmp(text, "://", 3) != 0)
        return NULL;
    text += 3;
    size_t len = strcspn(text, "/");
    if (len > HOST_MAX || strspn(text, HOST_CHARS) < len || text[len] == '\0')
        return NULL;
    return text + len + 1;
}

/* The name of the plug-in at text, *len characters; what follows it, or NULL. */
static const char *
cut_plugin(const char *text, const char **name, size_t *len)
{
    if (has_query(text)) {
        *name = RESOURCE_PLUGIN;
        *len = strlen(RESOURCE_PLUGIN);
        return text + strlen("kbs");
    }
    if (!coco_plugin_uri_is(text))
        return NULL;
    *name = text + strlen(PLUGIN_SCHEME);
    *len = strspn(*name, PLUGIN_CHARS);
    return *len > 0 && *len <= PLUGIN_MAX ? *name + *len : NULL;
}

coco_status
coco_plugin_uri_parse(const char *text, struct coco_plugin_uri *ret, coco_error **err)
{
    const char *name = NULL;
    size_t len = 0;
    const char *rest = cut_plugin(text, &name, &len);
    const char *path = rest ? behind_host(rest) : NULL;
    const char *query = path ? path + strcspn(path, "?") : NULL;

    if (!query || !is_plugin_path(path, query)
        || (*query && query[1 + strspn(query + 1, QUERY_CHARS)] != '\0')
        || len + 1 + strlen(path) > COCO_PLUGIN_TARGET_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "'%.300s' is not kbs+<plugin>:///<path>[?<query>]",
                         text);
    (void)snprintf(ret->target, sizeof(ret->target), "%.*s/%s", (int)len, name, path);
    return COCO_OK;
}
