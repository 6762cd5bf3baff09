/*
 * cache/request.c - what a client of the cache asks for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/request.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Of a registry and a repository together, and of a reference behind them. */
#define NAME_MAX_LEN 512
#define REFERENCE_MAX_LEN 256
#define NS_MAX_LEN 256

/* Cuts a parameter off the query; false at its end. */
static bool
next_parameter(const char **query, const char **start, size_t *len)
{
    if (!**query)
        return false;
    *start = *query;
    *len = strcspn(*query, "&");
    *query += *len;
    *query += **query == '&';
    return true;
}

/* Undoes percent-encoding; false if it is none, or does not fit, or hides a NUL. */
static bool
decode(const char *text, size_t len, char *buf, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (n + 1 >= size)
            return false;
        if (c == '%') {
            if (len - i < 3 || !coco_unhex(text + i + 1, 2, &c, 1) || c == '\0')
                return false;
            i += 2;
        }
        buf[n++] = c;
    }
    buf[n] = '\0';
    return true;
}

/* The value of ns; false if it is there twice or cannot be read, "" if it is not there. */
static bool
find_ns(const char *query, char *buf, size_t size)
{
    const char *start;
    size_t len;

    buf[0] = '\0';
    while (query && next_parameter(&query, &start, &len)) {
        if (len < 3 || strncmp(start, "ns=", 3) != 0)
            continue;
        if (buf[0] || len == 3 || !decode(start + 3, len - 3, buf, size))
            return false;
    }
    return true;
}

/* Splits "NAME/blobs/REFERENCE" at its last two slashes; the name is in path up to *name_len. */
static const char *
split(const char *path, size_t *name_len, enum coco_cache_what *what)
{
    const char *last = strrchr(path, '/');
    const char *kind = last;

    while (kind && kind > path && kind[-1] != '/')
        kind--;
    if (!last || kind == path)
        return NULL;
    size_t len = (size_t)(last - kind);
    if (len == 5 && strncmp(kind, "blobs", 5) == 0)
        *what = COCO_CACHE_BLOB;
    else if (len == 9 && strncmp(kind, "manifests", 9) == 0)
        *what = COCO_CACHE_MANIFEST;
    else
        return NULL;
    *name_len = (size_t)(kind - 1 - path);
    return last + 1;
}

/* Which registry is meant; *name moves behind it. */
static int
find_upstream(const struct coco_cache_config *config, const char *query, const char **name,
              size_t *len, const struct coco_cache_upstream **ret)
{
    char ns[NS_MAX_LEN];

    if (!find_ns(query, ns, sizeof(ns)))
        return 400;
    if (ns[0]) {
        *ret = coco_cache_config_find(config, ns, strlen(ns));
        return *ret ? 0 : 403;
    }
    const char *slash = memchr(*name, '/', *len);
    size_t first = slash ? (size_t)(slash - *name) : 0;
    *ret = slash ? coco_cache_config_find(config, *name, first) : NULL;
    if (*ret) {
        *name += first + 1;
        *len -= first + 1;
        return 0;
    }
    *ret = config->fallback;
    return *ret ? 0 : 403;
}

/* The reference that this means, in full; it decides what names, tags and digests may look like. */
static int
make_ref(const char *name, size_t len, const char *reference, struct coco_cache_request *ret)
{
    char text[NAME_MAX_LEN + REFERENCE_MAX_LEN + 8];
    bool by_digest = strchr(reference, ':') != NULL;

    if (len > NAME_MAX_LEN - NS_MAX_LEN || strlen(reference) > REFERENCE_MAX_LEN
        || (ret->what == COCO_CACHE_BLOB && !by_digest))
        return 400;
    /* Its end is where the reference of the path begins, and nowhere before. */
    if (memchr(name, ':', len) || memchr(name, '@', len))
        return 400;
    (void)snprintf(text, sizeof(text), "%s/%.*s%c%s", ret->upstream->registry, (int)len, name,
                   by_digest ? '@' : ':', reference);
    if (by_digest) {
        coco_status status = coco_digest_parse(reference, &ret->digest, NULL);

        if (status != COCO_OK)
            return status == COCO_ERR_NOMEM ? 500 : 400;
    }
    coco_status status = coco_image_ref_parse(text, &ret->ref, NULL);
    if (status == COCO_ERR_NOMEM)
        return 500;
    if (status != COCO_OK)
        return 400;
    return strcmp(coco_image_ref_registry(ret->ref), ret->upstream->registry) == 0 ? 0 : 400;
}

