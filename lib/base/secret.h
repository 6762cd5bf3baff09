/*
 * base/secret.h - bytes that must not be seen
 *
 * Own type, so that a secret cannot slip into printf() or memcmp(): it is
 * compared in constant time, wiped when done, and never formatted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_SECRET_H
#define COCO_BASE_SECRET_H

#include "base/buf.h"
#include "base/cleanup.h"

#include <coco/error.h>

struct coco_secret {
    uint8_t *data;
    size_t len;
};

coco_status coco_secret_copy(const void *data, size_t len, struct coco_secret *ret,
                             coco_error **err);
coco_status coco_secret_random(size_t len, struct coco_secret *ret, coco_error **err);
/* Zeroed, to be filled by the caller. */
coco_status coco_secret_alloc(size_t len, struct coco_secret *ret, coco_error **err);
/* Takes over the content of buf, which is then empty. */
coco_status coco_secret_take(struct coco_buf *buf, struct coco_secret *ret, coco_error **err);
bool coco_secret_equal(const struct coco_secret *a, const void *data, size_t len);
struct coco_secret coco_secret_steal(struct coco_secret *secret);
void coco_secret_done(struct coco_secret *secret);

#define _cleanup_secret_ _cleanup_(coco_secret_done)

/* Random bytes from OpenSSL's generator; COCO_ERR_IO when it fails, never weak bytes. */
coco_status coco_random(void *data, size_t len, coco_error **err);

#endif
