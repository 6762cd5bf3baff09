/*
 * ocicrypt/pgp_keys.c - wrapping by OpenPGP: annotation "keys.pgp"
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/pgp_keys.h"

#include "base/fail.h"

static coco_status
wrap(const void *self, coco_ctx *ctx, const struct coco_buf *options, struct coco_buf *blob,
     coco_error **err)
{
    const struct coco_pgp_keys *keys = self;

    (void)ctx;
    return coco_pgp_encrypt(keys->ring, keys->who, keys->n, options->data, options->len, blob, err);
}

static coco_status
unwrap(const void *self, coco_ctx *ctx, const struct coco_buf *blob, struct coco_secret *ret,
       coco_error **err)
{
    const struct coco_pgp_keys *keys = self;
    coco_error *why = NULL;

    (void)ctx;
    coco_status status = coco_pgp_decrypt(keys->ring, blob->data, blob->len, ret, &why);
    if (status == COCO_ERR_VERIFY) {
        coco_error_free(why);
        return coco_fail(err, COCO_ERR_VERIFY, COCO_NO_KEY_OPENS);
    }
    if (status != COCO_OK)
        coco_error_give(err, why);
    return status;
}

struct coco_wrapper
coco_pgp_wrapper(const struct coco_pgp_keys *keys)
{
    return (struct coco_wrapper){.scheme = "pgp", .wrap = wrap, .unwrap = unwrap, .self = keys};
}
