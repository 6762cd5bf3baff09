/*
 * cache/core.c - a cache without its sockets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/core.h"

#include "base/context.h"
#include "base/fail.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#define CLASS_MAX 320
#define PUBLIC "public"
#define PRIVATE "private"
#define AUTHORIZATION_MAX ((size_t)64 << 10)

/* A blob on its way from a registry. */
struct coco_cache_fetch {
    struct coco_cache_job job;
    struct coco_cache_core *core;
    struct coco_cache_fetch *next;
    const struct coco_cache_upstream *upstream;
    struct coco_cache_content *content;
    struct coco_cache_lease *lease;
    struct coco_cache_temp *temp;
    struct coco_hash hash;
    char class[CLASS_MAX]; /* of the core's lock */
};

static void
wake(const struct coco_cache_core *core)
{
    (void)eventfd_write(core->wake, 1);
}

/*
 * What upstream gives to everybody. Its digest says all of a blob, whoever gave it; the
 * type of a manifest is the word of its registry, and for those alone who ask that one.
 */
static void
public_class(const struct coco_cache_upstream *upstream, enum coco_cache_kind kind,
             char buf[CLASS_MAX])
{
    if (kind == COCO_CACHE_KIND_BLOB)
        (void)snprintf(buf, CLASS_MAX, PUBLIC);
    else
        (void)snprintf(buf, CLASS_MAX, PUBLIC ".%.256s", upstream->name);
}

/* What comes without a client's credential from upstream. */
static void
open_class(const struct coco_cache_upstream *upstream, enum coco_cache_kind kind,
           char buf[CLASS_MAX])
{
    if (upstream->shared)
        (void)snprintf(buf, CLASS_MAX, "shared.%.256s", upstream->name);
    else
        public_class(upstream, kind, buf);
}

/* What comes with one. A registry says who may have what it has, and not what others have. */
static void
private_class(const struct coco_cache_upstream *upstream, char buf[CLASS_MAX])
{
    (void)snprintf(buf, CLASS_MAX, PRIVATE ".%.256s", upstream->name);
}

static void
class_for(const struct coco_cache_ask *ask, enum coco_cache_kind kind, char buf[CLASS_MAX])
{
    if (ask->authorization.len)
        private_class(ask->request.upstream, buf);
    else
        open_class(ask->request.upstream, kind, buf);
}

static struct coco_cache_key
key_of(const struct coco_cache_request *request)
{
    return (struct coco_cache_key){
        .kind = request->what == COCO_CACHE_BLOB ? COCO_CACHE_KIND_BLOB : COCO_CACHE_KIND_MANIFEST,
        .digest = request->digest,
    };
}

static coco_status
find_in(struct coco_cache_core *core, const char *class, const struct coco_cache_key *key,
        struct coco_cache_content **ret, coco_error **err)
{
    _cleanup_(coco_cache_content_unrefp) struct coco_cache_content *content = NULL;
    struct coco_cache_entry entry;

    if (*ret || !coco_cache_store_find(core->store, class, key, &entry))
        return COCO_OK;
    coco_status status = coco_cache_content_of_entry(key, &entry, &content, err);
    if (status == COCO_OK && core->config.verify)
        status = coco_cache_content_doubt(content, core->store, class, err);
    if (status == COCO_OK)
        *ret = coco_steal(&content);
    return status;
}

/* What anybody may have from upstream. */
static coco_status
find_open(struct coco_cache_core *core, const struct coco_cache_upstream *upstream,
          const struct coco_cache_key *key, struct coco_cache_content **ret, coco_error **err)
{
    char class[CLASS_MAX];

    public_class(upstream, key->kind, class);
    coco_status status = find_in(core, class, key, ret, err);
    open_class(upstream, key->kind, class);
    if (status == COCO_OK && upstream->shared)
        status = find_in(core, class, key, ret, err);
    return status;
}

