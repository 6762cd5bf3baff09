/*
 * signature/bundle_write.c - Sigstore bundles of who signs by a key
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/bundle_write.h"

#include "base/fail.h"
#include "base/json.h"
#include "base/text.h"
#include "signature/bundle.h"
#include "signature/material.h"

#include <string.h>

coco_status
coco_sign_statement_write(const struct coco_digest *digest, struct coco_buf *ret, coco_error **err)
{
    char hex[2 * COCO_DIGEST_SIZE_MAX + 1];

    coco_hex(digest->bytes, coco_hash_size(digest->alg), hex);
    return coco_buf_printf(ret, err,
                           "{\"_type\":\"https://in-toto.io/Statement/v1\","
                           "\"subject\":[{\"digest\":{\"%s\":\"%s\"}}],"
                           "\"predicateType\":\"" COCO_PREDICATE_SIGN "\"}",
                           coco_hash_name(digest->alg), hex);
}

/* By what a verifier with several keys finds that one: SHA-256 of the public half. */
static coco_status
add_hint(const EVP_PKEY *key, cJSON *material, coco_error **err)
{
    _cleanup_buf_ struct coco_buf der = {.limit = (size_t)16 << 10};
    struct coco_digest digest = {0};
    cJSON *json = NULL;

    coco_status status = coco_key_public_der(key, &der, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, der.data, der.len, &digest, err);
    if (status == COCO_OK)
        status = coco_json_add_object(material, "publicKey", &json, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(json, "hint", digest.bytes, coco_hash_size(digest.alg), err);
    return status;
}

static coco_status
add_envelope(cJSON *to, const struct coco_buf *statement, const struct coco_buf *signature,
             coco_error **err)
{
    cJSON *envelope = NULL;
    cJSON *list = NULL;
    cJSON *json = NULL;

    coco_status status = coco_json_add_object(to, "dsseEnvelope", &envelope, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(envelope, "payload", statement->data, statement->len, err);
    if (status == COCO_OK)
        status = coco_json_add_string(envelope, "payloadType", COCO_IN_TOTO_TYPE, err);
    if (status == COCO_OK)
        status = coco_json_add_array(envelope, "signatures", &list, err);
    if (status == COCO_OK)
        status = coco_json_add_object(list, NULL, &json, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(json, "sig", signature->data, signature->len, err);
    return status;
}

coco_status
coco_sigstore_bundle_write(const EVP_PKEY *key, const struct coco_buf *statement,
                           const struct coco_buf *signature, struct coco_buf *ret, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    cJSON *material = NULL;

    coco_status status = coco_json_new_object(&json, err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "mediaType", COCO_MEDIA_BUNDLE, err);
    if (status == COCO_OK)
        status = coco_json_add_object(json, "verificationMaterial", &material, err);
    if (status == COCO_OK)
        status = add_hint(key, material, err);
    if (status == COCO_OK)
        status = add_envelope(json, statement, signature, err);
    return status == COCO_OK ? coco_json_write(json, COCO_JSON_COMPACT, ret, err) : status;
}

/* COCO_ERR_VERIFY, and whatever else is wrong, unless it is. */
static coco_status
check_by(const struct coco_buf *data, EVP_PKEY *key, const struct coco_digest *digest,
         coco_error **err)
{
    _cleanup_sigstore_bundle_ struct coco_sigstore_bundle bundle = {0};
    _cleanup_(coco_statement_done) struct coco_statement statement = {0};
    const struct coco_dsse *envelope = &bundle.envelope;

    coco_status status = coco_sigstore_bundle_parse(data->data, data->len, &bundle, err);
    if (status == COCO_OK)
        status = coco_signer_key_verify(key, envelope->signed_data.data, envelope->signed_data.len,
                                        envelope->signature.data, envelope->signature.len, err);
    if (status == COCO_OK)
        status =
            coco_statement_parse(envelope->payload.data, envelope->payload.len, &statement, err);
    if (status == COCO_OK
        && (strcmp(statement.predicate_type, COCO_PREDICATE_SIGN) != 0
            || !coco_statement_is_of(&statement, digest)))
        status = coco_fail(err, COCO_ERR_VERIFY, "it says something else");
    return status;
}

coco_status
coco_sigstore_bundle_is_by(const struct coco_buf *bundle, EVP_PKEY *key,
                           const struct coco_digest *digest, bool *ret, coco_error **err)
{
    coco_error *cause = NULL;

    *ret = check_by(bundle, key, digest, &cause) == COCO_OK;
    if (coco_error_status(cause) == COCO_ERR_NOMEM) {
        coco_error_give(err, cause);
        return COCO_ERR_NOMEM;
    }
    coco_error_free(cause);
    return COCO_OK;
}
