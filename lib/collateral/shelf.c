/*
 * collateral/shelf.c - collateral that was got: in memory, and in files
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/shelf.h"

#include "base/context.h"
#include "base/fail.h"
#include "collateral/expiry.h"
#include "collateral/folder.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* A file from so far in the future may still be of now. */
#define CLOCKS_DIFFER_S 300

void
coco_shelf_init(struct coco_shelf *shelf, coco_ctx *ctx)
{
    *shelf = (struct coco_shelf){.ctx = ctx, .cache = -1};
    (void)pthread_mutex_init(&shelf->lock, NULL);
}

void
coco_shelf_done(struct coco_shelf *shelf)
{
    coco_items_done(&shelf->items);
    coco_collateral_free(shelf->files);
    coco_closep(&shelf->cache);
    (void)pthread_mutex_destroy(&shelf->lock);
}

coco_status
coco_shelf_set_cache(struct coco_shelf *shelf, const char *dir, coco_error **err)
{
    _cleanup_(coco_collateral_freep) coco_collateral *files = NULL;

    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        return coco_fail_errno(err, errno, "cannot make %s", dir);
    _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return coco_fail_errno(err, errno, "cannot open %s", dir);
    coco_status status = coco_collateral_new_dir(dir, &files, err);
    if (status != COCO_OK)
        return status;
    coco_collateral_free(shelf->files);
    coco_closep(&shelf->cache);
    shelf->files = coco_steal(&files);
    shelf->cache = fd;
    fd = -1;
    return COCO_OK;
}

/* ---- one item ---- */

static int64_t
now_of(const struct coco_shelf *shelf)
{
    const struct coco_clock *clock = shelf->clock;

    return clock ? clock->now(clock->self) : (int64_t)time(NULL);
}

static bool
has_ended(const struct coco_item *item, int64_t now)
{
    return item->expires != 0 && item->expires <= now;
}

static bool
ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t n = strlen(end);

    return len >= n && strcmp(text + len - n, end) == 0;
}

/* A chip's certificate for one TCB never becomes another. */
static int64_t
fresh_for(const char *name)
{
    if (ends_with(name, ".der"))
        return INT64_MAX;
    return ends_with(name, "/chain.pem") ? COCO_SHELF_FRESH_CHAIN : COCO_SHELF_FRESH;
}

static bool
is_good(const struct coco_item *item, int64_t now)
{
    int64_t age = now - item->fetched;

    return !has_ended(item, now) && age >= -CLOCKS_DIFFER_S && age < fresh_for(item->name);
}

/* ---- memory and files; the lock is held ---- */

/* A cache that fails is none: that goes to the log, unless memory is short. */
static coco_status
pass_over(const struct coco_shelf *shelf, coco_status status, coco_error *why, coco_error **err)
{
    if (status == COCO_ERR_NOMEM) {
        coco_error_give(err, why);
        return status;
    }
    if (status != COCO_OK)
        coco_ctx_log(shelf->ctx, COCO_LOG_WARN, "cache: %s", coco_error_message(why));
    coco_error_free(why);
    return COCO_OK;
}

/* Makes room by dropping what was not used for longest. */
static coco_status
keep(struct coco_shelf *shelf, const struct coco_item *from, coco_error **err)
{
    struct coco_items *items = &shelf->items;
    struct coco_item *item = NULL;

    while (items->n > 0 && !coco_items_find(items, from->name)
           && (items->n == COCO_COLLATERAL_ITEMS_MAX
               || items->bytes + from->data.len > COCO_ITEMS_BYTES_MAX)) {
        struct coco_item *oldest = &items->list[0];

        for (size_t i = 1; i < items->n; i++)
            if (items->list[i].used < oldest->used)
                oldest = &items->list[i];
        coco_items_remove(items, oldest);
    }
    coco_status status =
        coco_items_put(items, from->name, coco_buf_text(&from->data), from->data.len, &item, err);
    if (status == COCO_OK) {
        item->fetched = from->fetched;
        item->expires = from->expires;
        item->used = ++shelf->uses;
    }
    return status;
}

