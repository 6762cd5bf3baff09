/*
 * collateral/sources.c - sources that hold collateral, and sources made of others
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/cleanup.h"
#include "base/fail.h"
#include "collateral/bundle.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

/* ---- memory ---- */

struct memory {
    struct coco_items items; /* first: items.h */
};

static void
memory_free(void *self)
{
    struct memory *memory = self;

    coco_items_done(&memory->items);
    free(memory);
}

static const struct coco_collateral_driver memory_driver = {
    .get = coco_items_get,
    .fetched = coco_items_fetched,
    .each = coco_items_each,
    .free = memory_free,
};

coco_status
coco_collateral_of_items(struct coco_items *items, coco_collateral **ret, coco_error **err)
{
    _cleanup_free_ struct memory *memory = calloc(1, sizeof(*memory));

    if (!memory)
        return coco_fail_nomem(err);
    memory->items = *items;
    coco_status status = coco_collateral_wrap(&memory_driver, memory, ret, err);
    if (status == COCO_OK) {
        memory = NULL;
        *items = (struct coco_items){0};
    }
    return status;
}

coco_status
coco_collateral_new_memory(coco_collateral **ret, coco_error **err)
{
    struct coco_items none = {0};

    return coco_collateral_of_items(&none, ret, err);
}

coco_status
coco_collateral_add(coco_collateral *collateral, const char *name, const uint8_t *data, size_t len,
                    int64_t fetched, coco_error **err)
{
    struct memory *memory = coco_collateral_self(collateral, &memory_driver);
    struct coco_item *item = NULL;

    if (!memory)
        return coco_fail(err, COCO_ERR_NOTSUP, "nothing can be added to this source");
    coco_status status = coco_items_put(&memory->items, name, data, len, &item, err);
    if (status == COCO_OK)
        item->fetched = fetched;
    return status;
}

coco_status
coco_collateral_new_bundle(const uint8_t *bundle, size_t len, const uint8_t *key, size_t key_len,
                           coco_collateral **ret, coco_error **err)
{
    _cleanup_items_ struct coco_items items = {0};
    _cleanup_pkey_ EVP_PKEY *parsed = NULL;

    coco_status status = coco_key_parse_public(key, key_len, &parsed, err);
    if (status == COCO_OK)
        status = coco_bundle_parse(bundle, len, parsed, &items, NULL, err);
    return status == COCO_OK ? coco_collateral_of_items(&items, ret, err) : status;
}

/* ---- one that remembers ---- */

struct recorder {
    coco_collateral *inner;
    pthread_mutex_t lock; /* of items */
    struct coco_items items;
};

/* Asks, and remembers the answer, unless another thread was first. */
static coco_status
remember(struct recorder *recorder, const char *name, coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_COLLATERAL_MAX};
    struct coco_item *item = NULL;
    int64_t fetched = 0;

    coco_status status = coco_collateral_read(recorder->inner, &buf, err, "%s", name);
    if (status == COCO_OK)
        status = coco_collateral_fetched(recorder->inner, name, &fetched, err);
    if (status != COCO_OK)
        return status;
    (void)pthread_mutex_lock(&recorder->lock);
    if (!coco_items_find(&recorder->items, name))
        status = coco_items_put(&recorder->items, name, buf.data, buf.len, &item, err);
    if (item)
        item->fetched = fetched != 0 ? fetched : (int64_t)time(NULL);
    (void)pthread_mutex_unlock(&recorder->lock);
    return status;
}

/* What was got once is got again: it is that which is told of afterwards. */
static coco_status
recorder_get(void *self, const char *name, struct coco_buf *ret, coco_error **err)
{
    struct recorder *recorder = self;
    coco_status status = COCO_OK;

    (void)pthread_mutex_lock(&recorder->lock);
    bool known = coco_items_find(&recorder->items, name) != NULL;
    (void)pthread_mutex_unlock(&recorder->lock);
    if (!known)
        status = remember(recorder, name, err);
    if (status != COCO_OK)
        return status;
    (void)pthread_mutex_lock(&recorder->lock);
    status = coco_items_get(&recorder->items, name, ret, err);
    (void)pthread_mutex_unlock(&recorder->lock);
    return status;
}

static coco_status
recorder_fetched(void *self, const char *name, int64_t *ret, coco_error **err)
{
    struct recorder *recorder = self;

    (void)pthread_mutex_lock(&recorder->lock);
    coco_status status = coco_items_fetched(&recorder->items, name, ret, err);
    (void)pthread_mutex_unlock(&recorder->lock);
    return status;
}