/* A blob on its way that anybody may have from upstream. */
static struct coco_cache_content *
find_coming(struct coco_cache_core *core, const struct coco_cache_upstream *upstream,
            const struct coco_cache_key *key)
{
    struct coco_cache_content *found = NULL;
    char class[CLASS_MAX];

    open_class(upstream, COCO_CACHE_KIND_BLOB, class);
    (void)pthread_mutex_lock(&core->lock);
    for (struct coco_cache_fetch *at = core->fetches; at && !found; at = at->next)
        if ((strcmp(at->class, PUBLIC) == 0 || strcmp(at->class, class) == 0)
            && key->kind == COCO_CACHE_KIND_BLOB
            && coco_digest_equal(&at->content->key.digest, &key->digest))
            found = coco_cache_content_ref(at->content);
    (void)pthread_mutex_unlock(&core->lock);
    return found;
}

coco_status
coco_cache_core_find(struct coco_cache_core *core, const struct coco_cache_request *request,
                     struct coco_cache_content **ret, coco_error **err)
{
    const struct coco_cache_key key = key_of(request);

    *ret = NULL;
    if (!request->digest.alg)
        return COCO_OK;
    /* In this order: what ends in between is found in the store. */
    *ret = find_coming(core, request->upstream, &key);
    if (*ret) {
        coco_cache_count(&core->counters, COCO_CACHE_JOINS, 1);
        return COCO_OK;
    }
    coco_status status = find_open(core, request->upstream, &key, ret, err);
    if (*ret)
        coco_cache_count(&core->counters, COCO_CACHE_HITS, 1);
    return status;
}

/*
 * The same for who the registry just said yes to: what others brought from it with their
 * credentials, too.
 */
static coco_status
find_allowed(struct coco_cache_ask *ask, const struct coco_cache_key *key, coco_error **err)
{
    struct coco_cache_core *core = ask->core;
    char private[CLASS_MAX];
    char class[CLASS_MAX];

    coco_status status = find_open(core, ask->request.upstream, key, &ask->content, err);
    if (status != COCO_OK || ask->content)
        return status;
    /* It said so to somebody without a credential: it is for all from now on. */
    private_class(ask->request.upstream, private);
    class_for(ask, key->kind, class);
    if (!ask->authorization.len)
        coco_cache_store_move(core->store, key, private, class);
    return find_in(core, class, key, &ask->content, err);
}

/* ---- blobs ---- */

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
    wake(fetch->core);
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
log_failure(const struct coco_cache_core *core, const char *name, const coco_error *err)
{
    coco_ctx_log(core->ctx, COCO_LOG_WARN, "%s: %s", name,
                 err ? coco_error_message(err) : "out of memory");
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
        log_failure(core, fetch->lease->registry.name, err);
        coco_error_free(coco_steal(&err));
    }
    /* Kept before it is unlisted: there is no moment at which it would be fetched again. */
    coco_status kept = status;
    char class[CLASS_MAX];
    (void)pthread_mutex_lock(&core->lock);
    memcpy(class, fetch->class, sizeof(class));
    (void)pthread_mutex_unlock(&core->lock);
    if (status == COCO_OK)
        kept = coco_cache_temp_keep(fetch->temp, class, &fetch->content->key, &err);
    if (kept != status)
        log_failure(core, fetch->lease->registry.name, err);
    coco_error_free(err);
    unlist_fetch(fetch);
    coco_cache_temp_free(coco_steal(&fetch->temp));
    coco_cache_content_end(fetch->content, status == COCO_OK);
    wake(core);
}

static coco_status
make_fetch(struct coco_cache_ask *ask, struct coco_cache_lease **lease,
           struct coco_cache_fetch **ret, coco_error **err)
{
    const struct coco_cache_key key = key_of(&ask->request);
    struct coco_cache_core *core = ask->core;
    struct coco_cache_fetch *made = calloc(1, sizeof(*made));