/* Takes name from the files; what is none of its kind is as if it were not there. */
static coco_status
load(struct coco_shelf *shelf, const char *name, coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_COLLATERAL_MAX};
    _cleanup_free_ char *copy = NULL;
    struct coco_item item = {0};
    coco_error *why = NULL;

    if (shelf->cache < 0 || coco_items_find(&shelf->items, name)
        || faccessat(shelf->cache, name, F_OK, 0) != 0)
        return COCO_OK;
    item.name = copy = strdup(name);
    if (!copy)
        return coco_fail_nomem(err);
    coco_status status = coco_collateral_read(shelf->files, &buf, &why, "%s", name);
    if (status == COCO_OK)
        status = coco_collateral_fetched(shelf->files, name, &item.fetched, &why);
    if (status == COCO_OK)
        status = coco_collateral_expiry(name, buf.data, buf.len, &item.expires, &why);
    item.data = buf; /* lent */
    if (status == COCO_OK)
        status = keep(shelf, &item, &why);
    return pass_over(shelf, status, why, err);
}

/* ---- putting ---- */

/* What has ended already is not taken: our clock is wrong, or theirs is. */
static coco_status
date(struct coco_shelf *shelf, struct coco_items *items, coco_error **err)
{
    int64_t now = now_of(shelf);

    for (size_t i = 0; i < items->n; i++) {
        items->list[i].fetched = now;
        if (has_ended(&items->list[i], now))
            return coco_fail(err, COCO_ERR_PROTO, "%s has expired already, or the clock is wrong",
                             items->list[i].name);
    }
    return COCO_OK;
}

static coco_status
save(const struct coco_shelf *shelf, const struct coco_items *items, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < items->n && status == COCO_OK && shelf->cache >= 0; i++) {
        const struct coco_item *item = &items->list[i];
        coco_error *why = NULL;

        status = coco_folder_put(shelf->cache, item->name, coco_buf_text(&item->data),
                                 item->data.len, item->fetched, &why);
        status = pass_over(shelf, status, why, err);
    }
    return status;
}

coco_status
coco_shelf_put(struct coco_shelf *shelf, struct coco_items *items, coco_error **err)
{
    coco_status status = date(shelf, items, err);
    if (status == COCO_OK)
        status = save(shelf, items, err);
    if (status != COCO_OK)
        return status;
    (void)pthread_mutex_lock(&shelf->lock);
    for (size_t i = 0; i < items->n && status == COCO_OK; i++)
        status = keep(shelf, &items->list[i], err);
    (void)pthread_mutex_unlock(&shelf->lock);
    return status;
}

/* ---- getting ---- */

bool
coco_shelf_has(struct coco_shelf *shelf, const char *name)
{
    (void)pthread_mutex_lock(&shelf->lock);
    const struct coco_item *item = coco_items_find(&shelf->items, name);
    bool good = item && is_good(item, now_of(shelf));
    (void)pthread_mutex_unlock(&shelf->lock);
    return good;
}

coco_status
coco_shelf_give(struct coco_shelf *shelf, const char *name, bool must_be_good, struct coco_buf *ret,
                bool *given, coco_error **err)
{
    (void)pthread_mutex_lock(&shelf->lock);
    coco_status status = load(shelf, name, err);
    int64_t now = now_of(shelf);
    struct coco_item *item = coco_items_find(&shelf->items, name);
    *given =
        status == COCO_OK && item && (must_be_good ? is_good(item, now) : !has_ended(item, now));
    if (*given) {
        item->used = ++shelf->uses;
        status = coco_buf_append(ret, item->data.data, item->data.len, err);
    }
    (void)pthread_mutex_unlock(&shelf->lock);
    return status;
}

coco_status
coco_shelf_fetched(struct coco_shelf *shelf, const char *name, int64_t *ret, coco_error **err)
{
    (void)pthread_mutex_lock(&shelf->lock);
    coco_status status = load(shelf, name, err);
    if (status == COCO_OK)
        status = coco_items_fetched(&shelf->items, name, ret, err);
    (void)pthread_mutex_unlock(&shelf->lock);
    return status;
}

static coco_status
put_name(void *user, const char *name, coco_error **err)
{
    return coco_items_put(user, name, "", 0, NULL, err);
}

coco_status
coco_shelf_each(struct coco_shelf *shelf, coco_collateral_each_fn *fn, void *user, coco_error **err)
{
    _cleanup_items_ struct coco_items names = {0};

    (void)pthread_mutex_lock(&shelf->lock);
    coco_status status = coco_items_each(&shelf->items, put_name, &names, err);
    (void)pthread_mutex_unlock(&shelf->lock);
    if (status == COCO_OK && shelf->files)
        status = coco_collateral_each(shelf->files, put_name, &names, err);
    return status == COCO_OK ? coco_items_each(&names, fn, user, err) : status;
}
