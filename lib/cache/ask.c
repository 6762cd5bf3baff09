/*
 * cache/ask.c - what registries are asked
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/core.h"

#include "base/fail.h"
#include "cache/access.h"
#include "cache/fetch.h"

#include <string.h>

#define AUTHORIZATION_MAX ((size_t)64 << 10)

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
    char class[COCO_CACHE_CLASS_MAX];
    coco_error *why = NULL;

    coco_cache_access_class(ask, key.kind, class);
    coco_status status = coco_cache_store_put_manifest(core->store, class, digest, ask->answer.type,
                                                       &ask->answer.text, &why);
    if (status == COCO_OK)
        status = coco_cache_access_find(core, class, &key, &ask->content, &why);
    if (status != COCO_OK)
        coco_cache_core_log_failure(core, class, why);
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
    coco_status status = coco_cache_access_find_allowed(ask, &key, err);
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
    return manifest ? get_manifest(ask, *lease, reference, err)
                    : coco_cache_fetch_blob(ask, lease, err);
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
        coco_cache_core_log_failure(core, coco_image_ref_text(ask->request.ref), err);
        coco_cache_content_unref(coco_steal(&ask->content));
        coco_cache_answer_done(&ask->answer);
        ask->answer.status = status_for(status);
    }
    coco_error_free(err);
    (void)pthread_mutex_lock(&core->lock);
    unlist(ask);
    (void)pthread_mutex_unlock(&core->lock);
    ask->done = true;
    coco_cache_core_wake(core);
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