    if (!made)
        return coco_fail_nomem(err);
    made->job = (struct coco_cache_job){.run = run_fetch, .is_long = true};
    made->core = core;
    _cleanup_(free_fetchp) struct coco_cache_fetch *fetch = made;

    fetch->upstream = ask->request.upstream;
    class_for(ask, key.kind, fetch->class);
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
    return fetch->upstream == ask->request.upstream || strcmp(fetch->class, PUBLIC) == 0;
}

/* Joins who fetches this already, or adds fetch to those; whether it was added. */
static bool
list_fetch(struct coco_cache_ask *ask, struct coco_cache_fetch *fetch)
{
    const struct coco_cache_key key = key_of(&ask->request);
    struct coco_cache_core *core = ask->core;
    struct coco_cache_fetch *other;

    (void)pthread_mutex_lock(&core->lock);
    for (other = core->fetches; other; other = other->next)
        if (coco_digest_equal(&other->content->key.digest, &key.digest) && may_join(ask, other))
            break;
    if (other) {
        ask->content = coco_cache_content_ref(other->content);
        if (strncmp(other->class, PRIVATE ".", sizeof(PRIVATE)) == 0)
            class_for(ask, key.kind, other->class);
    } else if (fetch) {
        ask->content = coco_cache_content_ref(fetch->content);
        fetch->next = core->fetches;
        core->fetches = fetch;
    }
    (void)pthread_mutex_unlock(&core->lock);
    return !other;
}

