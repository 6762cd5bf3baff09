/*
 * crypto/pkcs11_sign.c - signatures by keys that stay in a token of PKCS#11
 *
 * Tokens are asked for what all of them have: CKM_ECDSA and CKM_RSA_PKCS, over a digest that is
 * made here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/pkcs11_use.h"

#include "base/digest.h"
#include "base/fail.h"
#include "crypto/der.h"
#include "crypto/ecdsa.h"
#include "crypto/rsa.h"

#include <string.h>

#define NUMBER_MAX ((size_t)1024) /* RSA of 8192 bits */
#define SHA256_SIZE 32

/* ---- public halves ---- */

/* The value of an attribute. */
struct value {
    uint8_t bytes[NUMBER_MAX];
    size_t len;
};

static coco_status
get(const struct coco_pkcs11_use *use, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
    struct value *ret, coco_error **err)
{
    CK_ATTRIBUTE attribute = {type, ret->bytes, sizeof(ret->bytes)};

    CK_RV rv = use->functions->C_GetAttributeValue(use->session, object, &attribute, 1);
    if (rv != CKR_OK || attribute.ulValueLen > sizeof(ret->bytes))
        return coco_pkcs11_fail(err, rv, "C_GetAttributeValue");
    ret->len = attribute.ulValueLen;
    return COCO_OK;
}

static coco_status
read_rsa(const struct coco_pkcs11_use *use, CK_OBJECT_HANDLE object, EVP_PKEY **ret,
         coco_error **err)
{
    struct value modulus;
    struct value exponent;

    coco_status status = get(use, object, CKA_MODULUS, &modulus, err);
    if (status == COCO_OK)
        status = get(use, object, CKA_PUBLIC_EXPONENT, &exponent, err);
    if (status == COCO_OK)
        status = coco_rsa_key_from_numbers(modulus.bytes, modulus.len, exponent.bytes, exponent.len,
                                           ret, err);
    return status;
}

/* ECParameters as an OID (RFC 5480 section 2.1.1); 0 for all other curves. */
static enum coco_key_kind
curve_of(const struct value *params)
{
    static const struct {
        enum coco_key_kind kind;
        uint8_t len;
        uint8_t der[10];
    } curves[] = {
        {COCO_KEY_P256, 10, {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}},
        {COCO_KEY_P384, 7, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}},
        {COCO_KEY_P521, 7, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}},
    };

    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        if (params->len == curves[i].len && memcmp(params->bytes, curves[i].der, params->len) == 0)
            return curves[i].kind;
    return 0;
}

/* The point is in an OCTET STRING (PKCS#11 3.0 section 2.3.3), which some tokens leave out. */
static coco_status
read_ec(const struct coco_pkcs11_use *use, CK_OBJECT_HANDLE object, EVP_PKEY **ret,
        coco_error **err)
{
    struct value params;
    struct value octets;

    coco_status status = get(use, object, CKA_EC_PARAMS, &params, err);
    if (status == COCO_OK)
        status = get(use, object, CKA_EC_POINT, &octets, err);
    if (status != COCO_OK)
        return status;
    enum coco_key_kind kind = curve_of(&params);
    size_t size = 1 + 2 * coco_ec_size(kind);
    if (kind == 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "curve of the key is not P-256, P-384 or P-521");
    struct coco_reader r = coco_reader_of(octets.bytes, octets.len);
    struct coco_reader point =
        octets.len == size ? coco_read_part(&r, size) : coco_der_read(&r, COCO_DER_OCTETS);
    if (r.len > 0 || point.len != size || point.data[0] != 0x04)
        return coco_fail(err, COCO_ERR_PROTO, "the token has a point in a form of its own");
    return coco_ec_key_from_point(kind, point.data + 1, ret, err);
}

static coco_status
read_certificate(const struct coco_pkcs11_use *use, const struct coco_pkcs11_object *whose,
                 EVP_PKEY **ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret der = {0};
    CK_OBJECT_HANDLE object = 0;

    coco_status status = coco_pkcs11_find_object(use, CKO_CERTIFICATE, whose, &object, err);
    if (status == COCO_OK)
        status = coco_pkcs11_value(use, object, &der, err);
    if (status == COCO_OK)
        status = coco_key_parse_public(der.data, der.len, ret, err);
    return status;
}

static coco_status
read_public(const struct coco_pkcs11_use *use, CK_OBJECT_HANDLE object, EVP_PKEY **ret,
            coco_error **err)
{
    CK_KEY_TYPE type = 0;
    CK_ATTRIBUTE attribute = {CKA_KEY_TYPE, &type, sizeof(type)};

    CK_RV rv = use->functions->C_GetAttributeValue(use->session, object, &attribute, 1);
    if (rv != CKR_OK)
        return coco_pkcs11_fail(err, rv, "C_GetAttributeValue");
    if (type == CKK_RSA)
        return read_rsa(use, object, ret, err);
    if (type == CKK_EC)
        return read_ec(use, object, ret, err);
    return coco_fail(err, COCO_ERR_NOTSUP, "key in the token is not RSA or EC");
}

