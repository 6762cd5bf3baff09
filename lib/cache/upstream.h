/*
 * cache/upstream.h - asking registries
 *
 * A conversation with one repository keeps its connection and its token, so those
 * that are over wait for the next who asks there; all but those of a client's own
 * credential, which end with its question.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CACHE_UPSTREAM_H
#define COCO_CACHE_UPSTREAM_H

#include "cache/config.h"
#include "cache/store.h"
#include "image/registry.h"

struct coco_cache_upstreams;

/* config is lent. */
coco_status coco_cache_upstreams_new(const struct coco_cache_config *config,
                                     struct coco_cache_upstreams **ret, coco_error **err);
/* All leases have been given back. */
void coco_cache_upstreams_free(struct coco_cache_upstreams *upstreams);
COCO_DEFINE_CLEANUP(struct coco_cache_upstreams *, coco_cache_upstreams_free);

/* A conversation, for one thread at a time. */
struct coco_cache_lease {
    struct coco_registry registry;
    char *name; /* "registry/repository"; NULL: it is not kept */
};

/*
 * One about ref's repository at upstream; authorization, of a client, is sent to that
 * registry as it came, or NULL: nothing or the operator's credential is.
 */
coco_status coco_cache_upstreams_take(struct coco_cache_upstreams *upstreams,
                                      const struct coco_cache_upstream *upstream,
                                      const coco_image_ref *ref, const char *authorization,
                                      struct coco_cache_lease **ret, coco_error **err);
/* NULL is fine. */
void coco_cache_upstreams_give(struct coco_cache_upstreams *upstreams,
                               struct coco_cache_lease *lease);

/* What a registry said, and what its client may know of it. */
struct coco_cache_answer {
    int status; /* of HTTP, for the client: 200, 401, 403, 404, 429 or 502 */
    char *challenge;
    char *retry_after;
    bool sized;
    uint64_t size;
    char type[COCO_CACHE_TYPE_MAX];
    struct coco_digest digest; /* that it announced; alg 0 for none */
    struct coco_buf text;      /* of a manifest that was asked for with GET */
};

void coco_cache_answer_done(struct coco_cache_answer *answer);
#define _cleanup_cache_answer_ _cleanup_(coco_cache_answer_done)

/* A question: HEAD or GET of a manifest, HEAD of a blob. */
struct coco_cache_question {
    bool head;
    enum coco_cache_kind kind;
    const char *reference; /* tag or digest */
    const char *accept;    /* or NULL */
};

/*
 * Whatever the registry answers is COCO_OK, and so is that a server of tokens refuses:
 * 401, with the registry's own challenge. Other errors are those of the network.
 */
coco_status coco_cache_lease_ask(struct coco_cache_lease *lease, coco_ctx *ctx,
                                 const struct coco_cache_question *question,
                                 struct coco_cache_answer *ret, coco_error **err);

#endif
