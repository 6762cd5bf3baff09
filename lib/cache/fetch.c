/*
 * cache/fetch.c - a blob on its way from a registry
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/fetch.h"

#include "base/fail.h"
#include "cache/access.h"

#include <string.h>

struct coco_cache_fetch {
    struct coco_cache_job job;
    struct coco_cache_core *core;
    struct coco_cache_fetch *next;
    const struct coco_cache_upstream *upstream;
    struct coco_cache_content *content;
    struct coco_cache_lease *lease;
    struct coco_cache_temp *temp;
    struct coco_hash hash;
    char class[COCO_CACHE_CLASS_MAX]; /* of the core's lock */
};

struct coco_cache_content *
coco_cache_fetch_find(struct coco_cache_core *core, const struct coco_cache_upstream *upstream,
                      const struct coco_cache_key *key)
{
    struct coco_cache_content *found = NULL;
    char class[COCO_CACHE_CLASS_MAX];

    coco_cache_access_open_class(upstream, COCO_CACHE_KIND_BLOB, class);
    (void)pthread_mutex_lock(&core->lock);
    for (struct coco_cache_fetch *at = core->fetches; at && !found; at = at->next)
        if ((strcmp(at->class, COCO_CACHE_PUBLIC) == 0 || strcmp(at->class, class) == 0)
            && key->kind == COCO_CACHE_KIND_BLOB
            && coco_digest_equal(&at->content->key.digest, &key->digest))
            found = coco_cache_content_ref(at->content);
    (void)pthread_mutex_unlock(&core->lock);
    return found;
}

static void
free_fetch(struct coco_cache_fetch *fetch)
{
    if (!fetch)
        return;
    coco_cache_upstreams_give(fetch->core->upstreams, fetch->lease);
    coco_cache_temp_free(fetch->temp);
    coco_cache_content_unref(fetch->content);
    coco_hash_done(&fetch->hash);
    free(fetch);
}
COCO_DEFINE_CLEANUP(struct coco_cache_fetch *, free_fetch);

static coco_status
take_bytes(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct coco_cache_fetch *fetch = self;

    coco_cache_count(&fetch->core->counters, COCO_CACHE_BYTES_FETCHED, len);
    coco_status status = coco_hash_add(&fetch->hash, data, len, err);
    if (status == COCO_OK)
        status = coco_cache_content_write(fetch->content, data, len, err);
    coco_cache_core_wake(fetch->core);
    return status;
}

static coco_status
check_fetch(struct coco_cache_fetch *fetch, coco_error **err)
{
    struct coco_digest got;

    coco_status status = coco_hash_end(&fetch->hash, &got, err);
    if (status == COCO_OK)
        status = coco_digest_check(&got, &fetch->content->key.digest, err);
    if (status == COCO_ERR_VERIFY)
        coco_cache_count(&fetch->core->counters, COCO_CACHE_BAD_FETCHES, 1);
    return status;
}

/* The lock is held. */
static void
remove_fetch(struct coco_cache_fetch *fetch)
{
    struct coco_cache_fetch **at = &fetch->core->fetches;

    while (*at && *at != fetch)
        at = &(*at)->next;
    if (*at)
        *at = fetch->next;
}

/* Nobody joins it any more; its class is what it is then. */
static void
unlist_fetch(struct coco_cache_fetch *fetch)
{
    struct coco_cache_core *core = fetch->core;

    (void)pthread_mutex_lock(&core->lock);
    remove_fetch(fetch);
    (void)pthread_mutex_unlock(&core->lock);
}

/*
 * Whether anybody still reads it, before it has begun; one that has goes on to its end,
 * for whoever comes back for it.
 */
static bool
is_read(struct coco_cache_fetch *fetch)
{
    struct coco_cache_core *core = fetch->core;

    (void)pthread_mutex_lock(&core->lock);
    bool read = fetch->content->refs > 1;
    if (!read)
        remove_fetch(fetch);
    (void)pthread_mutex_unlock(&core->lock);
    return read;
}

static void
run_fetch(struct coco_cache_job *job)
{
    _cleanup_(free_fetchp) struct coco_cache_fetch *fetch = (struct coco_cache_fetch *)job;
    const struct coco_descriptor blob = {
        .digest = fetch->content->key.digest,
        .size = fetch->content->entry.size,
    };
    const struct coco_sink sink = {.write = take_bytes, .self = fetch};
    struct coco_cache_core *core = fetch->core;
    coco_error *err = NULL;

    if (!is_read(fetch))
        return;
    coco_status status =
        coco_registry_get_blob(&fetch->lease->registry, core->work, &blob, &sink, &err);
    if (status == COCO_OK)
        status = check_fetch(fetch, &err);
    if (status != COCO_OK) {
        coco_cache_count(&core->counters, COCO_CACHE_FAILURES, 1);
        coco_cache_core_log_failure(core, fetch->lease->registry.name, err);
        coco_error_free(coco_steal(&err));
    }
    /* Kept before it is unlisted: there is no moment at which it would be fetched again. */
    coco_status kept = status;
    char class[COCO_CACHE_CLASS_MAX];
    (void)pthread_mutex_lock(&core->lock);
    memcpy(class, fetch->class, sizeof(class));
    (void)pthread_mutex_unlock(&core->lock);
    if (status == COCO_OK)
        kept = coco_cache_temp_keep(fetch->temp, class, &fetch->content->key, &err);
    if (kept != status)
        coco_cache_core_log_failure(core, fetch->lease->registry.name, err);
    coco_error_free(err);
    unlist_fetch(fetch);
    coco_cache_temp_free(coco_steal(&fetch->temp));
    coco_cache_content_end(fetch->content, status == COCO_OK);
    coco_cache_core_wake(core);
}

