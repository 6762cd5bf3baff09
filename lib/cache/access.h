/*
 * cache/access.h - who may have what
 *
 * What a registry gave is kept in a class of the store, and a class says for whom: for
 * everybody, for who asks one registry, or for those to whom that says yes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CACHE_ACCESS_H
#define COCO_CACHE_ACCESS_H

#include "cache/core.h"

#define COCO_CACHE_CLASS_MAX 320
#define COCO_CACHE_PUBLIC "public"
#define COCO_CACHE_PRIVATE "private"

/* The class of what comes from upstream without a client's credential. */
void coco_cache_access_open_class(const struct coco_cache_upstream *upstream,
                                  enum coco_cache_kind kind, char buf[COCO_CACHE_CLASS_MAX]);
/* The class of what ask brings. */
void coco_cache_access_class(const struct coco_cache_ask *ask, enum coco_cache_kind kind,
                             char buf[COCO_CACHE_CLASS_MAX]);

/* What request names, if that is by digest. */
struct coco_cache_key coco_cache_access_key(const struct coco_cache_request *request);

/* What the store has in a class, unless there is something in *ret already. */
coco_status coco_cache_access_find(struct coco_cache_core *core, const char *class,
                                   const struct coco_cache_key *key,
                                   struct coco_cache_content **ret, coco_error **err);
/* What anybody may have from upstream. */
coco_status coco_cache_access_find_open(struct coco_cache_core *core,
                                        const struct coco_cache_upstream *upstream,
                                        const struct coco_cache_key *key,
                                        struct coco_cache_content **ret, coco_error **err);
/*
 * The same for ask's content, to whose client the registry just said yes: what others
 * brought from it with their credentials, too.
 */
coco_status coco_cache_access_find_allowed(struct coco_cache_ask *ask,
                                           const struct coco_cache_key *key, coco_error **err);

#endif
