/*
 * cache/access.c - who may have what
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/access.h"

#include <stdio.h>

/*
 * What upstream gives to everybody. Its digest says all of a blob, whoever gave it; the
 * type of a manifest is the word of its registry, and for those alone who ask that one.
 */
static void
public_class(const struct coco_cache_upstream *upstream, enum coco_cache_kind kind,
             char buf[COCO_CACHE_CLASS_MAX])
{
    if (kind == COCO_CACHE_KIND_BLOB)
        (void)snprintf(buf, COCO_CACHE_CLASS_MAX, COCO_CACHE_PUBLIC);
    else
        (void)snprintf(buf, COCO_CACHE_CLASS_MAX, COCO_CACHE_PUBLIC ".%.256s", upstream->name);
}

/* What comes without a client's credential from upstream. */
void
coco_cache_access_open_class(const struct coco_cache_upstream *upstream, enum coco_cache_kind kind,
                             char buf[COCO_CACHE_CLASS_MAX])
{
    if (upstream->shared)
        (void)snprintf(buf, COCO_CACHE_CLASS_MAX, "shared.%.256s", upstream->name);
    else
        public_class(upstream, kind, buf);
}

/* What comes with one. A registry says who may have what it has, and not what others have. */
static void
private_class(const struct coco_cache_upstream *upstream, char buf[COCO_CACHE_CLASS_MAX])
{
    (void)snprintf(buf, COCO_CACHE_CLASS_MAX, COCO_CACHE_PRIVATE ".%.256s", upstream->name);
}

void
coco_cache_access_class(const struct coco_cache_ask *ask, enum coco_cache_kind kind,
                        char buf[COCO_CACHE_CLASS_MAX])
{
    if (ask->authorization.len)
        private_class(ask->request.upstream, buf);
    else
        coco_cache_access_open_class(ask->request.upstream, kind, buf);
}

struct coco_cache_key
coco_cache_access_key(const struct coco_cache_request *request)
{
    return (struct coco_cache_key){
        .kind = request->what == COCO_CACHE_BLOB ? COCO_CACHE_KIND_BLOB : COCO_CACHE_KIND_MANIFEST,
        .digest = request->digest,
    };
}

coco_status
coco_cache_access_find(struct coco_cache_core *core, const char *class,
                       const struct coco_cache_key *key, struct coco_cache_content **ret,
                       coco_error **err)
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

coco_status
coco_cache_access_find_open(struct coco_cache_core *core,
                            const struct coco_cache_upstream *upstream,
                            const struct coco_cache_key *key, struct coco_cache_content **ret,
                            coco_error **err)
{
    char class[COCO_CACHE_CLASS_MAX];

    public_class(upstream, key->kind, class);
    coco_status status = coco_cache_access_find(core, class, key, ret, err);
    coco_cache_access_open_class(upstream, key->kind, class);
    if (status == COCO_OK && upstream->shared)
        status = coco_cache_access_find(core, class, key, ret, err);
    return status;
}

/*
 * The same for who the registry just said yes to: what others brought from it with their
 * credentials, too.
 */
coco_status
coco_cache_access_find_allowed(struct coco_cache_ask *ask, const struct coco_cache_key *key,
                               coco_error **err)
{
    struct coco_cache_core *core = ask->core;
    char private[COCO_CACHE_CLASS_MAX];
    char class[COCO_CACHE_CLASS_MAX];

    coco_status status =
        coco_cache_access_find_open(core, ask->request.upstream, key, &ask->content, err);
    if (status != COCO_OK || ask->content)
        return status;
    /* It said so to somebody without a credential: it is for all from now on. */
    private_class(ask->request.upstream, private);
    coco_cache_access_class(ask, key->kind, class);
    if (!ask->authorization.len)
        coco_cache_store_move(core->store, key, private, class);
    return coco_cache_access_find(core, class, key, &ask->content, err);
}
