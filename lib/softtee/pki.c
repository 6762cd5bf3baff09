/*
 * softtee/pki.c - certificates of a maker of hardware who has none
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/pki.h"

#include "base/fail.h"
#include "base/fd.h"
#include "base/secret.h"
#include "crypto/cert.h"
#include "crypto/cert_extension.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define FILE_MAX ((size_t)64 << 10)
#define DAY (24L * 60 * 60)
#define CERT_DAYS 3650
#define CRL_DAYS 30
#define SERIAL_BYTES 8

void
coco_pki_done(struct coco_pki *pki)
{
    EVP_PKEY_free(pki->key);
    X509_free(pki->cert);
    *pki = (struct coco_pki){0};
}

static coco_status
cannot(const char *what, coco_error **err)
{
    return coco_fail(err, COCO_ERR_NOMEM, "cannot make %s", what);
}

/* ---- files ---- */

/* Makes each directory that path is in. */
static coco_status
make_parents(char *path, coco_error **err)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
        int error = errno;
        *slash = '/';
        if (!made)
            return coco_fail_errno(err, error, "make the directories of '%s'", path);
    }
    return COCO_OK;
}

coco_status
coco_pki_write(const char *dir, const char *name, const void *data, size_t len, coco_error **err)
{
    _cleanup_free_ char *path = NULL;

    coco_status status = coco_path_in(dir, name, &path, err);
    if (status == COCO_OK)
        status = make_parents(path, err);
    if (status == COCO_OK)
        status = coco_file_write(path, data, len, 0600, err);
    return status;
}

coco_status
coco_pki_lock(const char *dir, int *ret, coco_error **err)
{
    _cleanup_free_ char *path = NULL;
    _cleanup_close_ int fd = -1;
    int rc;

    coco_status status = coco_path_in(dir, "", &path, err);
    if (status == COCO_OK)
        status = make_parents(path, err);
    if (status != COCO_OK)
        return status;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return coco_fail_errno(err, errno, "open '%s'", dir);
    do
        rc = flock(fd, LOCK_EX);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return coco_fail_errno(err, errno, "lock '%s'", dir);
    *ret = fd;
    fd = -1;
    return COCO_OK;
}

/* ---- certificates ---- */

static coco_status
append_bio(BIO *bio, struct coco_buf *buf, coco_error **err)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);

    return len > 0 ? coco_buf_append(buf, data, (size_t)len, err) : cannot("PEM", err);
}

coco_status
coco_pki_pem(const struct coco_pki *pki, struct coco_buf *buf, coco_error **err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    coco_status status = bio && PEM_write_bio_X509(bio, pki->cert) == 1 ? append_bio(bio, buf, err)
                                                                        : cannot("PEM", err);

    BIO_free(bio);
    return status;
}

coco_status
coco_pki_der(const struct coco_pki *pki, struct coco_buf *buf, coco_error **err)
{
    uint8_t *der = NULL;
    int len = i2d_X509(pki->cert, &der);

    if (len <= 0)
        return cannot("DER", err);
    coco_status status = coco_buf_append(buf, der, (size_t)len, err);
    OPENSSL_free(der);
    return status;
}

/* A context that signs as the maker does: AMD's RSA keys with PSS, Intel's with ECDSA. */
static coco_status
begin_signing(EVP_MD_CTX *ctx, EVP_PKEY *key, coco_error **err)
{
    bool is_rsa = EVP_PKEY_is_a(key, "RSA") == 1;
    EVP_PKEY_CTX *pkey = NULL;

    if (!ctx
        || EVP_DigestSignInit(ctx, &pkey, is_rsa ? EVP_sha384() : EVP_sha256(), NULL, key) != 1)
        return cannot("a signature", err);
    if (is_rsa
        && (EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PSS_PADDING) != 1
            || EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey, RSA_PSS_SALTLEN_DIGEST) != 1))
        return cannot("a signature", err);
    return COCO_OK;
}

static coco_status
sign_cert(X509 *cert, EVP_PKEY *key, coco_error **err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    coco_status status = begin_signing(ctx, key, err);
    if (status == COCO_OK && X509_sign_ctx(cert, ctx) <= 0)
        status = cannot("a certificate", err);
    EVP_MD_CTX_free(ctx);
    return status;
}

/* RFC 5280, 4.2.1.3 and 4.2.1.9: without these a certificate signs no others. */
static bool
add_usage(X509 *cert, bool is_ca)
{
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    return coco_cert_add_extension(cert, &ctx, NID_basic_constraints,
                                   is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE")
           && coco_cert_add_extension(cert, &ctx, NID_key_usage,
                                      is_ca ? "critical,keyCertSign,cRLSign"
                                            : "critical,digitalSignature");
}

static bool
set_name(X509 *cert, const char *name)
{
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                                      (const unsigned char *)name, -1, -1, 0)
           == 1;
}

static bool
set_serial(X509 *cert)
{
    uint8_t random[SERIAL_BYTES];

    if (coco_random(random, sizeof(random), NULL) != COCO_OK)
        return false;
    random[0] = (random[0] & 0x3f) | 0x40; /* positive, and of one length */
    BIGNUM *number = BN_bin2bn(random, sizeof(random), NULL);
    bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    return ok;
}

