/*
 * fuzz/cache_request/target.c - what clients of the cache ask for
 *
 * The input is method, path, query, range and if-range, with a newline behind each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/request.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE 1000

static const struct coco_cache_config *
the_config(void)
{
    static const char text[] = "{\"listen\":[\"x\"],\"directory\":\"/d\",\"upstreams\":{"
                               "\"docker.io\":{},\"alias\":{\"registry\":\"r.test:5000\"}}}";
    static struct coco_cache_config config;

    if (!config.n_upstreams
        && coco_cache_config_parse(text, strlen(text), &config, NULL) != COCO_OK)
        abort();
    return &config;
}

/* Whatever was asked for, it is at a registry that may be asked, and under its own name. */
static void
check(const struct coco_cache_request *request)
{
    if (request->what != COCO_CACHE_BLOB && request->what != COCO_CACHE_MANIFEST) {
        if (request->ref || request->upstream)
            abort();
        return;
    }
    const char *registry = coco_image_ref_registry(request->ref);
    const char *digest = coco_image_ref_digest(request->ref);
    const char *repository = coco_image_ref_repository(request->ref);
    if (strcmp(registry, "docker.io") != 0 && strcmp(registry, "r.test:5000") != 0)
        abort();
    if (strstr(repository, "..") || strchr(repository, '%') || strchr(repository, '@'))
        abort();
    if (request->what == COCO_CACHE_BLOB && !digest)
        abort();
    if ((digest != NULL) != (request->digest.alg != 0))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    char *parts[5] = {NULL};
    const char *why = NULL;

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *rest = text;
    for (size_t i = 0; i < 5 && rest; i++)
        parts[i] = strsep(&rest, "\n");
    if (parts[1]) {
        const struct coco_httpd_request request = {
            .method = parts[0], .path = parts[1], .query = parts[2]};
        struct coco_cache_request parsed = {0};

        int bad = coco_cache_request_parse(the_config(), &request, &parsed, &why);
        if (!bad)
            check(&parsed);
        else if (!why || (bad != 400 && bad != 403 && bad != 404 && bad != 405))
            abort();
        coco_cache_request_done(&parsed);
    }
    const struct coco_cache_range range = coco_cache_range_parse(parts[3], parts[4], "\"x\"", SIZE);
    if (range.first > SIZE || range.len > SIZE - range.first)
        abort();
    if ((range.status == 206 && range.len == 0) || (range.status == 200 && range.len != SIZE))
        abort();
    free(text);
    return 0;
}