/* The registry has the blob, and this client may have it. */
static coco_status
get_blob(struct coco_cache_ask *ask, struct coco_cache_lease **lease, coco_error **err)
{
    const struct coco_cache_key key = key_of(&ask->request);
    _cleanup_(free_fetchp) struct coco_cache_fetch *fetch = NULL;
    struct coco_cache_core *core = ask->core;
    enum coco_cache_counter counter = COCO_CACHE_HITS;

    /* First those under way: one that ends in between is found in the store. */
    coco_status status = COCO_OK;
    if (!list_fetch(ask, NULL))
        counter = COCO_CACHE_JOINS;
    if (!ask->content)
        status = find_allowed(ask, &key, err);
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

/* ---- manifests ---- */

/* What a registry delivers under a digest has that digest; under a tag, any that it announces. */
static coco_status
check_manifest(struct coco_cache_ask *ask, struct coco_digest *digest, coco_error **err)
{
    const struct coco_digest *want = digest->alg ? digest : &ask->answer.digest;
    enum coco_hash_alg alg = want->alg ? want->alg : COCO_SHA256;
    struct coco_digest got;

    coco_status status =
        coco_digest_of(alg, coco_buf_text(&ask->answer.text), ask->answer.text.len, &got, err);
    if (status == COCO_OK && want->alg)
        status = coco_digest_check(&got, want, err);
    if (status == COCO_ERR_VERIFY)
        coco_cache_count(&ask->core->counters, COCO_CACHE_BAD_FETCHES, 1);
    if (status == COCO_OK)
        *digest = got;
    return status;
}

/* Keeps what was fetched; it is answered from memory only if it could not be kept. */
static coco_status
keep_manifest(struct coco_cache_ask *ask, const struct coco_digest *digest, coco_error **err)
{
    const struct coco_cache_key key = {COCO_CACHE_KIND_MANIFEST, *digest};
    struct coco_cache_core *core = ask->core;
    char class[CLASS_MAX];
    coco_error *why = NULL;

    class_for(ask, key.kind, class);
    coco_status status = coco_cache_store_put_manifest(core->store, class, digest, ask->answer.type,
                                                       &ask->answer.text, &why);
    if (status == COCO_OK)
        status = find_in(core, class, &key, &ask->content, &why);
    if (status != COCO_OK)
        log_failure(core, class, why);
    coco_error_free(why);
    if (ask->content)
        return COCO_OK;
    return coco_cache_content_of_text(&key, ask->answer.type, &ask->answer.text, &ask->content,
                                      err);
}

/* Fetches the manifest named by reference, which digest is of, if that is known. */
static coco_status
fetch_manifest(struct coco_cache_ask *ask, struct coco_cache_lease *lease, const char *reference,
               struct coco_digest digest, coco_error **err)
{
    struct coco_cache_core *core = ask->core;
    const struct coco_cache_question question = {
        .kind = COCO_CACHE_KIND_MANIFEST,
        .reference = reference,
        .accept = ask->accept,
    };

    coco_cache_answer_done(&ask->answer);
    coco_status status = coco_cache_lease_ask(lease, core->work, &question, &ask->answer, err);
    if (status != COCO_OK || ask->answer.status != 200)
        return status;
    coco_cache_count(&core->counters, COCO_CACHE_MISSES, 1);
    coco_cache_count(&core->counters, COCO_CACHE_BYTES_FETCHED, ask->answer.text.len);
    status = check_manifest(ask, &digest, err);
    if (status == COCO_OK)
        status = keep_manifest(ask, &digest, err);
    return status;
}

/* The manifest that the registry has just said it has; from the store, if it is there. */
static coco_status
get_manifest(struct coco_cache_ask *ask, struct coco_cache_lease *lease, const char *reference,
             coco_error **err)
{
    struct coco_digest digest = ask->request.digest.alg ? ask->request.digest : ask->answer.digest;
    const struct coco_cache_key key = {COCO_CACHE_KIND_MANIFEST, digest};
    char text[COCO_DIGEST_TEXT_SIZE];

    if (!digest.alg)
        return fetch_manifest(ask, lease, reference, digest, err);
    coco_status status = find_allowed(ask, &key, err);
    if (ask->content)
        coco_cache_count(&ask->core->counters, COCO_CACHE_HITS, 1);
    if (status != COCO_OK || ask->content)
        return status;
    /* By digest: the tag may have moved by now. */
    coco_digest_format(&digest, text);
    return fetch_manifest(ask, lease, text, digest, err);
}

/* ---- questions ---- */

static coco_status
answer(struct coco_cache_ask *ask, struct coco_cache_lease **lease, coco_error **err)
{
    const char *by_digest = coco_image_ref_digest(ask->request.ref);
    const char *reference = by_digest ? by_digest : coco_image_ref_tag(ask->request.ref);
    bool manifest = ask->request.what == COCO_CACHE_MANIFEST;
    const struct coco_cache_question question = {
        .head = true,
        .kind = manifest ? COCO_CACHE_KIND_MANIFEST : COCO_CACHE_KIND_BLOB,
        .reference = reference,
        .accept = manifest ? ask->accept : NULL,
    };

    /* The manifest itself is its own answer, unless there may be one that others brought. */
    if (manifest && by_digest && !ask->request.head && !ask->authorization.len)
        return fetch_manifest(ask, *lease, reference, ask->request.digest, err);
    coco_cache_count(&ask->core->counters, COCO_CACHE_CHECKS, 1);
    coco_status status =
        coco_cache_lease_ask(*lease, ask->core->work, &question, &ask->answer, err);
    if (status != COCO_OK || ask->answer.status != 200)
        return status;
    /* What a HEAD says of a tag is enough for one, if it says everything. */
    if (ask->request.head && ask->answer.sized
        && (by_digest || !manifest || ask->answer.digest.alg))
        return COCO_OK;
    return manifest ? get_manifest(ask, *lease, reference, err) : get_blob(ask, lease, err);
}

/* The lock is held. */
static void
unlist(struct coco_cache_ask *ask)
{
    struct coco_cache_ask **at = &ask->core->asks;

    while (*at && *at != ask)
        at = &(*at)->next;
    if (*at)
        *at = ask->next;
}

/* Whether anybody still waits for it; who has hung up need not be told. Nobody joins it if not. */
static bool
is_wanted(struct coco_cache_ask *ask)
{
    struct coco_cache_core *core = ask->core;

    (void)pthread_mutex_lock(&core->lock);
    bool wanted = ask->refs > 1; /* the other one is the job's */
    if (!wanted)
        unlist(ask);
    (void)pthread_mutex_unlock(&core->lock);
    return wanted;
}

/* What a client is told of a failure that is not its registry's word. */
static int
status_for(coco_status status)
{
    switch (status) {
    case COCO_ERR_LIMIT:
    case COCO_ERR_CANCELED:
    case COCO_ERR_NOMEM:
        return 503;
    default:
        return 502;
    }
}

static void
run_ask(struct coco_cache_job *job)
{
    struct coco_cache_ask *ask = (struct coco_cache_ask *)job;
    struct coco_cache_core *core = ask->core;
    const char *authorization = ask->authorization.len ? coco_buf_text(&ask->authorization) : NULL;
    struct coco_cache_lease *lease = NULL;
    coco_error *err = NULL;

    if (!is_wanted(ask)) {
        coco_cache_ask_unref(ask);
        return;
    }
    coco_status status = coco_cache_upstreams_take(core->upstreams, ask->request.upstream,
                                                   ask->request.ref, authorization, &lease, &err);
    if (status == COCO_OK)
        status = answer(ask, &lease, &err);
    coco_cache_upstreams_give(core->upstreams, lease);
    if (status != COCO_OK) {
        log_failure(core, coco_image_ref_text(ask->request.ref), err);
        coco_cache_content_unref(coco_steal(&ask->content));
        coco_cache_answer_done(&ask->answer);
        ask->answer.status = status_for(status);
    }
    coco_error_free(err);
    (void)pthread_mutex_lock(&core->lock);
    unlist(ask);
    (void)pthread_mutex_unlock(&core->lock);
    ask->done = true;
    wake(core);
    coco_cache_ask_unref(ask);
}

void
coco_cache_ask_unref(struct coco_cache_ask *ask)
{
    if (!ask || --ask->refs > 0)
        return;
    coco_cache_request_done(&ask->request);
    free(ask->accept);
    coco_buf_done(&ask->authorization);
    coco_cache_answer_done(&ask->answer);
    coco_cache_content_unref(ask->content);
    free(ask);
}

static coco_status
new_ask(struct coco_cache_core *core, const char *accept, const char *authorization,
        struct coco_cache_ask **ret, coco_error **err)
{
    struct coco_cache_ask *made = calloc(1, sizeof(*made));

    if (!made)
        return coco_fail_nomem(err);
    made->job.run = run_ask;
    made->core = core;
    made->refs = 1;
    made->authorization.limit = AUTHORIZATION_MAX;
    _cleanup_(coco_cache_ask_unrefp) struct coco_cache_ask *ask = made;

    ask->accept = accept ? strdup(accept) : NULL;
    if (accept && !ask->accept)
        return coco_fail_nomem(err);
    if (authorization) {
        coco_status status = coco_buf_append_text(&ask->authorization, authorization, err);
        if (status != COCO_OK)
            return status;
    }
    *ret = coco_steal(&ask);
    return COCO_OK;
}

/* Whether who asked other would be told the same as who asks this. */
static bool
is_same(const struct coco_cache_ask *other, const struct coco_cache_request *request,
        const char *accept)
{
    const char *others = other->accept ? other->accept : "";

    return other->request.what == request->what && other->request.head == request->head
           && other->request.upstream == request->upstream
           && strcmp(coco_image_ref_text(other->request.ref), coco_image_ref_text(request->ref))
                  == 0
           && strcmp(others, accept ? accept : "") == 0;
}

/* Adds ask to those that others may join, or finds one to join. */
static struct coco_cache_ask *
list_ask(struct coco_cache_core *core, struct coco_cache_ask *ask,
         const struct coco_cache_request *request, const char *accept)
{
    struct coco_cache_ask *other;

    (void)pthread_mutex_lock(&core->lock);
    for (other = core->asks; other; other = other->next)
        if (is_same(other, request, accept))
            break;
    if (other)
        other->refs++;
    else if (ask) {
        ask->next = core->asks;
        core->asks = ask;
    }
    (void)pthread_mutex_unlock(&core->lock);
    return other;
}

coco_status
coco_cache_core_ask(struct coco_cache_core *core, struct coco_cache_request *request,
                    const char *accept, const char *authorization, struct coco_cache_ask **ret,
                    coco_error **err)
{
    _cleanup_(coco_cache_ask_unrefp) struct coco_cache_ask *ask = NULL;

    /* One with a credential is that client's alone. Only this thread adds any. */
    struct coco_cache_ask *other = authorization ? NULL : list_ask(core, NULL, request, accept);
    if (other) {
        coco_cache_count(&core->counters, COCO_CACHE_JOINS, 1);
        coco_cache_request_done(request);
        *ret = other;
        return COCO_OK;
    }
    coco_status status = new_ask(core, accept, authorization, &ask, err);
    if (status != COCO_OK)
        return status;
    ask->request = *request;
    *request = (struct coco_cache_request){0};
    if (!authorization)
        (void)list_ask(core, ask, &ask->request, accept);
    ask->refs++;
    ask->job.lane = ask->request.upstream;
    coco_cache_workers_add(core->workers, &ask->job);
    *ret = coco_steal(&ask);
    return COCO_OK;
}

/* ---- the whole ---- */

static void
pass_on(void *user, coco_log_level level, const char *message)
{
    coco_ctx_log(user, level, "%s", message);
}

static coco_status
set_up(struct coco_cache_core *core, const char *config, coco_error **err)
{
    coco_status status = coco_cache_config_parse(config, strlen(config), &core->config, err);

    if (status == COCO_OK)
        status = coco_ctx_new(&core->work, err);
    if (status != COCO_OK)
        return status;
    coco_ctx_set_log(core->work, COCO_LOG_DEBUG, pass_on, core->ctx, NULL);
    core->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (core->wake < 0)
        return coco_fail_errno(err, errno, "eventfd");
    status = coco_cache_store_open(core->config.directory, core->config.max_bytes, core->ctx,
                                   &core->counters, &core->store, err);
    if (status == COCO_OK)
        status = coco_cache_upstreams_new(&core->config, &core->upstreams, err);
    if (status == COCO_OK)
        status = coco_cache_workers_start(core->config.max_fetches, &core->workers, err);
    return status;
}

coco_status
coco_cache_core_new(coco_ctx *ctx, const char *config, struct coco_cache_core **ret,
                    coco_error **err)
{
    struct coco_cache_core *made = calloc(1, sizeof(*made));

    if (!made)
        return coco_fail_nomem(err);
    made->ctx = ctx;
    made->wake = -1;
    (void)pthread_mutex_init(&made->lock, NULL);
    _cleanup_(coco_cache_core_freep) struct coco_cache_core *core = made;

    coco_status status = set_up(core, config, err);
    if (status == COCO_OK)
        *ret = coco_steal(&core);
    return status;
}

void
coco_cache_core_cancel(struct coco_cache_core *core)
{
    coco_ctx_cancel(core->work);
}

void
coco_cache_core_free(struct coco_cache_core *core)
{
    if (!core)
        return;
    if (core->work)
        coco_ctx_cancel(core->work);
    coco_cache_workers_stop(core->workers);
    coco_cache_upstreams_free(core->upstreams);
    coco_cache_store_close(core->store);
    coco_ctx_free(core->work);
    if (core->wake >= 0)
        (void)close(core->wake);
    coco_cache_config_done(&core->config);
    (void)pthread_mutex_destroy(&core->lock);
    free(core);
}
