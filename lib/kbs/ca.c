/*
 * kbs/ca.c - a CA that gives short-lived certificates (X.509-SVID)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/ca.h"

#include "base/fail.h"
#include "base/secret.h"
#include "crypto/cert_extension.h"
#include "crypto/ossl.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

/* Clocks differ: a certificate is good a moment before it was made. */
#define EARLY_S 60
#define DER_MAX ((size_t)1 << 10)
/* id-sha256 (RFC 5754 section 2.2), as DER */
#define SHA256_OID "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define SHA256_SIZE 32

void
coco_ca_done(struct coco_ca *ca)
{
    coco_cert_chain_done(&ca->chain);
    EVP_PKEY_free(ca->key);
    *ca = (struct coco_ca){0};
}

/* ---- reading ---- */

/* RFC 5280 sections 4.2.1.2, 4.2.1.3 and 4.2.1.9. */
static coco_status
check_issuer(X509 *cert, coco_error **err)
{
    if (X509_check_ca(cert) != 1 || !(X509_get_key_usage(cert) & KU_KEY_CERT_SIGN))
        return coco_fail(err, COCO_ERR_VERIFY, "the certificate is none of a CA");
    if (!X509_get0_subject_key_id(cert))
        return coco_fail(err, COCO_ERR_VERIFY, "the certificate has no identifier of its key");
    return COCO_OK;
}

coco_status
coco_ca_read(const char *certificates, const char *key, struct coco_ca *ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_ca_ struct coco_ca ca = {0};

    coco_status status = coco_cert_chain_parse(certificates, strlen(certificates), &ca.chain, err);
    if (status == COCO_OK)
        status = coco_cert_chain_check_links(&ca.chain, err);
    if (status == COCO_OK)
        status = check_issuer(ca.chain.certs[0], err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "certificate");
    status = coco_key_parse_private(key, strlen(key), &ca.key, err);
    if (status == COCO_OK && X509_check_private_key(ca.chain.certs[0], ca.key) != 1)
        status = coco_fail(err, COCO_ERR_VERIFY, "is not that of the certificate");
    if (status != COCO_OK)
        return coco_wrap(err, status, "private_key");
    *ret = ca;
    ca = (struct coco_ca){0};
    return COCO_OK;
}

/* ---- dates ---- */

static coco_status
find_dates(const struct coco_ca *ca, const struct coco_ca_order *order, int64_t *from, int64_t *to,
           coco_error **err)
{
    *from = order->now - EARLY_S;
    *to = order->now + order->lifetime;
    for (size_t i = 0; i < ca->chain.n; i++) {
        int64_t begins = 0;
        int64_t ends = 0;

        coco_status status = coco_cert_dates(ca->chain.certs[i], &begins, &ends, err);
        if (status != COCO_OK)
            return status;
        if (order->now < begins || order->now >= ends)
            return coco_fail(err, COCO_ERR_IO, "the CA's own time is over, or has not come yet");
        *from = *from < begins ? begins : *from;
        *to = *to > ends ? ends : *to;
    }
    return COCO_OK;
}

/* ---- what was proven, as DER ---- */

/* tag, length and content, of less than 64 KiB */
static coco_status
append_tlv(struct coco_buf *buf, uint8_t tag, const void *content, size_t len, coco_error **err)
{
    const uint8_t head[] = {tag, 0x82, (uint8_t)(len >> 8), (uint8_t)len};
    const uint8_t medium[] = {tag, 0x81, (uint8_t)len};
    const uint8_t small[] = {tag, (uint8_t)len};

    coco_status status = len < 0x80    ? coco_buf_append(buf, small, sizeof(small), err)
                         : len < 0x100 ? coco_buf_append(buf, medium, sizeof(medium), err)
                                       : coco_buf_append(buf, head, sizeof(head), err);
    return status == COCO_OK ? coco_buf_append(buf, content, len, err) : status;
}

/*
 * DiceTcbInfo with fwids [6], a list of one FWID {hashAlg, digest}, and type [9], which
 * says whose digest it is.
 */
static coco_status
append_tcb_info(struct coco_buf *buf, const char *type, const uint8_t *digest, coco_error **err)
{
    _cleanup_buf_ struct coco_buf fwid = {.limit = DER_MAX};
    _cleanup_buf_ struct coco_buf fwids = {.limit = DER_MAX};
    _cleanup_buf_ struct coco_buf info = {.limit = DER_MAX};

    coco_status status = coco_buf_append(&fwid, SHA256_OID, sizeof(SHA256_OID) - 1, err);
    if (status == COCO_OK)
        status = append_tlv(&fwid, V_ASN1_OCTET_STRING, digest, SHA256_SIZE, err);
    if (status == COCO_OK)
        status = append_tlv(&fwids, V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED, fwid.data, fwid.len, err);
    if (status == COCO_OK)
        status = append_tlv(&info, V_ASN1_CONTEXT_SPECIFIC | V_ASN1_CONSTRUCTED | 6, fwids.data,
                            fwids.len, err);
    if (status == COCO_OK)
        status = append_tlv(&info, V_ASN1_CONTEXT_SPECIFIC | 9, type, strlen(type), err);
    if (status == COCO_OK)
        status = append_tlv(buf, V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED, info.data, info.len, err);
    return status;
}