static coco_status
fill_cert(X509 *cert, const struct coco_pki_want *want, EVP_PKEY *key, coco_error **err)
{
    bool ok = X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert)
              && X509_gmtime_adj(X509_getm_notBefore(cert), -DAY)
              && X509_gmtime_adj(X509_getm_notAfter(cert), CERT_DAYS * DAY)
              && X509_set_pubkey(cert, key) == 1 && set_name(cert, want->name)
              && X509_set_issuer_name(
                     cert, X509_get_subject_name(want->issuer ? want->issuer->cert : cert))
                     == 1
              && add_usage(cert, want->is_ca);

    for (size_t i = 0; i < want->n_extensions && ok; i++)
        ok = coco_cert_add_data(cert, want->extensions[i].oid, want->extensions[i].data,
                                want->extensions[i].len);
    return ok ? COCO_OK : cannot("a certificate", err);
}

static coco_status
issue(const struct coco_pki_want *want, struct coco_pki *ret, coco_error **err)
{
    struct coco_pki made = {0};

    coco_status status = coco_key_generate(want->kind, &made.key, err);
    if (status == COCO_OK && !(made.cert = X509_new()))
        status = coco_fail_nomem(err);
    if (status == COCO_OK)
        status = fill_cert(made.cert, want, made.key, err);
    if (status == COCO_OK)
        status = sign_cert(made.cert, want->issuer ? want->issuer->key : made.key, err);
    if (status != COCO_OK) {
        coco_pki_done(&made);
        return status;
    }
    *ret = made;
    return COCO_OK;
}

/* ---- what is kept ---- */

/* One file holds the key, and behind it the certificate. */
static coco_status
load(const char *dir, const char *name, struct coco_pki *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = FILE_MAX};
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_free_ char *path = NULL;

    coco_status status = coco_path_in(dir, name, &path, err);
    if (status == COCO_OK)
        status = coco_file_read(path, &pem, err);
    if (status != COCO_OK)
        return status;
    const char *cert = strstr(coco_buf_text(&pem), "-----BEGIN CERTIFICATE-----");
    if (!cert)
        return coco_fail(err, COCO_ERR_PROTO, "'%s' has no certificate", path);
    size_t key_len = (size_t)(cert - coco_buf_text(&pem));
    status = coco_key_parse_private(pem.data, key_len, &key, err);
    if (status == COCO_OK)
        status = coco_cert_chain_parse(cert, pem.len - key_len, &chain, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "'%s'", path);
    ret->key = coco_steal(&key);
    ret->cert = coco_steal(&chain.certs[0]);
    return COCO_OK;
}

static coco_status
save(const char *dir, const char *name, const struct coco_pki *pki, coco_error **err)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = FILE_MAX};

    coco_status status = coco_key_private_pem(pki->key, &pem, err);
    if (status == COCO_OK)
        status = coco_pki_pem(pki, &pem, err);
    if (status == COCO_OK)
        status = coco_pki_write(dir, name, pem.data, pem.len, err);
    return status;
}

coco_status
coco_pki_keep(const char *dir, const char *name, const struct coco_pki_want *want,
              struct coco_pki *ret, coco_error **err)
{
    struct coco_pki made = {0};
    coco_error *why = NULL;

    coco_status status = load(dir, name, ret, &why);
    if (status != COCO_ERR_NOTFOUND) {
        if (status != COCO_OK)
            coco_error_give(err, why);
        return status;
    }
    coco_error_free(why);
    status = issue(want, &made, err);
    if (status == COCO_OK)
        status = save(dir, name, &made, err);
    if (status != COCO_OK) {
        coco_pki_done(&made);
        return status;
    }
    *ret = made;
    return COCO_OK;
}

/* ---- lists of the revoked ---- */

static bool
fill_crl(X509_CRL *crl, const struct coco_pki *by)
{
    ASN1_TIME *from = X509_gmtime_adj(NULL, -DAY);
    ASN1_TIME *to = X509_gmtime_adj(NULL, CRL_DAYS * DAY);
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    bool ok = from && to && number && ASN1_INTEGER_set(number, 1) == 1
              && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1
              && X509_CRL_set_issuer_name(crl, X509_get_subject_name(by->cert)) == 1
              && X509_CRL_set1_lastUpdate(crl, from) == 1 && X509_CRL_set1_nextUpdate(crl, to) == 1
              && X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1;

    ASN1_INTEGER_free(number);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return ok;
}

coco_status
coco_pki_crl(const struct coco_pki *by, struct coco_buf *buf, coco_error **err)
{
    _cleanup_crl_ X509_CRL *crl = X509_CRL_new();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t *der = NULL;

    coco_status status =
        crl && fill_crl(crl, by) ? begin_signing(ctx, by->key, err) : cannot("a list", err);
    if (status == COCO_OK && X509_CRL_sign_ctx(crl, ctx) <= 0)
        status = cannot("a list", err);
    EVP_MD_CTX_free(ctx);
    int len = status == COCO_OK ? i2d_X509_CRL(crl, &der) : 0;
    if (status == COCO_OK && len <= 0)
        status = cannot("a list", err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, der, (size_t)len, err);
    OPENSSL_free(der);
    return status;
}
