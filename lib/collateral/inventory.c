/*
 * collateral/inventory.c - all that a source has: told, signed, or written to files
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"
#include "base/fail.h"
#include "base/json.h"
#include "collateral/bundle.h"
#include "collateral/expiry.h"
#include "collateral/folder.h"

#include <fcntl.h>
#include <time.h>

#define LIST_MAX ((size_t)8 << 20)

struct gathering {
    const coco_collateral *collateral;
    struct coco_items items;
};

static coco_status
gather_one(void *user, const char *name, coco_error **err)
{
    struct gathering *gathering = user;
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_COLLATERAL_MAX};
    struct coco_item *item = NULL;
    int64_t fetched = 0;

    coco_status status = coco_collateral_read(gathering->collateral, &buf, err, "%s", name);
    if (status == COCO_OK)
        status = coco_collateral_fetched(gathering->collateral, name, &fetched, err);
    if (status == COCO_OK)
        status = coco_items_put(&gathering->items, name, buf.data, buf.len, &item, err);
    if (status == COCO_OK)
        item->fetched = fetched;
    return status;
}

static coco_status
gather(const coco_collateral *collateral, struct coco_items *ret, coco_error **err)
{
    struct gathering gathering = {.collateral = collateral};

    coco_status status = coco_collateral_each(collateral, gather_one, &gathering, err);
    *ret = gathering.items;
    return status;
}

static coco_status
add_time(cJSON *to, const char *name, int64_t time, coco_error **err)
{
    return time == 0 ? coco_json_add_null(to, name, err) : coco_json_add_i64(to, name, time, err);
}

/* What is not what its name says is told with the reason, for somebody to look at. */
static coco_status
describe(cJSON *list, const struct coco_item *item, coco_error **err)
{
    coco_error *why = NULL;
    int64_t expires = 0;
    cJSON *entry = NULL;

    coco_status wrong = coco_collateral_expiry(item->name, coco_buf_text(&item->data),
                                               item->data.len, &expires, &why);
    coco_status status = wrong == COCO_ERR_NOMEM ? coco_fail_nomem(err)
                                                 : coco_json_add_object(list, NULL, &entry, err);
    if (status == COCO_OK)
        status = coco_json_add_string(entry, "name", item->name, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(entry, "size", item->data.len, err);
    if (status == COCO_OK)
        status = add_time(entry, "fetched", item->fetched, err);
    if (status == COCO_OK)
        status = add_time(entry, "expires", expires, err);
    if (status == COCO_OK && wrong != COCO_OK)
        status = coco_json_add_string(entry, "problem", coco_error_message(why), err);
    coco_error_free(why);
    return status;
}

coco_status
coco_collateral_list(coco_collateral *collateral, coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = LIST_MAX};
    _cleanup_items_ struct coco_items items = {0};
    _cleanup_json_ cJSON *list = NULL;

    coco_status status = gather(collateral, &items, err);
    if (status == COCO_OK && !(list = cJSON_CreateArray()))
        status = coco_fail_nomem(err);
    for (size_t i = 0; i < items.n && status == COCO_OK; i++)
        status = describe(list, &items.list[i], err);
    if (status == COCO_OK)
        status = coco_json_write(list, COCO_JSON_COMPACT, &buf, err);
    if (status == COCO_OK)
        status = coco_bytes_take(&buf, ret, err);
    return status;
}

coco_status
coco_collateral_export(coco_collateral *collateral, const uint8_t *key, size_t key_len,
                       coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_BUNDLE_MAX};
    _cleanup_items_ struct coco_items items = {0};
    _cleanup_pkey_ EVP_PKEY *parsed = NULL;

    coco_status status = coco_key_parse_private(key, key_len, &parsed, err);
    if (status == COCO_OK)
        status = gather(collateral, &items, err);
    if (status == COCO_OK)
        status = coco_bundle_write(&items, parsed, (int64_t)time(NULL), &buf, err);
    if (status == COCO_OK)
        status = coco_bytes_take(&buf, ret, err);
    return status;
}

coco_status
coco_collateral_write_dir(coco_collateral *collateral, const char *dir, coco_error **err)
{
    _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_items_ struct coco_items items = {0};

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return coco_fail(err, COCO_ERR_NOTFOUND, "there is no directory %s", dir);
    if (fd < 0)
        return coco_fail_errno(err, errno, "cannot open %s", dir);
    coco_status status = gather(collateral, &items, err);
    for (size_t i = 0; i < items.n && status == COCO_OK; i++)
        status = coco_folder_put(fd, items.list[i].name, coco_buf_text(&items.list[i].data),
                                 items.list[i].data.len, items.list[i].fetched, err);
    return status;
}
