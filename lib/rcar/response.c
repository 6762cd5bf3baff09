/*
 * rcar/response.c - a secret on its way to the guest's key
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rcar/response.h"

#include "base/base64.h"
#include "base/fail.h"
#include "crypto/aead.h"
#include "crypto/jwe.h"
#include "crypto/keywrap.h"
#include "crypto/ossl.h"

#include <string.h>

#define OLD_HEADER "{\"alg\":\"RSA1_5\",\"enc\":\"A256GCM\"}"
#define WRAPPED_KEY_MAX ((size_t)1 << 10) /* RSA of 8192 bits */

static const struct coco_buf no_aad;

/* ---- Before 0.2.0 ---- */

/* The members iv, ciphertext (the tag is its end) and tag. */
static coco_status
add_old_content(cJSON *response, const struct coco_secret *cek, const void *data, size_t len,
                coco_error **err)
{
    _cleanup_buf_ struct coco_buf ciphertext = {.limit = len + COCO_AEAD_TAG_SIZE};
    uint8_t iv[COCO_AEAD_IV_SIZE];
    uint8_t tag[COCO_AEAD_TAG_SIZE];

    coco_status status = coco_random(iv, sizeof(iv), err);
    if (status == COCO_OK)
        status = coco_aead_seal(cek->data, iv, &no_aad, data, len, &ciphertext, tag, err);
    if (status == COCO_OK)
        status = coco_buf_append(&ciphertext, tag, sizeof(tag), err);
    if (status == COCO_OK)
        status = coco_json_add_base64url(response, "iv", iv, sizeof(iv), err);
    if (status == COCO_OK)
        status =
            coco_json_add_base64url(response, "ciphertext", ciphertext.data, ciphertext.len, err);
    if (status == COCO_OK)
        status = coco_json_add_string(response, "tag", "", err);
    return status;
}

static coco_status
build_old(EVP_PKEY *key, const void *data, size_t len, struct coco_buf *buf, coco_error **err)
{
    _cleanup_secret_ struct coco_secret cek = {0};
    _cleanup_buf_ struct coco_buf wrapped = {.limit = WRAPPED_KEY_MAX};
    _cleanup_json_ cJSON *response = NULL;

    coco_status status = coco_secret_random(COCO_AEAD_KEY_SIZE, &cek, err);
    if (status == COCO_OK)
        status = coco_pkcs1_wrap(key, &cek, &wrapped, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&response, err);
    if (status == COCO_OK)
        status = coco_json_add_string(response, "protected", OLD_HEADER, err);
    if (status == COCO_OK)
        status = coco_json_add_base64url(response, "encrypted_key", wrapped.data, wrapped.len, err);
    if (status == COCO_OK)
        status = add_old_content(response, &cek, data, len, err);
    if (status == COCO_OK)
        status = coco_json_write(response, COCO_JSON_COMPACT, buf, err);
    return status;
}

/* Exactly the two algorithms that there are: nothing authenticates this header. */
static coco_status
check_old_header(const cJSON *response, coco_error **err)
{
    _cleanup_json_ cJSON *header = NULL;
    const char *text = NULL;
    const char *alg = NULL;
    const char *enc = NULL;

    coco_status status = coco_json_get_string(response, "protected", &text, err);
    if (status == COCO_OK)
        status = coco_json_parse_object(text, strlen(text), &header, err);
    if (status == COCO_OK)
        status = coco_json_get_string(header, "alg", &alg, err);
    if (status == COCO_OK)
        status = coco_json_get_string(header, "enc", &enc, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "response");
    if (strcmp(alg, "RSA1_5") != 0 || strcmp(enc, "A256GCM") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "response: %.40s with %.40s, not RSA1_5 with A256GCM", alg, enc);
    return COCO_OK;
}

static coco_status
get_bytes(const cJSON *response, const char *member, struct coco_buf *buf, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(response, member, &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64URL, text, strlen(text), buf, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "response: %s", member);
}

/* As coco_jwe_decrypt(): whichever step fails, the peer learns the same. */
static coco_status
decrypt_old(EVP_PKEY *key, const struct coco_buf *wrapped, const struct coco_buf *iv,
            const struct coco_buf *ciphertext, struct coco_secret *ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret cek = {0};

    if (iv->len != COCO_AEAD_IV_SIZE || ciphertext->len < COCO_AEAD_TAG_SIZE)
        return coco_fail(err, COCO_ERR_PROTO, "response: iv or ciphertext of a wrong size");
    size_t len = ciphertext->len - COCO_AEAD_TAG_SIZE;
    coco_status status = coco_pkcs1_unwrap(key, wrapped, COCO_AEAD_KEY_SIZE, &cek, err);
    if (status != COCO_OK)
        return status;
    status = coco_aead_open(cek.data, iv->data, &no_aad, ciphertext->data, len,
                            ciphertext->data + len, ret, NULL);
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (status != COCO_OK)
        return coco_fail(err, COCO_ERR_VERIFY, "cannot decrypt with this key");
    return COCO_OK;
}

static coco_status
open_old(const void *text, size_t len, EVP_PKEY *key, struct coco_secret *ret, coco_error **err)
{
    _cleanup_json_ cJSON *response = NULL;
    _cleanup_buf_ struct coco_buf wrapped = {.limit = WRAPPED_KEY_MAX};
    _cleanup_buf_ struct coco_buf iv = {.limit = COCO_AEAD_IV_SIZE};
    _cleanup_buf_ struct coco_buf ciphertext = {.limit = COCO_JSON_LONG_MAX};

    if (!EVP_PKEY_is_a(key, "RSA"))
        return coco_fail(err, COCO_ERR_INVALID, "key is not for RSA1_5");
    coco_status status = coco_json_parse_long(text, len, &response, err);
    if (status == COCO_OK)
        status = check_old_header(response, err);
    if (status == COCO_OK)
        status = get_bytes(response, "encrypted_key", &wrapped, err);
    if (status == COCO_OK)
        status = get_bytes(response, "iv", &iv, err);
    if (status == COCO_OK)
        status = get_bytes(response, "ciphertext", &ciphertext, err);
    if (status == COCO_OK)
        status = decrypt_old(key, &wrapped, &iv, &ciphertext, ret, err);
    return status;
}

/* ---- Both ---- */

coco_status
coco_rcar_response_build(enum coco_rcar_version version, EVP_PKEY *key, const void *data,
                         size_t len, struct coco_buf *buf, coco_error **err)
{
    struct coco_jwe_recipient recipient = {.key = key};

    if (!coco_rcar_has_jwe(version))
        return build_old(key, data, len, buf, err);
    coco_status status = coco_jwe_alg_for(key, &recipient.alg, err);
    if (status == COCO_OK)
        status = coco_jwe_encrypt(&recipient, 1, data, len, buf, err);
    return status;
}

coco_status
coco_rcar_response_open(enum coco_rcar_version version, const void *text, size_t len, EVP_PKEY *key,
                        struct coco_secret *ret, coco_error **err)
{
    coco_ossl_errors_are_ours();

    if (!coco_rcar_has_jwe(version))
        return open_old(text, len, key, ret, err);
    return coco_jwe_decrypt(text, len, key, COCO_JWE_RSA_OAEP_256 | COCO_JWE_ECDH_ES_A256KW, ret,
                            err);
}
