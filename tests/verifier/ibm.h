/*
 * tests/verifier/ibm.h - an IBM of one test: what vouches for host keys, and one of them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_VERIFIER_IBM_H
#define COCO_TESTS_VERIFIER_IBM_H

#include "crypto/cert.h"
#include "tests/pki.h"
#include "tests/support.h"
#include "tests/verifier/trust.h"
#include "verifier/driver.h"

#include <openssl/x509v3.h>
#include <stdio.h>

#define IBM_DAY_S (24L * 3600)
#define IBM_NAME "International Business Machines Corporation"

struct ibm {
    struct pki_cert root;
    struct pki_cert intermediate;
    struct pki_cert signing;
    struct pki_cert host;
};

static inline void
ibm_add_name(X509_NAME *name, const char *part, const char *value)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8,
                                                (const unsigned char *)value, -1, -1, 0),
                     1);
}

/* What IBM's certificates are called, but for the unit and the town. */
static inline void
ibm_name(X509_NAME *name, const char *unit, const char *town)
{
    ibm_add_name(name, "C", "US");
    ibm_add_name(name, "O", IBM_NAME);
    ibm_add_name(name, "CN", IBM_NAME);
    ibm_add_name(name, "ST", "New York");
    ibm_add_name(name, "L", town);
    ibm_add_name(name, "OU", unit);
}

/* usage NULL: a CA. */
static inline void
ibm_make(struct pki_cert *ret, const struct pki_cert *issuer, const char *unit, const char *usage,
         const char *curve, int days)
{
    static long serial = 0x5e0000;
    EVP_PKEY *key = EVP_EC_gen(curve);
    X509 *cert = X509_new();

    assert_true(key && cert);
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -30 * IBM_DAY_S));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), days * IBM_DAY_S));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    ibm_name(X509_get_subject_name(cert), unit, "Poughkeepsie");
    assert_int_equal(
        X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer->cert : cert)), 1);
    pki_extend(cert, NID_basic_constraints, usage ? "critical,CA:FALSE" : "critical,CA:TRUE");
    pki_extend(cert, NID_key_usage, usage ? usage : "critical,keyCertSign,cRLSign");
    assert_true(X509_sign(cert, issuer ? issuer->key : key, EVP_sha256()) > 0);
    *ret = (struct pki_cert){.key = key, .cert = cert};
}

#define IBM_SIGNING_UNIT "IBM Z Host Key Signing Service"
#define IBM_SIGNING_USAGE "critical,digitalSignature"
#define IBM_HOST_USAGE "critical,keyAgreement"

static inline void
ibm_setup(struct ibm *ibm)
{
    ibm_make(&ibm->root, NULL, "IBM Z Root CA", NULL, "P-256", 30);
    ibm_make(&ibm->intermediate, &ibm->root, "IBM Z Intermediate CA", NULL, "P-256", 30);
    ibm_make(&ibm->signing, &ibm->intermediate, IBM_SIGNING_UNIT, IBM_SIGNING_USAGE, "P-256", 30);
    ibm_make(&ibm->host, &ibm->signing, "IBM Z Host Key", IBM_HOST_USAGE, "P-521", 20);
}

static inline void
ibm_done(struct ibm *ibm)
{
    pki_done(&ibm->root);
    pki_done(&ibm->intermediate);
    pki_done(&ibm->signing);
    pki_done(&ibm->host);
}

static inline void
ibm_write(const char *dir, const char *name, const void *data, size_t len)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "ibm/%s", name);
    write_under(dir, path, data, len);
}

static inline void
ibm_write_chain(const char *dir, const struct pki_cert *a, const struct pki_cert *b,
                const struct pki_cert *c)
{
    const struct pki_cert *certs[] = {a, b, c};
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};

    for (size_t i = 0; i < 3; i++) {
        char *pem = pki_pem(certs[i]);
        assert_int_equal(coco_buf_append_text(&text, pem, NULL), COCO_OK);
        OPENSSL_free(pem);
    }
    ibm_write(dir, "chain.pem", text.data, text.len);
}

/* A list of by's with cert in it, or none, that ends in days. */
static inline void
ibm_write_list(const char *dir, const char *name, const struct pki_cert *by, X509 *cert, int days)
{
    X509_CRL *crl = pki_crl(
        &(struct pki_list){.by = by, .cert = cert, .from = -1, .to = days, .md = EVP_sha256()});
    uint8_t *der = NULL;

    int len = i2d_X509_CRL(crl, &der);
    ibm_write(dir, name, der, (size_t)len);
    OPENSSL_free(der);
    X509_CRL_free(crl);
}

static inline void
ibm_write_collateral(const char *dir, const struct ibm *ibm)
{
    ibm_write_chain(dir, &ibm->signing, &ibm->intermediate, &ibm->root);
    ibm_write_list(dir, "signing-key.crl", &ibm->signing, NULL, 5);
    ibm_write_list(dir, "intermediate-ca.crl", &ibm->intermediate, NULL, 5);
    ibm_write_list(dir, "root-ca.crl", &ibm->root, NULL, 5);
}

/* One that has dir for collateral, and root for IBM's. */
static inline coco_verifier *
ibm_verifier(const char *dir, X509 *root)
{
    coco_verifier *verifier = NULL;
    coco_collateral *collateral = NULL;

    assert_int_equal(coco_verifier_new(&verifier, NULL), COCO_OK);
    assert_int_equal(coco_collateral_new_dir(dir, &collateral, NULL), COCO_OK);
    coco_verifier_set_collateral(verifier, collateral);
    if (root)
        trust_cert(verifier, "ibm", root);
    return verifier;
}

#endif
