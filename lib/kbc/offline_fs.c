/*
 * kbc/offline_fs.c - a file of secrets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/offline_fs.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/json.h"

#include <string.h>

struct entry {
    char *name;
    struct coco_secret secret;
};

struct coco_offline_fs {
    struct entry *entries;
    size_t n;
};

void
coco_offline_fs_free(struct coco_offline_fs *fs)
{
    if (!fs)
        return;
    for (size_t i = 0; i < fs->n; i++) {
        free(fs->entries[i].name);
        coco_secret_done(&fs->entries[i].secret);
    }
    free(fs->entries);
    free(fs);
}

static coco_status
parse_entry(const cJSON *member, struct entry *entry, coco_error **err)
{
    _cleanup_buf_ struct coco_buf value = {.limit = COCO_JSON_SIZE_MAX};

    if (!cJSON_IsString(member))
        return coco_fail(err, COCO_ERR_PROTO, "'%.100s' is no string", member->string);
    entry->name = strdup(member->string);
    if (!entry->name)
        return coco_fail_nomem(err);

    coco_status status = coco_base64_decode(COCO_BASE64, member->valuestring,
                                            strlen(member->valuestring), &value, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "'%.100s'", member->string);
    return coco_secret_take(&value, &entry->secret, err);
}

static coco_status
parse_entries(const cJSON *object, struct coco_offline_fs *fs, coco_error **err)
{
    const cJSON *member = NULL;
    coco_status status = COCO_OK;
    int n = cJSON_GetArraySize(object);

    if (n > COCO_OFFLINE_FS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d secrets", COCO_OFFLINE_FS_MAX);
    fs->entries = calloc((size_t)n + 1, sizeof(*fs->entries));
    if (!fs->entries)
        return coco_fail_nomem(err);
    cJSON_ArrayForEach(member, object) {
        if (status == COCO_OK)
            status = parse_entry(member, &fs->entries[fs->n++], err);
    }
    return status;
}

coco_status
coco_offline_fs_parse(const char *text, size_t len, struct coco_offline_fs **ret, coco_error **err)
{
    _cleanup_(coco_offline_fs_freep) struct coco_offline_fs *fs = calloc(1, sizeof(*fs));
    _cleanup_json_ cJSON *object = NULL;

    if (!fs)
        return coco_fail_nomem(err);
    coco_status status = coco_json_parse_object(text, len, &object, err);
    if (status == COCO_OK)
        status = parse_entries(object, fs, err);
    if (status != COCO_OK)
        return status;

    *ret = coco_steal(&fs);
    return COCO_OK;
}

const struct coco_secret *
coco_offline_fs_find(const struct coco_offline_fs *fs, const char *name)
{
    for (size_t i = 0; fs && i < fs->n; i++)
        if (strcmp(fs->entries[i].name, name) == 0)
            return &fs->entries[i].secret;
    return NULL;
}
