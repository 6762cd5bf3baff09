/*
 * crypto/sct.c - what a log of certificates promised when one was made (RFC 6962 section 3)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/sct.h"

#include "base/fail.h"
#include "base/reader.h"
#include "crypto/der.h"
#include "crypto/ossl.h"

#include <openssl/objects.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>

COCO_DEFINE_CLEANUP(ASN1_OBJECT *, ASN1_OBJECT_free);

#define OID "1.3.6.1.4.1.11129.2.4.2"
#define SIGNED_MAX (COCO_CERT_SIZE_MAX + 1024)
/* RFC 5246 section 7.4.1.4.1 */
#define HASH_SHA256 4
#define SIGNED_BY_RSA 1
#define SIGNED_BY_ECDSA 3

/* A SignedCertificateTimestamp taken apart. */
struct sct {
    uint8_t version;
    uint8_t id[32];
    uint64_t timestamp; /* milliseconds */
    struct coco_reader extensions;
    uint8_t hash, algorithm;
    struct coco_reader signature;
};

static coco_status
read_sct(struct coco_reader *list, struct sct *ret, coco_error **err)
{
    struct coco_reader r = coco_read_part(list, coco_read_u16be(list));

    ret->version = coco_read_u8(&r);
    coco_read_bytes(&r, ret->id, sizeof(ret->id));
    ret->timestamp = coco_read_u64be(&r);
    ret->extensions = coco_read_part(&r, coco_read_u16be(&r));
    ret->hash = coco_read_u8(&r);
    ret->algorithm = coco_read_u8(&r);
    ret->signature = coco_read_part(&r, coco_read_u16be(&r));
    return coco_reader_finish(&r, "promise of a log", err);
}

/* The certificate as the log saw it: without the list of promises. */
static coco_status
append_precert(X509 *cert, struct coco_buf *ret, coco_error **err)
{
    _cleanup_(ASN1_OBJECT_freep) ASN1_OBJECT *oid = OBJ_txt2obj(OID, 1);
    _cleanup_cert_ X509 *copy = X509_dup(cert);
    uint8_t *der = NULL;

    if (!oid || !copy)
        return coco_fail_nomem(err);
    int at = X509_get_ext_by_OBJ(copy, oid, -1);
    X509_EXTENSION_free(X509_delete_ext(copy, at));
    int len = i2d_re_X509_tbs(copy, &der);
    if (len < 0)
        return coco_fail_nomem(err);
    const uint8_t head[3] = {(uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};
    coco_status status = coco_buf_append(ret, head, sizeof(head), err);
    if (status == COCO_OK)
        status = coco_buf_append(ret, der, (size_t)len, err);
    OPENSSL_free(der);
    return status;
}

static coco_status
append_issuer(X509 *issuer, struct coco_buf *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf der = {.limit = COCO_CERT_SIZE_MAX};
    struct coco_digest hash = {0};

    coco_status status = coco_key_public_der(X509_get0_pubkey(issuer), &der, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, der.data, der.len, &hash, err);
    return status == COCO_OK ? coco_buf_append(ret, hash.bytes, 32, err) : status;
}

/* RFC 6962 section 3.2: digitally-signed struct, for a precert_entry. */
static coco_status
append_signed(const struct sct *sct, X509 *cert, X509 *issuer, struct coco_buf *ret,
              coco_error **err)
{
    uint8_t head[12] = {sct->version, 0 /* certificate_timestamp */};
    const uint8_t tail[2] = {(uint8_t)(sct->extensions.len >> 8), (uint8_t)sct->extensions.len};

    for (size_t i = 0; i < 8; i++)
        head[2 + i] = (uint8_t)(sct->timestamp >> (56 - 8 * i));
    head[11] = 1; /* precert_entry */
    coco_status status = coco_buf_append(ret, head, sizeof(head), err);
    if (status == COCO_OK)
        status = append_issuer(issuer, ret, err);
    if (status == COCO_OK)
        status = append_precert(cert, ret, err);
    if (status == COCO_OK)
        status = coco_buf_append(ret, tail, sizeof(tail), err);
    if (status == COCO_OK && sct->extensions.len > 0)
        status = coco_buf_append(ret, sct->extensions.data, sct->extensions.len, err);
    return status;
}

static bool
fits(const struct sct *sct, const EVP_PKEY *key)
{
    enum coco_key_kind kind = 0;

    if (sct->version != 0 || sct->hash != HASH_SHA256
        || coco_key_kind_of(key, &kind, NULL) != COCO_OK)
        return false;
    return kind == COCO_KEY_RSA ? sct->algorithm == SIGNED_BY_RSA
                                : kind != COCO_KEY_ED25519 && sct->algorithm == SIGNED_BY_ECDSA;
}

static coco_status
check_one(const struct sct *sct, X509 *cert, X509 *issuer, const struct coco_ct_log *log,
          coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = SIGNED_MAX};

    if (!fits(sct, log->key))
        return coco_fail(err, COCO_ERR_VERIFY, "promise of a log in a form that is not its own");
    coco_status status = append_signed(sct, cert, issuer, &text, err);
    if (status == COCO_OK)
        status = coco_key_verify_with(log->key, EVP_sha256(), text.data, text.len,
                                      sct->signature.data, sct->signature.len, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "promise of a log");
}

coco_status
coco_sct_check(X509 *cert, X509 *issuer, const struct coco_ct_log *logs, size_t n, int64_t *time,
               coco_error **err)
{
    coco_ossl_errors_are_ours();
    const uint8_t *der = NULL;
    size_t len = 0;

    coco_status status = coco_cert_extension(cert, OID, &der, &len, err);
    if (status != COCO_OK)
        return status;
    struct coco_reader content = coco_reader_of(der, len);
    struct coco_reader list = coco_der_read(&content, COCO_DER_OCTETS);
    struct coco_reader r = coco_read_part(&list, coco_read_u16be(&list));
    status = coco_reader_finish(&list, "promises of logs", err);
    while (status == COCO_OK && r.len > 0) {
        struct sct sct = {0};

        status = read_sct(&r, &sct, err);
        for (size_t i = 0; status == COCO_OK && i < n; i++) {
            if (CRYPTO_memcmp(sct.id, logs[i].id, sizeof(sct.id)) != 0)
                continue;
            status = check_one(&sct, cert, issuer, &logs[i], err);
            if (status == COCO_OK)
                *time = (int64_t)(sct.timestamp / 1000);
            return status;
        }
    }
    return status == COCO_OK ? coco_fail(err, COCO_ERR_VERIFY, "no promise of a log that is known")
                             : status;
}
