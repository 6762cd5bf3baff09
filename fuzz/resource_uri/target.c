/*
 * fuzz/resource_uri/target.c - no name of a resource leaves its folder
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/resource.h"

#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What everything behind relies on: three parts, none of them hidden or a way up. */
static void
check(const struct coco_resource_path *path)
{
    const char *parts[] = {path->repository, path->type, path->tag};
    size_t len = 2;

    for (size_t i = 0; i < 3; i++) {
        if (parts[i][0] == '\0' || parts[i][0] == '.' || strchr(parts[i], '/')
            || strchr(parts[i], '\\') || strchr(parts[i], '%'))
            abort();
        len += strlen(parts[i]);
    }
    if (strlen(path->text) != len)
        abort();
}

/* What goes to a KBS behind its prefix: nothing of it is gone up by whoever normalizes paths. */
static void
check_target(const char *target)
{
    size_t len = strcspn(target, "?");

    for (size_t i = 0; i < len; i++)
        if (target[i] == '/' && (target[i + 1] == '.' || target[i + 1] == '/' || i + 1 == len))
            abort();
    if (target[0] == '/' || memchr(target, '%', len) || memchr(target, '\\', len)
        || strpbrk(target, " #\r\n\t") || strlen(target) > COCO_PLUGIN_TARGET_MAX)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct coco_resource_path path = {0};
    struct coco_plugin_uri plugin = {{0}};

    _cleanup_free_ char *text = malloc(len + 1);
    if (!text)
        return 0;
    if (len)
        memcpy(text, data, len);
    text[len] = '\0';

    if (coco_resource_uri_parse(text, &path, NULL) == COCO_OK)
        check(&path);
    if (coco_resource_path_parse(text, &path, NULL) == COCO_OK)
        check(&path);
    if (coco_plugin_uri_parse(text, &plugin, NULL) == COCO_OK)
        check_target(plugin.target);
    return 0;
}