static coco_status
make_fetch(struct coco_cache_ask *ask, struct coco_cache_lease **lease,
           struct coco_cache_fetch **ret, coco_error **err)
{
    const struct coco_cache_key key = coco_cache_access_key(&ask->request);
    struct coco_cache_core *core = ask->core;
    struct coco_cache_fetch *made = calloc(1, sizeof(*made));

    if (!made)
        return coco_fail_nomem(err);
    made->job = (struct coco_cache_job){.run = run_fetch, .is_long = true};
    made->core = core;
    _cleanup_(free_fetchp) struct coco_cache_fetch *fetch = made;

    fetch->upstream = ask->request.upstream;
    coco_cache_access_class(ask, key.kind, fetch->class);
    coco_status status = coco_hash_begin(&fetch->hash, key.digest.alg, err);
    if (status == COCO_OK)
        status = coco_cache_store_begin(core->store, ask->answer.size, &fetch->temp, err);
    if (status == COCO_OK)
        status = coco_cache_content_coming(&key, coco_cache_temp_fd(fetch->temp), ask->answer.size,
                                           &fetch->content, err);
    if (status == COCO_OK) {
        fetch->lease = coco_steal(lease);
        *ret = coco_steal(&fetch);
    }
    return status;
}

/* Whether the registry that said yes to who asks is the one that said it of this. */
static bool
may_join(const struct coco_cache_ask *ask, const struct coco_cache_fetch *fetch)
{
    return fetch->upstream == ask->request.upstream || strcmp(fetch->class, COCO_CACHE_PUBLIC) == 0;
}

/* Joins who fetches this already, or adds fetch to those; whether it was added. */
static bool
list_fetch(struct coco_cache_ask *ask, struct coco_cache_fetch *fetch)
{
    const struct coco_cache_key key = coco_cache_access_key(&ask->request);
    struct coco_cache_core *core = ask->core;
    struct coco_cache_fetch *other;

    (void)pthread_mutex_lock(&core->lock);
    for (other = core->fetches; other; other = other->next)
        if (coco_digest_equal(&other->content->key.digest, &key.digest) && may_join(ask, other))
            break;
    if (other) {
        ask->content = coco_cache_content_ref(other->content);
        if (strncmp(other->class, COCO_CACHE_PRIVATE ".", sizeof(COCO_CACHE_PRIVATE)) == 0)
            coco_cache_access_class(ask, key.kind, other->class);
    } else if (fetch) {
        ask->content = coco_cache_content_ref(fetch->content);
        fetch->next = core->fetches;
        core->fetches = fetch;
    }
    (void)pthread_mutex_unlock(&core->lock);
    return !other;
}

/* The registry has the blob, and this client may have it. */
coco_status
coco_cache_fetch_blob(struct coco_cache_ask *ask, struct coco_cache_lease **lease, coco_error **err)
{
    const struct coco_cache_key key = coco_cache_access_key(&ask->request);
    _cleanup_(free_fetchp) struct coco_cache_fetch *fetch = NULL;
    struct coco_cache_core *core = ask->core;
    enum coco_cache_counter counter = COCO_CACHE_HITS;

    /* First those under way: one that ends in between is found in the store. */
    coco_status status = COCO_OK;
    if (!list_fetch(ask, NULL))
        counter = COCO_CACHE_JOINS;
    if (!ask->content)
        status = coco_cache_access_find_allowed(ask, &key, err);
    if (status == COCO_OK && !ask->content) {
        if (!ask->answer.sized)
            return coco_fail(err, COCO_ERR_PROTO, "the registry does not say how long the blob is");
        status = make_fetch(ask, lease, &fetch, err);
        if (status != COCO_OK)
            return status;
        bool added = list_fetch(ask, fetch);
        counter = added ? COCO_CACHE_MISSES : COCO_CACHE_JOINS;
        if (added)
            coco_cache_workers_add(core->workers, &coco_steal(&fetch)->job);
    }
    if (status == COCO_OK)
        coco_cache_count(&core->counters, counter, 1);
    return status;
}
