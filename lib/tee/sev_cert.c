/*
 * tee/sev_cert.c - certificates of AMD SEV, in AMD's own format
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/sev_cert.h"

#include "base/fail.h"
#include "base/reader.h"
#include "crypto/ecdsa.h"
#include "crypto/rsa.h"

#include <string.h>

#define VERSION 1
#define P256 1
#define P384 2
#define KEY_END 164        /* of an EC key; an RSA key would go on to the end of the body */
#define SIGNATURE_SIZE 520 /* two numbers, and the signature */

/* ---- numbers ---- */

static void
reverse(uint8_t *ret, const uint8_t *number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ret[i] = number[size - 1 - i];
}

static bool
is_zero(const uint8_t *data, size_t len)
{
    struct coco_reader r = coco_reader_of(data, len);

    return coco_read_zeros(&r, len);
}

static void
put_u32(uint8_t *p, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

/* ---- platform certificates ---- */

coco_status
coco_sev_cert_parse(const void *data, size_t len, struct coco_sev_cert *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_sev_cert cert = {0};

    uint32_t version = coco_read_u32le(&r);
    cert.api_major = coco_read_u8(&r);
    cert.api_minor = coco_read_u8(&r);
    bool zeros = coco_read_zeros(&r, 2);
    cert.usage = coco_read_u32le(&r);
    cert.algo = coco_read_u32le(&r);
    cert.curve = coco_read_u32le(&r);
    coco_read_bytes(&r, cert.x, sizeof(cert.x));
    coco_read_bytes(&r, cert.y, sizeof(cert.y));
    zeros = coco_read_zeros(&r, COCO_SEV_CERT_BODY_SIZE - KEY_END) && zeros;
    for (size_t i = 0; i < COCO_SEV_CERT_SIGNATURES; i++) {
        cert.signatures[i].usage = coco_read_u32le(&r);
        cert.signatures[i].algo = coco_read_u32le(&r);
        coco_read_bytes(&r, cert.signatures[i].bytes, sizeof(cert.signatures[i].bytes));
    }
    coco_status status = coco_reader_finish(&r, "SEV certificate", err);
    if (status != COCO_OK)
        return status;
    if (version != VERSION || !zeros)
        return coco_fail(err, COCO_ERR_PROTO, "SEV certificate is not of version 1");
    *ret = cert;
    return COCO_OK;
}

static void
format_body(const struct coco_sev_cert *cert, uint8_t ret[COCO_SEV_CERT_BODY_SIZE])
{
    memset(ret, 0, COCO_SEV_CERT_BODY_SIZE);
    put_u32(ret, VERSION);
    ret[4] = cert->api_major;
    ret[5] = cert->api_minor;
    put_u32(ret + 8, cert->usage);
    put_u32(ret + 12, cert->algo);
    put_u32(ret + 16, cert->curve);
    memcpy(ret + 20, cert->x, sizeof(cert->x));
    memcpy(ret + 20 + sizeof(cert->x), cert->y, sizeof(cert->y));
}

void
coco_sev_cert_format(const struct coco_sev_cert *cert, uint8_t ret[COCO_SEV_CERT_SIZE])
{
    format_body(cert, ret);
    for (size_t i = 0; i < COCO_SEV_CERT_SIGNATURES; i++) {
        uint8_t *p = ret + COCO_SEV_CERT_BODY_SIZE + i * SIGNATURE_SIZE;

        put_u32(p, cert->signatures[i].usage);
        put_u32(p + 4, cert->signatures[i].algo);
        memcpy(p + 8, cert->signatures[i].bytes, sizeof(cert->signatures[i].bytes));
    }
}

static coco_status
kind_of(const struct coco_sev_cert *cert, enum coco_key_kind *ret, coco_error **err)
{
    if (cert->curve != P256 && cert->curve != P384)
        return coco_fail(err, COCO_ERR_PROTO, "SEV certificate has a key on curve %u", cert->curve);
    *ret = cert->curve == P256 ? COCO_KEY_P256 : COCO_KEY_P384;
    return COCO_OK;
}

coco_status
coco_sev_cert_key(const struct coco_sev_cert *cert, EVP_PKEY **ret, coco_error **err)
{
    uint8_t point[2 * COCO_EC_SIZE_MAX];
    enum coco_key_kind kind = 0;

    coco_status status = kind_of(cert, &kind, err);
    if (status != COCO_OK)
        return status;
    size_t size = coco_ec_size(kind);
    if (!is_zero(cert->x + size, sizeof(cert->x) - size)
        || !is_zero(cert->y + size, sizeof(cert->y) - size))
        return coco_fail(err, COCO_ERR_PROTO, "SEV certificate has a key that is too large");
    reverse(point, cert->x, size);
    reverse(point + size, cert->y, size);
    return coco_ec_key_from_point(kind, point, ret, err);
}

coco_status
coco_sev_cert_set_key(struct coco_sev_cert *cert, const EVP_PKEY *key, uint32_t usage,
                      uint32_t algo, coco_error **err)
{
    _cleanup_buf_ struct coco_buf point = {.limit = 2 * COCO_EC_SIZE_MAX};
    const size_t size = coco_ec_size(COCO_KEY_P384);

    coco_status status = coco_ec_key_point(key, &point, err);
    if (status != COCO_OK)
        return status;
    if (point.len != 2 * size)
        return coco_fail(err, COCO_ERR_NOTSUP, "key for an SEV certificate is not on P-384");
    memset(cert->x, 0, sizeof(cert->x));
    memset(cert->y, 0, sizeof(cert->y));
    reverse(cert->x, point.data, size);
    reverse(cert->y, point.data + size, size);
    cert->curve = P384;
    cert->usage = usage;
    cert->algo = algo;
    return COCO_OK;
}

/* ---- AMD's certificates ---- */

coco_status
coco_sev_ca_parse(const void *data, size_t len, struct coco_sev_ca *ret, size_t *size,
                  coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_sev_ca ca = {0};

    uint32_t version = coco_read_u32le(&r);
    coco_read_bytes(&r, ca.key_id, sizeof(ca.key_id));
    coco_read_bytes(&r, ca.signer_id, sizeof(ca.signer_id));
    ca.usage = coco_read_u32le(&r);
    bool zeros = coco_read_zeros(&r, 16);
    uint32_t exponent_bits = coco_read_u32le(&r);
    uint32_t modulus_bits = coco_read_u32le(&r);
    coco_status status = coco_reader_check(&r, "certificate of AMD", err);
    if (status != COCO_OK)
        return status;
    if (version != VERSION || !zeros || exponent_bits != modulus_bits
        || (modulus_bits != 2048 && modulus_bits != 4096))
        return coco_fail(err, COCO_ERR_PROTO, "certificate of AMD is not of version 1");
    ca.key_size = modulus_bits / 8;
    coco_read_bytes(&r, ca.exponent, ca.key_size);
    coco_read_bytes(&r, ca.modulus, ca.key_size);
    coco_read_bytes(&r, ca.signature, ca.key_size);
    status = coco_reader_check(&r, "certificate of AMD", err);
    if (status != COCO_OK)
        return status;
    *ret = ca;
    *size = r.at;
    return COCO_OK;
}

static coco_status
format_ca_body(const struct coco_sev_ca *ca, struct coco_buf *buf, coco_error **err)
{
    uint8_t head[64] = {0};

    put_u32(head, VERSION);
    memcpy(head + 4, ca->key_id, sizeof(ca->key_id));
    memcpy(head + 20, ca->signer_id, sizeof(ca->signer_id));
    put_u32(head + 36, ca->usage);
    put_u32(head + 56, (uint32_t)(8 * ca->key_size));
    put_u32(head + 60, (uint32_t)(8 * ca->key_size));
    coco_status status = coco_buf_append(buf, head, sizeof(head), err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, ca->exponent, ca->key_size, err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, ca->modulus, ca->key_size, err);
    return status;
}

coco_status
coco_sev_ca_format(const struct coco_sev_ca *ca, struct coco_buf *buf, coco_error **err)
{
    coco_status status = format_ca_body(ca, buf, err);

    if (status == COCO_OK)
        status = coco_buf_append(buf, ca->signature, ca->key_size, err);
    return status;
}

coco_status
coco_sev_ca_key(const struct coco_sev_ca *ca, EVP_PKEY **ret, coco_error **err)
{
    uint8_t exponent[COCO_SEV_RSA_SIZE_MAX];
    uint8_t modulus[COCO_SEV_RSA_SIZE_MAX];

    reverse(exponent, ca->exponent, ca->key_size);
    reverse(modulus, ca->modulus, ca->key_size);
    return coco_rsa_key_from_numbers(modulus, ca->key_size, exponent, ca->key_size, ret, err);
}

/* ---- signatures ---- */

static bool
is_rsa(uint32_t algo)
{
    return algo == COCO_SEV_RSA_SHA256 || algo == COCO_SEV_RSA_SHA384;
}

static bool
is_ecdsa(uint32_t algo)
{
    return algo == COCO_SEV_ECDSA_SHA256 || algo == COCO_SEV_ECDSA_SHA384;
}

static enum coco_hash_alg
hash_of(uint32_t algo)
{
    return algo & 0x100 ? COCO_SHA384 : COCO_SHA256;
}

static coco_status
check_rsa(const struct coco_sev_signature *signature, EVP_PKEY *key, const void *data, size_t len,
          coco_error **err)
{
    size_t size = (size_t)EVP_PKEY_get_size(key);
    uint8_t bytes[COCO_SEV_RSA_SIZE_MAX];

    if (size > sizeof(bytes) || !is_zero(signature->bytes + size, sizeof(bytes) - size))
        return coco_fail(err, COCO_ERR_VERIFY, "signature is larger than its key");
    reverse(bytes, signature->bytes, size);
    return coco_rsa_pss_verify(key, hash_of(signature->algo), data, len, bytes, size, err);
}

static coco_status
check_ecdsa(const struct coco_sev_signature *signature, EVP_PKEY *key, const void *data, size_t len,
            coco_error **err)
{
    const uint8_t *r = signature->bytes;
    const uint8_t *s = r + COCO_SEV_NUMBER_SIZE;
    const uint8_t *rest = s + COCO_SEV_NUMBER_SIZE;
    uint8_t bytes[2 * COCO_EC_SIZE_MAX];
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(key, &kind, err);
    if (status != COCO_OK)
        return status;
    size_t size = coco_ec_size(kind);
    if (size == 0 || !is_zero(r + size, COCO_SEV_NUMBER_SIZE - size)
        || !is_zero(s + size, COCO_SEV_NUMBER_SIZE - size)
        || !is_zero(rest, COCO_SEV_RSA_SIZE_MAX - 2 * COCO_SEV_NUMBER_SIZE))
        return coco_fail(err, COCO_ERR_VERIFY, "signature is larger than its key");
    reverse(bytes, r, size);
    reverse(bytes + size, s, size);
    return coco_ecdsa_verify_with(key, hash_of(signature->algo), data, len, bytes, 2 * size, err);
}

/* Both what the signature says of its key and what the key is must be right: no confusion. */
static coco_status
check_one(const struct coco_sev_signature *signature, EVP_PKEY *key, const void *data, size_t len,
          coco_error **err)
{
    bool rsa = EVP_PKEY_is_a(key, "RSA") == 1;

    if (is_rsa(signature->algo) && rsa)
        return check_rsa(signature, key, data, len, err);
    if (is_ecdsa(signature->algo) && !rsa)
        return check_ecdsa(signature, key, data, len, err);
    return coco_fail(err, COCO_ERR_VERIFY, "signature of algorithm 0x%x", signature->algo);
}

coco_status
coco_sev_cert_check(const struct coco_sev_cert *cert, uint32_t usage, EVP_PKEY *key,
                    coco_error **err)
{
    uint8_t body[COCO_SEV_CERT_BODY_SIZE];

    format_body(cert, body);
    for (size_t i = 0; i < COCO_SEV_CERT_SIGNATURES; i++)
        if (cert->signatures[i].usage == usage)
            return check_one(&cert->signatures[i], key, body, sizeof(body), err);
    return coco_fail(err, COCO_ERR_VERIFY, "no signature of a key for 0x%x", usage);
}

coco_status
coco_sev_ca_check(const struct coco_sev_ca *ca, const struct coco_sev_ca *signer, coco_error **err)
{
    _cleanup_buf_ struct coco_buf body = {.limit = COCO_SEV_CA_SIZE_4096};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    struct coco_sev_signature signature = {
        .algo = signer->key_size == 256 ? COCO_SEV_RSA_SHA256 : COCO_SEV_RSA_SHA384,
    };

    /* A certificate has room for a signature as large as its own key. */
    if (ca->key_size != signer->key_size
        || memcmp(ca->signer_id, signer->key_id, sizeof(ca->signer_id)) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "certificate of AMD is signed by another");
    coco_status status = format_ca_body(ca, &body, err);
    if (status == COCO_OK)
        status = coco_sev_ca_key(signer, &key, err);
    if (status != COCO_OK)
        return status;
    memcpy(signature.bytes, ca->signature, ca->key_size);
    return check_rsa(&signature, key, body.data, body.len, err);
}

coco_status
coco_sev_cert_sign(struct coco_sev_cert *cert, size_t index, uint32_t usage, uint32_t algo,
                   EVP_PKEY *key, coco_error **err)
{
    struct coco_sev_signature signature = {.usage = usage, .algo = algo};
    _cleanup_buf_ struct coco_buf flat = {.limit = COCO_SEV_RSA_SIZE_MAX};
    uint8_t body[COCO_SEV_CERT_BODY_SIZE];
    coco_status status;

    format_body(cert, body);
    if (is_rsa(algo))
        status = coco_rsa_pss_sign(key, hash_of(algo), body, sizeof(body), &flat, err);
    else
        status = coco_ecdsa_sign_with(key, hash_of(algo), body, sizeof(body), &flat, err);
    if (status != COCO_OK)
        return status;
    if (is_rsa(algo)) {
        reverse(signature.bytes, flat.data, flat.len);
    } else {
        reverse(signature.bytes, flat.data, flat.len / 2);
        reverse(signature.bytes + COCO_SEV_NUMBER_SIZE, flat.data + flat.len / 2, flat.len / 2);
    }
    cert->signatures[index] = signature;
    return COCO_OK;
}
