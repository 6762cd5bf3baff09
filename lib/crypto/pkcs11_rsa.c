/*
 * crypto/pkcs11_rsa.c - RSA-OAEP in a token of PKCS#11
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/pkcs11_use.h"

#include "base/fail.h"

#include <string.h>

#define MODULUS_MAX ((size_t)1024) /* 8192 bits */

/* PKCS#11 3.0 section 2.1.8 */
static CK_RSA_PKCS_OAEP_PARAMS
oaep_params(bool by_sha1)
{
    return (CK_RSA_PKCS_OAEP_PARAMS){
        .hashAlg = by_sha1 ? CKM_SHA_1 : CKM_SHA256,
        .mgf = by_sha1 ? CKG_MGF1_SHA1 : CKG_MGF1_SHA256,
        .source = CKZ_DATA_SPECIFIED,
    };
}

/* Tokens that have no OAEP with this hash say so in several ways. */
static coco_status
fail(coco_error **err, CK_RV rv, const char *what)
{
    if (rv == CKR_ARGUMENTS_BAD || rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_MECHANISM_INVALID)
        return coco_fail(err, COCO_ERR_NOTSUP, "the token has no RSA-OAEP with this hash");
    return coco_pkcs11_fail(err, rv, what);
}

/* RFC 8017 section 7.1.1: of what is longer tokens say that something went wrong. */
static coco_status
check_size(const struct coco_pkcs11_use *use, CK_OBJECT_HANDLE key, bool by_sha1, size_t len,
           coco_error **err)
{
    const size_t around = 2 + 2 * (size_t)(by_sha1 ? 20 : 32);
    CK_ULONG bits = 0;
    CK_ATTRIBUTE attribute = {CKA_MODULUS_BITS, &bits, sizeof(bits)};

    CK_RV rv = use->functions->C_GetAttributeValue(use->session, key, &attribute, 1);
    if (rv != CKR_OK)
        return coco_pkcs11_fail(err, rv, "C_GetAttributeValue");
    if (bits / 8 < around || len > bits / 8 - around)
        return coco_fail(err, COCO_ERR_LIMIT, "more than the key takes");
    return COCO_OK;
}

coco_status
coco_pkcs11_rsa_wrap(const struct coco_pkcs11 *token, const struct coco_pkcs11_object *whose,
                     bool by_sha1, const void *data, size_t len, struct coco_buf *buf,
                     coco_error **err)
{
    _cleanup_use_ struct coco_pkcs11_use use = {0};
    _cleanup_secret_ struct coco_secret in = {0};
    CK_RSA_PKCS_OAEP_PARAMS params = oaep_params(by_sha1);
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &params, sizeof(params)};
    CK_OBJECT_HANDLE key = 0;
    uint8_t out[MODULUS_MAX];
    CK_ULONG n = sizeof(out);

    coco_status status = coco_pkcs11_use_begin(token, 0, &use, err);
    if (status == COCO_OK)
        status = coco_pkcs11_find_object(&use, CKO_PUBLIC_KEY, whose, &key, err);
    if (status == COCO_OK)
        status = check_size(&use, key, by_sha1, len, err);
    if (status == COCO_OK)
        status = coco_secret_copy(data, len, &in, err);
    if (status != COCO_OK)
        return status;
    CK_RV rv = use.functions->C_EncryptInit(use.session, &mechanism, key);
    if (rv == CKR_OK)
        rv = use.functions->C_Encrypt(use.session, in.data, in.len, out, &n);
    if (rv != CKR_OK || n > sizeof(out))
        return fail(err, rv, "C_Encrypt");
    return coco_buf_append(buf, out, n, err);
}

/* What does not open does so for one reason, whatever that is (T37). */
static coco_status
decrypt(const struct coco_pkcs11_use *use, struct coco_secret *in, struct coco_secret *out,
        coco_error **err)
{
    CK_ULONG n = out->len;

    CK_RV rv = use->functions->C_Decrypt(use->session, in->data, in->len, out->data, &n);
    if (rv == CKR_HOST_MEMORY || rv == CKR_DEVICE_REMOVED || rv == CKR_DEVICE_MEMORY)
        return coco_pkcs11_fail(err, rv, "C_Decrypt");
    if (rv != CKR_OK || n > out->len)
        return coco_fail(err, COCO_ERR_VERIFY, "it was not wrapped by this key");
    out->len = n;
    return COCO_OK;
}

coco_status
coco_pkcs11_rsa_unwrap(const struct coco_pkcs11 *token, const struct coco_pkcs11_object *whose,
                       bool by_sha1, const void *data, size_t len, struct coco_secret *ret,
                       coco_error **err)
{
    _cleanup_use_ struct coco_pkcs11_use use = {0};
    _cleanup_secret_ struct coco_secret in = {0};
    _cleanup_secret_ struct coco_secret out = {0};
    CK_RSA_PKCS_OAEP_PARAMS params = oaep_params(by_sha1);
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &params, sizeof(params)};
    CK_OBJECT_HANDLE key = 0;

    if (len == 0 || len > MODULUS_MAX)
        return coco_fail(err, COCO_ERR_VERIFY, "it was not wrapped by this key");
    coco_status status = coco_pkcs11_use_begin(token, 0, &use, err);
    if (status == COCO_OK)
        status = coco_pkcs11_find_object(&use, CKO_PRIVATE_KEY, whose, &key, err);
    if (status == COCO_OK)
        status = coco_secret_copy(data, len, &in, err);
    if (status == COCO_OK)
        status = coco_secret_alloc(MODULUS_MAX, &out, err);
    if (status != COCO_OK)
        return status;
    CK_RV rv = use.functions->C_DecryptInit(use.session, &mechanism, key);
    if (rv != CKR_OK)
        return fail(err, rv, "C_DecryptInit");
    status = decrypt(&use, &in, &out, err);
    if (status == COCO_OK)
        *ret = coco_secret_steal(&out);
    return status;
}