/* Smart cards may have a certificate where others have a public key. */
coco_status
coco_pkcs11_public_key(const struct coco_pkcs11 *token, const struct coco_pkcs11_object *whose,
                       EVP_PKEY **ret, coco_error **err)
{
    _cleanup_use_ struct coco_pkcs11_use use = {0};
    CK_OBJECT_HANDLE object = 0;
    coco_error *cause = NULL;
    bool missing = false;

    coco_status status = coco_pkcs11_use_begin(token, 0, &use, err);
    if (status != COCO_OK)
        return status;
    status = coco_pkcs11_find_object(&use, CKO_PUBLIC_KEY, whose, &object, &cause);
    if (status == COCO_OK)
        return read_public(&use, object, ret, err);
    status = coco_forgive(cause, COCO_ERR_NOTFOUND, &missing, err);
    return status == COCO_OK ? read_certificate(&use, whose, ret, err) : status;
}

/* ---- signing ---- */

/* RFC 8017 section 9.2, note 1 */
static const uint8_t digest_info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                      0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

/* What the token is to sign: for RSA with the name of the hash before it. */
static coco_status
digest(bool rsa, const void *data, size_t len, struct coco_buf *ret, coco_error **err)
{
    struct coco_digest digest = {0};

    coco_status status = coco_digest_of(COCO_SHA256, data, len, &digest, err);
    if (status == COCO_OK && rsa)
        status = coco_buf_append(ret, digest_info, sizeof(digest_info), err);
    if (status == COCO_OK)
        status = coco_buf_append(ret, digest.bytes, SHA256_SIZE, err);
    return status;
}

/* Smart cards have such keys for signing what is read by others. */
static bool
wants_pin(const struct coco_pkcs11_use *use, CK_OBJECT_HANDLE key)
{
    CK_BBOOL wants = CK_FALSE;
    CK_ATTRIBUTE attribute = {CKA_ALWAYS_AUTHENTICATE, &wants, sizeof(wants)};

    return use->functions->C_GetAttributeValue(use->session, key, &attribute, 1) == CKR_OK
           && wants == CK_TRUE;
}

static coco_status
give_pin(const struct coco_pkcs11_use *use, const struct coco_pkcs11_key_uri *uri, coco_error **err)
{
    _cleanup_buf_ struct coco_buf pin = {.limit = COCO_PKCS11_PIN_MAX};
    size_t len = strlen(uri->pin);

    coco_status status = uri->token.pin_file[0] != '\0'
                             ? coco_pkcs11_read_pin(uri->token.pin_file, &pin, &len, err)
                             : coco_buf_append(&pin, uri->pin, len, err);
    if (status != COCO_OK)
        return status;
    CK_RV rv = use->functions->C_Login(use->session, CKU_CONTEXT_SPECIFIC, pin.data, len);
    return rv == CKR_OK ? COCO_OK : coco_pkcs11_fail(err, rv, "C_Login");
}

static coco_status
sign(const struct coco_pkcs11 *token, const struct coco_pkcs11_key_uri *uri, CK_MECHANISM_TYPE by,
     struct coco_buf *in, struct coco_buf *ret, coco_error **err)
{
    const struct coco_pkcs11_object whose = {uri->object, uri->id, uri->id_len};
    _cleanup_use_ struct coco_pkcs11_use use = {0};
    CK_MECHANISM mechanism = {by, NULL, 0};
    CK_OBJECT_HANDLE key = 0;
    uint8_t out[NUMBER_MAX];
    CK_ULONG n = sizeof(out);

    coco_status status = coco_pkcs11_use_begin(token, 0, &use, err);
    if (status == COCO_OK)
        status = coco_pkcs11_find_object(&use, CKO_PRIVATE_KEY, &whose, &key, err);
    if (status != COCO_OK)
        return status;
    CK_RV rv = use.functions->C_SignInit(use.session, &mechanism, key);
    if (rv == CKR_OK && wants_pin(&use, key)) {
        status = give_pin(&use, uri, err);
        if (status != COCO_OK)
            return status;
    }
    if (rv == CKR_OK)
        rv = use.functions->C_Sign(use.session, in->data, in->len, out, &n);
    if (rv != CKR_OK || n > sizeof(out))
        return coco_pkcs11_fail(err, rv, "C_Sign");
    return coco_buf_append(ret, out, n, err);
}

coco_status
coco_pkcs11_sign(const struct coco_pkcs11 *token, const struct coco_pkcs11_key_uri *uri,
                 EVP_PKEY *public, const void *data, size_t len, struct coco_buf *buf,
                 coco_error **err)
{
    bool rsa = EVP_PKEY_is_a(public, "RSA") == 1;
    _cleanup_buf_ struct coco_buf in = {.limit = sizeof(digest_info) + SHA256_SIZE};
    _cleanup_buf_ struct coco_buf raw = {.limit = NUMBER_MAX};
    _cleanup_buf_ struct coco_buf sig = {.limit = NUMBER_MAX};

    coco_status status = digest(rsa, data, len, &in, err);
    if (status == COCO_OK)
        status = sign(token, uri, rsa ? CKM_RSA_PKCS : CKM_ECDSA, &in, rsa ? &sig : &raw, err);
    if (status == COCO_OK && !rsa)
        status = coco_ecdsa_to_der(public, raw.data, raw.len, &sig, err);
    if (status == COCO_OK)
        status = coco_key_verify_with(public, EVP_sha256(), data, len, sig.data, sig.len, err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, sig.data, sig.len, err);
    return status;
}