/* The names are told without the lock, for who hears of one may ask for it. */
static coco_status
recorder_each(void *self, coco_collateral_each_fn *fn, void *user, coco_error **err)
{
    struct recorder *recorder = self;
    _cleanup_items_ struct coco_items names = {0};
    coco_status status = COCO_OK;

    (void)pthread_mutex_lock(&recorder->lock);
    for (size_t i = 0; i < recorder->items.n && status == COCO_OK; i++)
        status = coco_items_put(&names, recorder->items.list[i].name, "", 0, NULL, err);
    (void)pthread_mutex_unlock(&recorder->lock);
    return status == COCO_OK ? coco_items_each(&names, fn, user, err) : status;
}

static void
recorder_free(void *self)
{
    struct recorder *recorder = self;

    coco_collateral_free(recorder->inner);
    coco_items_done(&recorder->items);
    (void)pthread_mutex_destroy(&recorder->lock);
    free(recorder);
}

static const struct coco_collateral_driver recorder_driver = {
    .get = recorder_get,
    .fetched = recorder_fetched,
    .each = recorder_each,
    .free = recorder_free,
};

coco_status
coco_collateral_new_recorder(coco_collateral *inner, coco_collateral **ret, coco_error **err)
{
    _cleanup_(coco_collateral_freep) coco_collateral *taken = inner;
    _cleanup_free_ struct recorder *recorder = calloc(1, sizeof(*recorder));

    if (!recorder)
        return coco_fail_nomem(err);
    coco_status status = coco_collateral_wrap(&recorder_driver, recorder, ret, err);
    if (status != COCO_OK)
        return status;
    (void)pthread_mutex_init(&recorder->lock, NULL);
    recorder->inner = coco_steal(&taken);
    recorder = NULL;
    return COCO_OK;
}

/* ---- two of them ---- */

struct either {
    coco_collateral *first;
    coco_collateral *second;
};

static coco_status
either_get(void *self, const char *name, struct coco_buf *ret, coco_error **err)
{
    const struct either *either = self;
    coco_error *why = NULL;
    size_t before = ret->len;

    coco_status status = coco_collateral_read(either->first, ret, &why, "%s", name);
    if (status != COCO_ERR_NOTFOUND || ret->len != before) {
        coco_error_give(err, why);
        return status;
    }
    coco_error_free(why);
    return coco_collateral_read(either->second, ret, err, "%s", name);
}

static coco_status
either_fetched(void *self, const char *name, int64_t *ret, coco_error **err)
{
    const struct either *either = self;
    coco_error *why = NULL;

    coco_status status = coco_collateral_fetched(either->first, name, ret, &why);
    if (status != COCO_ERR_NOTFOUND) {
        coco_error_give(err, why);
        return status;
    }
    coco_error_free(why);
    return coco_collateral_fetched(either->second, name, ret, err);
}

static coco_status
put_name(void *user, const char *name, coco_error **err)
{
    return coco_items_put(user, name, "", 0, NULL, err);
}

/* Of things that both have, the first's are what is got. */
static coco_status
either_each(void *self, coco_collateral_each_fn *fn, void *user, coco_error **err)
{
    const struct either *either = self;
    _cleanup_items_ struct coco_items names = {0};

    coco_status status = coco_collateral_each(either->first, put_name, &names, err);
    if (status == COCO_OK)
        status = coco_collateral_each(either->second, put_name, &names, err);
    return status == COCO_OK ? coco_items_each(&names, fn, user, err) : status;
}

static void
either_free(void *self)
{
    struct either *either = self;

    coco_collateral_free(either->first);
    coco_collateral_free(either->second);
    free(either);
}

static const struct coco_collateral_driver either_driver = {
    .get = either_get,
    .fetched = either_fetched,
    .each = either_each,
    .free = either_free,
};

coco_status
coco_collateral_new_either(coco_collateral *first, coco_collateral *second, coco_collateral **ret,
                           coco_error **err)
{
    _cleanup_(coco_collateral_freep) coco_collateral *one = first;
    _cleanup_(coco_collateral_freep) coco_collateral *other = second;
    _cleanup_free_ struct either *either = calloc(1, sizeof(*either));

    if (!either)
        return coco_fail_nomem(err);
    coco_status status = coco_collateral_wrap(&either_driver, either, ret, err);
    if (status != COCO_OK)
        return status;
    either->first = coco_steal(&one);
    either->second = coco_steal(&other);
    either = NULL;
    return COCO_OK;
}