static coco_status
write_evidence(const struct coco_ca_order *order, struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf infos = {.limit = DER_MAX};

    coco_status status = append_tcb_info(&infos, "evidence", order->evidence, err);
    if (status == COCO_OK)
        status = append_tcb_info(&infos, "tee-key", order->tee_key, err);
    if (status == COCO_OK)
        status = append_tlv(buf, V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED, infos.data, infos.len, err);
    return status;
}

/* ---- the certificate ---- */

/* Critical, for the subject has no other name (RFC 5280 section 4.2.1.6). */
static bool
add_uri(X509 *cert, const char *uri)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();

    bool ok = names && name && text && ASN1_STRING_set(text, uri, -1) == 1;
    if (ok) {
        GENERAL_NAME_set0_value(name, GEN_URI, text);
        text = NULL;
        ok = sk_GENERAL_NAME_push(names, name) > 0;
        if (ok)
            name = NULL;
    }
    ok = ok && X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 1, 0) == 1;
    ASN1_IA5STRING_free(text);
    GENERAL_NAME_free(name);
    GENERAL_NAMES_free(names);
    return ok;
}

/* X509-SVID section 4: what a leaf must have, and must not. */
static bool
add_extensions(X509 *cert, X509 *issuer, const char *uri, const struct coco_buf *evidence)
{
    X509V3_CTX ctx;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    return coco_cert_add_extension(cert, &ctx, NID_basic_constraints, "critical,CA:FALSE")
           && coco_cert_add_extension(cert, &ctx, NID_key_usage, "critical,digitalSignature")
           && coco_cert_add_extension(cert, &ctx, NID_ext_key_usage, "serverAuth,clientAuth")
           && coco_cert_add_extension(cert, &ctx, NID_subject_key_identifier, "hash")
           && coco_cert_add_extension(cert, &ctx, NID_authority_key_identifier, "keyid:always")
           && add_uri(cert, uri)
           && coco_cert_add_data(cert, COCO_CA_EVIDENCE_OID, evidence->data, evidence->len);
}

/* 127 random bits: positive, and by chance never 0 (RFC 5280 section 4.1.2.2). */
static bool
set_serial(X509 *cert, const uint8_t serial[COCO_CA_SERIAL_SIZE])
{
    BIGNUM *number = BN_bin2bn(serial, COCO_CA_SERIAL_SIZE, NULL);
    bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));

    BN_free(number);
    return ok;
}

static const EVP_MD *
digest_for(enum coco_key_kind kind)
{
    switch (kind) {
    case COCO_KEY_ED25519:
        return NULL;
    case COCO_KEY_P384:
        return EVP_sha384();
    case COCO_KEY_P521:
        return EVP_sha512();
    case COCO_KEY_P256:
    case COCO_KEY_RSA:
        break;
    }
    return EVP_sha256();
}

static coco_status
sign(const struct coco_ca *ca, X509 *cert, coco_error **err)
{
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(ca->key, &kind, err);
    if (status != COCO_OK)
        return status;
    if (X509_sign(cert, ca->key, digest_for(kind)) <= 0)
        return coco_fail(err, COCO_ERR_IO, "cannot sign with the CA's key");
    return COCO_OK;
}

coco_status
coco_ca_issue(const struct coco_ca *ca, const struct coco_ca_order *order, X509 **ret,
              uint8_t serial[COCO_CA_SERIAL_SIZE], coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_buf_ struct coco_buf evidence = {.limit = DER_MAX};
    _cleanup_cert_ X509 *cert = NULL;
    X509 *issuer = ca->chain.certs[0];
    int64_t from = 0;
    int64_t to = 0;

    coco_status status = find_dates(ca, order, &from, &to, err);
    if (status == COCO_OK)
        status = write_evidence(order, &evidence, err);
    if (status == COCO_OK)
        status = coco_random(serial, COCO_CA_SERIAL_SIZE, err);
    if (status != COCO_OK)
        return status;
    serial[0] &= 0x7f;
    cert = X509_new();
    if (!cert || X509_set_version(cert, X509_VERSION_3) != 1 || !set_serial(cert, serial)
        || !ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from)
        || !ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)to)
        || X509_set_issuer_name(cert, X509_get_subject_name(issuer)) != 1
        || X509_set_pubkey(cert, order->key) != 1
        || !add_extensions(cert, issuer, order->uri, &evidence))
        return coco_fail_nomem(err);
    status = sign(ca, cert, err);
    if (status == COCO_OK)
        *ret = coco_steal(&cert);
    return status;
}

/* ---- PEM ---- */

static coco_status
append_pem(X509 *cert, struct coco_buf *buf, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;

    if (!bio || PEM_write_bio_X509(bio, cert) != 1)
        return coco_fail_nomem(err);
    long len = BIO_get_mem_data(bio, &text);
    return coco_buf_append(buf, text, (size_t)len, err);
}

coco_status
coco_ca_append_chain(const struct coco_ca *ca, X509 *cert, struct coco_buf *buf, coco_error **err)
{
    coco_status status = append_pem(cert, buf, err);

    for (size_t i = 0; i + 1 < ca->chain.n && status == COCO_OK; i++)
        status = append_pem(ca->chain.certs[i], buf, err);
    return status;
}

coco_status
coco_ca_append_root(const struct coco_ca *ca, struct coco_buf *buf, coco_error **err)
{
    return append_pem(ca->chain.certs[ca->chain.n - 1], buf, err);
}
