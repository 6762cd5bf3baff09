/*
 * ocicrypt/jwe_keys.c - wrapping by JWE: annotation "keys.jwe"
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/jwe_keys.h"

#include "base/fail.h"
#include "crypto/jwe.h"

#define ALGS                                                                                       \
    (COCO_JWE_RSA_OAEP | COCO_JWE_RSA_OAEP_256 | COCO_JWE_ECDH_ES_A256KW | COCO_JWE_ECDH_ES_A192KW \
     | COCO_JWE_ECDH_ES_A128KW)

/*
 * What ocicrypt chooses for a key. Its kin in Rust, which guests have, knows nothing else
 * for RSA (guest-protocols 5.3).
 */
static coco_status
choose_alg(const EVP_PKEY *key, enum coco_jwe_alg *ret, coco_error **err)
{
    coco_status status = coco_jwe_alg_for(key, ret, err);

    if (status == COCO_OK && *ret == COCO_JWE_RSA_OAEP_256)
        *ret = COCO_JWE_RSA_OAEP;
    return status;
}

static coco_status
wrap(const void *self, coco_ctx *ctx, const struct coco_buf *options, struct coco_buf *blob,
     coco_error **err)
{
    const struct coco_jwe_keys *keys = self;
    struct coco_jwe_recipient recipients[COCO_JWE_RECIPIENTS_MAX];
    coco_status status = COCO_OK;

    (void)ctx;
    if (keys->n > COCO_JWE_RECIPIENTS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "more than %d keys to encrypt to",
                         COCO_JWE_RECIPIENTS_MAX);
    for (size_t i = 0; i < keys->n && status == COCO_OK; i++) {
        recipients[i].key = keys->keys[i];
        status = choose_alg(keys->keys[i], &recipients[i].alg, err);
    }
    if (status == COCO_OK)
        status = coco_jwe_encrypt(recipients, keys->n, options->data, options->len, blob, err);
    return status;
}

static coco_status
unwrap(const void *self, coco_ctx *ctx, const struct coco_buf *blob, struct coco_secret *ret,
       coco_error **err)
{
    const struct coco_jwe_keys *keys = self;

    (void)ctx;
    for (size_t i = 0; i < keys->n; i++) {
        coco_error *why = NULL;

        coco_status status =
            coco_jwe_decrypt(blob->data, blob->len, keys->keys[i], ALGS, ret, &why);
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
coco_jwe_wrapper(const struct coco_jwe_keys *keys)
{
    return (struct coco_wrapper){.scheme = "jwe", .wrap = wrap, .unwrap = unwrap, .self = keys};
}
