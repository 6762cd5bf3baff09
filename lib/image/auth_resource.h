/*
 * image/auth_resource.h - an auth.json that a key broker keeps
 *
 * The way of guests: their images are private, and what their host could read is
 * no place for credentials (guest-protocols 6.1, authenticated_registry_credentials_uri).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_AUTH_RESOURCE_H
#define COCO_IMAGE_AUTH_RESOURCE_H

#include "base/json.h"

#include <coco/context.h>
#include <coco/kbc.h>

#include <pthread.h>

/* Several threads may look into it at once, as lanes of a pull do: image/fetch.h. */
struct coco_auth_resource {
    pthread_mutex_t lock; /* zero is PTHREAD_MUTEX_INITIALIZER wherever there is Linux */
    char *uri;            /* NULL: there is none */
    coco_kbc *const *kbc; /* lent: whom to ask when the time comes; NULL in it is nobody */
    cJSON *file;          /* once it was got: parsed and checked */
};

/* NULL for none. COCO_ERR_INVALID for what is no kbs:///<repository>/<type>/<tag>. */
coco_status coco_auth_resource_set(struct coco_auth_resource *resource, const char *uri,
                                   coco_kbc *const *kbc, coco_error **err);

/* Around coco_auth_resource_file() and the use of what it lends. */
void coco_auth_resource_lock(struct coco_auth_resource *resource);
void coco_auth_resource_unlock(struct coco_auth_resource *resource);

/* The file has been refused somewhere: it may be another one when it is asked for again. */
void coco_auth_resource_forget(struct coco_auth_resource *resource);

/*
 * The file, lent until it is forgotten; NULL in *ret if there is none. It is got once;
 * a failure is none for good. COCO_ERR_INVALID without a key broker, COCO_ERR_PROTO for what is no
 * auth.json; errors of coco_kbc_get_resource() besides.
 */
coco_status coco_auth_resource_file(struct coco_auth_resource *resource, coco_ctx *ctx,
                                    const cJSON **ret, coco_error **err);

void coco_auth_resource_done(struct coco_auth_resource *resource);

#endif
