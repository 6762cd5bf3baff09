/*
 * kbc/rats_cert.c - certificates that hold evidence of who has their key (RATS-TLS)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/rats_cert.h"

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/fail.h"
#include "crypto/cert_extension.h"
#include "crypto/key.h"

#include <openssl/x509v3.h>
#include <string.h>

#define HOUR_S 3600
#define YEAR_S 31536000

static const struct {
    const char *tee;
    const char *oid;
} forms[] = {
    {"sgx", "1.2.840.113741.1337.6"}, /* a quote by ECDSA */
    {"tdx", "1.2.840.113741.1337.8"},
};

COCO_DEFINE_CLEANUP(X509 *, X509_free);

static const char *
oid_of(const char *tee)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strcmp(forms[i].tee, tee) == 0)
            return forms[i].oid;
    return NULL;
}

static coco_status
digest_key(const EVP_PKEY *key, struct coco_digest *ret, coco_error **err)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);

    if (len <= 0)
        return coco_fail_nomem(err);
    coco_status status = coco_digest_of(COCO_SHA256, der, (size_t)len, ret, err);
    OPENSSL_free(der);
    return status;
}

static bool
add_name(X509_NAME *name, const char *field, const char *value)
{
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC, (const unsigned char *)value, -1,
                                      -1, 0)
           == 1;
}

static bool
fill_in(X509 *cert, EVP_PKEY *key, const char *oid, const struct coco_buf *quote)
{
    X509_NAME *name = X509_get_subject_name(cert);
    X509V3_CTX ctx;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    return X509_set_version(cert, X509_VERSION_3) == 1
           && ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1
           && X509_gmtime_adj(X509_getm_notBefore(cert), -HOUR_S)
           && X509_gmtime_adj(X509_getm_notAfter(cert), YEAR_S) && X509_set_pubkey(cert, key) == 1
           && add_name(name, "O", "Inclavare Containers") && add_name(name, "CN", "RATS-TLS")
           && X509_set_issuer_name(cert, name) == 1
           && coco_cert_add_extension(cert, &ctx, NID_basic_constraints, "CA:FALSE")
           && coco_cert_add_extension(cert, &ctx, NID_subject_key_identifier, "hash")
           && coco_cert_add_extension(cert, &ctx, NID_authority_key_identifier, "keyid:always")
           && coco_cert_add_data(cert, oid, quote->data, quote->len)
           && X509_sign(cert, key, EVP_sha256()) > 0;
}

coco_status
coco_rats_cert_make(const struct coco_rats_source *source, coco_ctx *ctx, X509 **cert,
                    EVP_PKEY **key, coco_error **err)
{
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_RATS_QUOTE_MAX};
    _cleanup_(X509_freep) X509 *made = NULL;
    _cleanup_pkey_ EVP_PKEY *own = NULL;
    struct coco_digest digest;
    const char *tee = NULL;

    coco_status status = coco_key_generate(COCO_KEY_P256, &own, err);
    if (status == COCO_OK)
        status = digest_key(own, &digest, err);
    if (status == COCO_OK)
        status = source->quote(source->self, ctx, digest.bytes, &quote, &tee, err);
    if (status != COCO_OK)
        return status;
    const char *oid = oid_of(tee);
    if (!oid)
        return coco_fail(err, COCO_ERR_NOTSUP, "RATS-TLS has no known form for evidence of %s",
                         tee);
    made = X509_new();
    if (!made || !fill_in(made, own, oid, &quote))
        return coco_fail_nomem(err);
    *cert = coco_steal(&made);
    *key = coco_steal(&own);
    return COCO_OK;
}
