/*
 * signature/blob_signature.c - signatures of bytes of which only the digest is told
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/blob_signature.h"

#include "base/fail.h"
#include "signature/protojson.h"

#define SIGNATURE_MAX ((size_t)8 << 10)

void
coco_blob_signature_done(struct coco_blob_signature *message)
{
    coco_buf_done(&message->signature);
    *message = (struct coco_blob_signature){0};
}

coco_status
coco_blob_signature_parse(const cJSON *json, struct coco_blob_signature *ret, coco_error **err)
{
    _cleanup_blob_signature_ struct coco_blob_signature message = {.signature.limit =
                                                                       SIGNATURE_MAX};

    coco_status status = coco_protojson_hash(json, "messageDigest", &message.digest, err);
    if (status == COCO_OK)
        status = coco_protojson_bytes(json, "signature", &message.signature, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "signature of bytes");
    *ret = message;
    message = (struct coco_blob_signature){0};
    return COCO_OK;
}

static coco_status
verify(const struct coco_blob_signature *message, EVP_PKEY *key, coco_error **err)
{
    return coco_key_verify_digest(key, &message->digest, coco_buf_text(&message->signature),
                                  message->signature.len, err);
}

/* Keys that sign no digest are passed over, for it is another's then. */
static coco_status
find_key(const struct coco_blob_signature *message, const struct coco_signer_keys *keys,
         size_t *ret, coco_error **err)
{
    *ret = 0;
    if (keys->n == 1)
        return verify(message, keys->list[0], err);
    for (; *ret < keys->n; ++*ret) {
        coco_error *cause = NULL;
        bool other = false;

        coco_status status = verify(message, keys->list[*ret], &cause);
        if (status == COCO_OK)
            return COCO_OK;
        status =
            coco_forgive(cause, status == COCO_ERR_NOTSUP ? status : COCO_ERR_VERIFY, &other, err);
        if (status != COCO_OK)
            return status;
    }
    return coco_fail(err, COCO_ERR_VERIFY, "it is made by none of the %zu keys", keys->n);
}

coco_status
coco_blob_signature_check(const struct coco_blob_signature *message, struct coco_signer *signer,
                          const struct coco_trust *trust, struct coco_buf *detail, coco_error **err)
{
    const struct coco_signer_keys *keys = &trust->keys;
    size_t which = 0;

    if (trust->by_certificate) {
        if (!signer->cert)
            return coco_fail(err, COCO_ERR_VERIFY, "there is no certificate with it");
        coco_status status = coco_cert_key(signer->cert, &signer->key, err);
        return status == COCO_OK ? verify(message, signer->key, err) : status;
    }
    coco_status status = find_key(message, keys, &which, err);
    return status == COCO_OK ? coco_signer_take_key(signer, keys, which, detail, err) : status;
}
