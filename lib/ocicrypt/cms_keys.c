/*
 * ocicrypt/cms_keys.c - wrapping by CMS: annotation "keys.pkcs7"
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/cms_keys.h"

#include "base/fail.h"

static coco_status
wrap(const void *self, coco_ctx *ctx, const struct coco_buf *options, struct coco_buf *blob,
     coco_error **err)
{
    const struct coco_cms_keys *keys = self;
    X509 *certs[COCO_CMS_RECIPIENTS_MAX];

    (void)ctx;
    if (keys->n > COCO_CMS_RECIPIENTS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "more than %d certificates to encrypt to",
                         COCO_CMS_RECIPIENTS_MAX);
    for (size_t i = 0; i < keys->n; i++)
        certs[i] = keys->keys[i].cert;
    return coco_cms_encrypt(certs, keys->n, options->data, options->len, blob, err);
}

static coco_status
unwrap(const void *self, coco_ctx *ctx, const struct coco_buf *blob, struct coco_secret *ret,
       coco_error **err)
{
    const struct coco_cms_keys *keys = self;

    (void)ctx;
    for (size_t i = 0; i < keys->n; i++) {
        const struct coco_cms_key *key = &keys->keys[i];
        coco_error *why = NULL;

        coco_status status =
            coco_cms_decrypt(blob->data, blob->len, key->cert, key->key, ret, &why);
        if (status != COCO_OK && status != COCO_ERR_VERIFY)
            coco_error_give(err, why);
        else
            coco_error_free(why);
        if (status != COCO_ERR_VERIFY)
            return status;
    }
    return coco_fail(err, COCO_ERR_VERIFY, COCO_NO_KEY_OPENS);
}

struct coco_wrapper
coco_cms_wrapper(const struct coco_cms_keys *keys)
{
    return (struct coco_wrapper){.scheme = "pkcs7", .wrap = wrap, .unwrap = unwrap, .self = keys};
}
