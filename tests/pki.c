/*
 * tests/pki.c - certificates made for one test
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/pki.h"

#include "tests/support.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define DAY_S (24L * 3600)

void
pki_extend(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void
make(struct pki_cert *ret, const struct pki_cert *issuer, const char *name, const char *host,
     int days)
{
    static long serial;
    char san[300];

    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    assert_non_null(key);
    assert_non_null(cert);

    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -30 * DAY_S));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), days * DAY_S));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                                                (const unsigned char *)name, -1, -1, 0),
                     1);
    X509 *by = issuer ? issuer->cert : cert;
    assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(by)), 1);
    if (host) {
        bool address = host[strspn(host, "0123456789.")] == '\0';
        (void)snprintf(san, sizeof(san), "%s:%s", address ? "IP" : "DNS", host);
        pki_extend(cert, NID_subject_alt_name, san);
    } else {
        pki_extend(cert, NID_basic_constraints, "critical,CA:TRUE");
        pki_extend(cert, NID_subject_key_identifier, "hash");
    }
    assert_true(X509_sign(cert, issuer ? issuer->key : key, EVP_sha256()) > 0);
    *ret = (struct pki_cert){.key = key, .cert = cert};
}

void
pki_make(struct pki_cert *ret, const struct pki_cert *issuer, const char *host, int days)
{
    make(ret, issuer, host ? host : "Test CA", host, days);
}

void
pki_make_ca(struct pki_cert *ret, const struct pki_cert *issuer, const char *name)
{
    make(ret, issuer, name, NULL, 30);
}

static void
revoke(X509_CRL *crl, X509 *cert, ASN1_TIME *when)
{
    X509_REVOKED *revoked = X509_REVOKED_new();

    assert_non_null(revoked);
    assert_int_equal(X509_REVOKED_set_serialNumber(revoked, X509_get_serialNumber(cert)), 1);
    assert_int_equal(X509_REVOKED_set_revocationDate(revoked, when), 1);
    assert_int_equal(X509_CRL_add0_revoked(crl, revoked), 1);
}

X509_CRL *
pki_crl(const struct pki_list *list)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = X509_gmtime_adj(NULL, list->from * DAY_S);
    ASN1_TIME *to = X509_gmtime_adj(NULL, list->to * DAY_S);
    ASN1_INTEGER *number = ASN1_INTEGER_new();

    assert_true(crl && from && to && number);
    assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
    assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(list->by->cert)), 1);
    assert_int_equal(X509_CRL_set1_lastUpdate(crl, from), 1);
    assert_int_equal(X509_CRL_set1_nextUpdate(crl, to), 1);
    if (list->number > 0) {
        assert_int_equal(ASN1_INTEGER_set(number, list->number), 1);
        assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0), 1);
    }
    if (list->cert)
        revoke(crl, list->cert, from);
    assert_true(X509_CRL_sign(crl, list->by->key, list->md) > 0);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    ASN1_INTEGER_free(number);
    return crl;
}

void
pki_limit(struct pki_cert *cert, const struct pki_cert *issuer, const char *usage)
{
    pki_extend(cert->cert, NID_key_usage, usage);
    assert_true(X509_sign(cert->cert, issuer->key, EVP_sha256()) > 0);
}

SSL_CTX *
pki_server(const struct pki_cert *cert, const struct pki_cert *clients)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    assert_non_null(tls);
    assert_int_equal(SSL_CTX_use_certificate(tls, cert->cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls, cert->key), 1);
    if (!clients)
        return tls;
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), clients->cert), 1);
    assert_int_equal(SSL_CTX_add_client_CA(tls, clients->cert), 1);
    return tls;
}

void
pki_done(struct pki_cert *cert)
{
    EVP_PKEY_free(cert->key);
    X509_free(cert->cert);
    *cert = (struct pki_cert){0};
}

/* The text in bio, which is freed. */
static char *
take_text(BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    char *pem = OPENSSL_strndup(data, (size_t)len);

    BIO_free(bio);
    assert_non_null(pem);
    return pem;
}

char *
pki_pem(const struct pki_cert *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());

    assert_non_null(bio);
    assert_int_equal(PEM_write_bio_X509(bio, cert->cert), 1);
    return take_text(bio);
}

char *
pki_key_pem(const struct pki_cert *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());

    assert_non_null(bio);
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, cert->key, NULL, NULL, 0, NULL, NULL), 1);
    return take_text(bio);
}
