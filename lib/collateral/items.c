/*
 * collateral/items.c - collateral in memory, by name
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/items.h"

#include "base/fail.h"

#include <string.h>

#define FIRST_ROOM 16

/* Where name is, or would be. */
static size_t
place(const struct coco_items *items, const char *name, bool *found)
{
    size_t low = 0;
    size_t high = items->n;

    *found = false;
    while (low < high && !*found) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, items->list[middle].name);

        if (order > 0)
            low = middle + 1;
        else
            high = middle;
        *found = order == 0;
    }
    return high;
}

struct coco_item *
coco_items_find(const struct coco_items *items, const char *name)
{
    bool found = false;
    size_t at = place(items, name, &found);

    return found ? &items->list[at] : NULL;
}

static coco_status
make_room(struct coco_items *items, coco_error **err)
{
    size_t room = items->room == 0 ? FIRST_ROOM : items->room * 2;

    if (items->n < items->room)
        return COCO_OK;
    if (items->n == COCO_COLLATERAL_ITEMS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %zu items", COCO_COLLATERAL_ITEMS_MAX);
    struct coco_item *list = realloc(items->list, room * sizeof(*list));
    if (!list)
        return coco_fail_nomem(err);
    items->list = list;
    items->room = room;
    return COCO_OK;
}

static coco_status
insert(struct coco_items *items, size_t at, const char *name, coco_error **err)
{
    coco_status status = make_room(items, err);
    if (status != COCO_OK)
        return status;
    char *copy = strdup(name);
    if (!copy)
        return coco_fail_nomem(err);
    memmove(&items->list[at + 1], &items->list[at], (items->n - at) * sizeof(*items->list));
    items->list[at] = (struct coco_item){.name = copy};
    items->n++;
    return COCO_OK;
}

coco_status
coco_items_put(struct coco_items *items, const char *name, const void *data, size_t len,
               struct coco_item **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf copy = {.limit = COCO_COLLATERAL_MAX};
    bool found = false;
    size_t at = place(items, name, &found);
    size_t before = found ? items->list[at].data.len : 0;
    coco_status status = COCO_OK;

    if (!coco_collateral_is_name(name))
        return coco_fail(err, COCO_ERR_INVALID, "collateral cannot be called '%.80s'", name);
    if (len > COCO_ITEMS_BYTES_MAX - (items->bytes - before))
        return coco_fail(err, COCO_ERR_LIMIT, "collateral of more than %zu bytes",
                         COCO_ITEMS_BYTES_MAX);
    status = coco_buf_append(&copy, data, len, err);
    if (status == COCO_OK && !found)
        status = insert(items, at, name, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "collateral %s", name);
    coco_buf_done(&items->list[at].data);
    items->list[at].data = copy;
    copy = (struct coco_buf){0};
    items->bytes = items->bytes - before + len;
    if (ret)
        *ret = &items->list[at];
    return COCO_OK;
}

static void
item_done(struct coco_item *item)
{
    free(item->name);
    coco_buf_done(&item->data);
}

void
coco_items_remove(struct coco_items *items, struct coco_item *item)
{
    size_t at = (size_t)(item - items->list);

    items->bytes -= item->data.len;
    item_done(item);
    items->n--;
    memmove(item, item + 1, (items->n - at) * sizeof(*item));
}

void
coco_items_done(struct coco_items *items)
{
    for (size_t i = 0; i < items->n; i++)
        item_done(&items->list[i]);
    free(items->list);
    *items = (struct coco_items){0};
}

/* ---- as a source ---- */

coco_status
coco_items_get(void *self, const char *name, struct coco_buf *ret, coco_error **err)
{
    const struct coco_item *item = coco_items_find(self, name);

    if (!item)
        return coco_fail(err, COCO_ERR_NOTFOUND, "there is none");
    return coco_buf_append(ret, item->data.data, item->data.len, err);
}

coco_status
coco_items_fetched(void *self, const char *name, int64_t *ret, coco_error **err)
{
    const struct coco_item *item = coco_items_find(self, name);

    if (!item)
        return coco_fail(err, COCO_ERR_NOTFOUND, "there is none");
    *ret = item->fetched;
    return COCO_OK;
}

coco_status
coco_items_each(void *self, coco_collateral_each_fn *fn, void *user, coco_error **err)
{
    const struct coco_items *items = self;
    coco_status status = COCO_OK;

    for (size_t i = 0; i < items->n && status == COCO_OK; i++)
        status = fn(user, items->list[i].name, err);
    return status;
}
