/*
 * ocicrypt/wrapper.h - one way to wrap the private options of a layer, with the keys for it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_OCICRYPT_WRAPPER_H
#define COCO_OCICRYPT_WRAPPER_H

#include "base/secret.h"

#include <coco/context.h>

/* A blob holds 200 bytes of options, and a JWE of 16 recipients some 12 KiB of keys. */
#define COCO_BLOB_MAX ((size_t)64 << 10)

/* Of one scheme, for one layer: each may cost a request to a KBS. */
#define COCO_BLOBS_MAX 16

/* All that is ever told of a key that does not fit (T16). */
#define COCO_NO_KEY_OPENS "no key at hand opens the layer"

/*
 * Recipients of one scheme, or openers of it; a wrapper may be both. What it is made of
 * (struct coco_jwe_keys and its kin) is lent by whoever made it.
 */
struct coco_wrapper {
    const char *scheme; /* what stands behind "org.opencontainers.image.enc.keys." */
    /* Appends the blob; NULL where this only opens. */
    coco_status (*wrap)(const void *self, coco_ctx *ctx, const struct coco_buf *options,
                        struct coco_buf *blob, coco_error **err);
    /*
     * NULL where this only wraps. COCO_ERR_VERIFY COCO_NO_KEY_OPENS for what none of the keys
     * opens; what failed otherwise is told.
     */
    coco_status (*unwrap)(const void *self, coco_ctx *ctx, const struct coco_buf *blob,
                          struct coco_secret *ret, coco_error **err);
    const void *self;
};

#endif