static int
parse_path(const struct coco_cache_config *config, const struct coco_httpd_request *request,
           struct coco_cache_request *ret)
{
    const char *name = request->path + strlen("/v2/");
    size_t len = 0;

    if (strcmp(request->path, "/healthz") == 0)
        ret->what = COCO_CACHE_HEALTH;
    else if (strcmp(request->path, "/metrics") == 0)
        ret->what = COCO_CACHE_METRICS;
    else if (strcmp(request->path, "/v2/") == 0 || strcmp(request->path, "/v2") == 0)
        ret->what = COCO_CACHE_PING;
    else if (strncmp(request->path, "/v2/", strlen("/v2/")) != 0)
        return 404;
    else {
        const char *reference = split(name, &len, &ret->what);
        int bad =
            reference ? find_upstream(config, request->query, &name, &len, &ret->upstream) : 404;

        return bad ? bad : make_ref(name, len, reference, ret);
    }
    return 0;
}

int
coco_cache_request_parse(const struct coco_cache_config *config,
                         const struct coco_httpd_request *request, struct coco_cache_request *ret,
                         const char **why)
{
    static const struct {
        int status;
        const char *why;
    } reasons[] = {
        {400, "no such name, tag or digest can be"},
        {403, "the cache may not ask this registry, or none is named"},
        {404, "the cache has manifests and blobs, and nothing here"},
        {405, "the cache gives, and takes nothing"},
        {500, "internal error"},
    };
    _cleanup_cache_request_ struct coco_cache_request parsed = {0};
    size_t i = 0;

    parsed.head = strcmp(request->method, "HEAD") == 0;
    int bad = parsed.head || strcmp(request->method, "GET") == 0
                  ? parse_path(config, request, &parsed)
                  : 405;
    if (!bad) {
        *ret = parsed;
        parsed = (struct coco_cache_request){0};
        return 0;
    }
    while (reasons[i].status != bad)
        i++;
    *why = reasons[i].why;
    return bad;
}

void
coco_cache_request_done(struct coco_cache_request *request)
{
    coco_image_ref_free(request->ref);
    *request = (struct coco_cache_request){0};
}

/* Reads digits; NULL if there are none or too many. */
static const char *
parse_u64(const char *text, uint64_t *ret)
{
    uint64_t number = 0;
    size_t len = strspn(text, "0123456789");

    if (len == 0 || len > 18)
        return NULL;
    for (size_t i = 0; i < len; i++)
        number = number * 10 + (uint64_t)(text[i] - '0');
    *ret = number;
    return text + len;
}

struct coco_cache_range
coco_cache_range_parse(const char *range, const char *if_range, const char *etag, uint64_t size)
{
    const struct coco_cache_range all = {.len = size, .status = 200};
    const struct coco_cache_range none = {.status = 416};
    uint64_t first = 0;
    uint64_t last = UINT64_MAX;

    if (!range || strncmp(range, "bytes=", 6) != 0 || (if_range && strcmp(if_range, etag) != 0))
        return all;
    const char *at = range + 6;
    if (*at == '-') { /* the last so many bytes */
        at = parse_u64(at + 1, &last);
        if (!at || *at)
            return all;
        if (last == 0 || size == 0)
            return none;
        first = last < size ? size - last : 0;
        return (struct coco_cache_range){first, size - first, 206};
    }
    at = parse_u64(at, &first);
    if (!at || *at++ != '-')
        return all;
    if (*at)
        at = parse_u64(at, &last);
    if (!at || *at || last < first)
        return all;
    if (first >= size)
        return none;
    if (last >= size)
        last = size - 1;
    return (struct coco_cache_range){first, last - first + 1, 206};
}
