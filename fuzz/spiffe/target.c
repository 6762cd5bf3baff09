/*
 * fuzz/spiffe/target.c - names of workloads, made of what guests claim
 *
 * The input is a template and claims, with a newline between them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/spiffe.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define DOMAIN "spiffe://example.org/"
#define CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/"

/* SPIFFE-ID section 2: nobody behind it looks again. */
static void
check(const char *id)
{
    if (strncmp(id, DOMAIN, strlen(DOMAIN)) != 0 || strlen(id) > COCO_SPIFFE_ID_MAX)
        abort();
    const char *path = id + strlen(DOMAIN) - 1;
    if (strspn(path, CHARS) != strlen(path) || strstr(path, "//") || strstr(path, "/./")
        || strstr(path, "/../") || path[strlen(path) - 1] == '/')
        abort();
    const char *last = strrchr(path, '/');
    if (strcmp(last, "/.") == 0 || strcmp(last, "/..") == 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const uint8_t *newline = len ? memchr(data, '\n', len) : NULL;
    _cleanup_json_ cJSON *claims = NULL;
    _cleanup_buf_ struct coco_buf id = {.limit = COCO_SPIFFE_ID_MAX};

    if (!newline || memchr(data, '\0', (size_t)(newline - data)))
        return 0;
    _cleanup_free_ char *template = strndup((const char *)data, (size_t)(newline - data));
    const char *text = (const char *)newline + 1;
    if (!template
        || coco_json_parse(text, len - (size_t)(newline + 1 - data), &claims, NULL) != COCO_OK)
        return 0;
    const struct coco_spiffe_facts facts = {.claims = claims, .tee_key = "k", .evidence = "e"};
    if (coco_spiffe_id("example.org", template, &facts, &id, NULL) == COCO_OK)
        check(coco_buf_text(&id));
    return 0;
}
