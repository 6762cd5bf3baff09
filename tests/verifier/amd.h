/*
 * tests/verifier/amd.h - an AMD of one test: its roots, chips and reports
 *
 * As AMD's, but for the length of RSA keys: 2048 bits are made in no time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_VERIFIER_AMD_H
#define COCO_TESTS_VERIFIER_AMD_H

#include "crypto/ecdsa.h"
#include "tests/pki.h"
#include "tests/support.h"
#include "tests/verifier/trust.h"
#include "verifier/driver.h"
#include "verifier/snp.h"

#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#ifndef AMD_RSA_BITS
#define AMD_RSA_BITS 2048
#endif
#define AMD_DAY_S (24L * 3600)

/* One product: what vouches for its chips, and a chip. */
struct amd {
    struct pki_cert ark;
    struct pki_cert ask;
    struct pki_cert asvk;
    struct pki_cert vcek;
    struct pki_cert vlek;
};

/* What a leaf says; chip_id_len 0 for one that says nothing. */
struct amd_leaf {
    const char *name;
    const char *product;
    struct coco_snp_tcb tcb;
    uint8_t chip_id[COCO_SNP_CHIP_ID_SIZE];
    size_t chip_id_len;
    bool wrapped; /* the chip id is an OCTET STRING */
    int days;     /* until it ends */
};

static inline void
amd_sign_cert(X509 *cert, EVP_PKEY *key)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pkey = NULL;

    assert_int_equal(EVP_DigestSignInit(ctx, &pkey, EVP_sha384(), NULL, key), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey, RSA_PSS_SALTLEN_DIGEST), 1);
    assert_true(X509_sign_ctx(cert, ctx) > 0);
    EVP_MD_CTX_free(ctx);
}

static inline X509 *
amd_new_cert(EVP_PKEY *key, const char *name, const X509 *issuer, long serial, int days)
{
    X509 *cert = X509_new();

    assert_true(key && cert);
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), serial), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -30 * AMD_DAY_S));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), days * AMD_DAY_S));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                                                (const unsigned char *)name, -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert)), 1);
    return cert;
}

static inline void
amd_make_ca(struct pki_cert *ret, const struct pki_cert *issuer, const char *name)
{
    static long serial = 0x10000;
    EVP_PKEY *key = EVP_RSA_gen(AMD_RSA_BITS);
    X509 *cert = amd_new_cert(key, name, issuer ? issuer->cert : NULL, ++serial, 30);

    pki_extend(cert, NID_basic_constraints, "critical,CA:TRUE");
    pki_extend(cert, NID_key_usage, "critical,keyCertSign,cRLSign");
    amd_sign_cert(cert, issuer ? issuer->key : key);
    *ret = (struct pki_cert){.key = key, .cert = cert};
}

static inline void
amd_add_extension(X509 *cert, const char *tail, const void *data, size_t len)
{
    char oid[40];
    ASN1_OCTET_STRING *content = ASN1_OCTET_STRING_new();

    (void)snprintf(oid, sizeof(oid), "1.3.6.1.4.1.3704.1.%s", tail);
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    assert_int_equal(ASN1_OCTET_STRING_set(content, data, (int)len), 1);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, content);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OBJECT_free(object);
    ASN1_OCTET_STRING_free(content);
}

static inline void
amd_add_part(X509 *cert, const char *tail, uint8_t value)
{
    const uint8_t narrow[] = {0x02, 1, value};
    const uint8_t wide[] = {0x02, 2, 0, value};

    if (value < 0x80)
        amd_add_extension(cert, tail, narrow, sizeof(narrow));
    else
        amd_add_extension(cert, tail, wide, sizeof(wide));
}

/* All leaves have serial number 0, as AMD's have. */
static inline void
amd_make_leaf(struct pki_cert *ret, const struct pki_cert *issuer, const struct amd_leaf *leaf)
{
    EVP_PKEY *key = EVP_EC_gen("P-384");
    X509 *cert = amd_new_cert(key, leaf->name, issuer->cert, 0, leaf->days);
    uint8_t bytes[2 + COCO_SNP_CHIP_ID_SIZE] = {0x16, (uint8_t)strlen(leaf->product)};

    memcpy(bytes + 2, leaf->product, strlen(leaf->product));
    amd_add_extension(cert, "2", bytes, 2 + strlen(leaf->product));
    amd_add_part(cert, "3.1", leaf->tcb.bootloader);
    amd_add_part(cert, "3.2", leaf->tcb.tee);
    amd_add_part(cert, "3.3", leaf->tcb.snp);
    amd_add_part(cert, "3.8", leaf->tcb.microcode);
    if (strcmp(leaf->product, "Turin") == 0)
        amd_add_part(cert, "3.9", leaf->tcb.fmc);
    if (leaf->chip_id_len > 0) {
        bytes[0] = 0x04;
        bytes[1] = (uint8_t)leaf->chip_id_len;
        memcpy(bytes + 2, leaf->chip_id, leaf->chip_id_len);
        amd_add_extension(cert, "4", leaf->wrapped ? bytes : bytes + 2,
                          leaf->chip_id_len + (leaf->wrapped ? 2 : 0));
    }
    amd_sign_cert(cert, issuer->key);
    *ret = (struct pki_cert){.key = key, .cert = cert};
}

/* A report of a chip of family and model, which the leaves of amd_make() fit. */
static inline struct coco_snp_report
amd_report(uint8_t family, uint8_t model)
{
    struct coco_snp_report report = {
        .version = 3,
        .policy = 0x30000,
        .signature_algo = COCO_SNP_SIGNATURE_ECDSA_P384,
        .reported_tcb = {.bootloader = 4, .tee = 1, .snp = 24, .microcode = 219},
        .platform_info = 3,
        .cpu_family = family,
        .cpu_model = model,
        .cpu_stepping = 1,
    };

    memset(report.chip_id, 0xc1,
           family == 0x1a ? COCO_SNP_TURIN_CHIP_ID_SIZE : COCO_SNP_CHIP_ID_SIZE);
    memset(report.measurement, 0x3e, sizeof(report.measurement));
    return report;
}

static inline struct amd_leaf
amd_leaf_of(const struct coco_snp_report *report, const char *name)
{
    enum coco_snp_product product = coco_snp_product_of(report);
    struct amd_leaf leaf = {
        .name = name,
        .product = coco_snp_product_name(product),
        .tcb = report->reported_tcb,
        .chip_id_len = strcmp(name, "SEV-VCEK") != 0 ? 0
                       : product == COCO_SNP_TURIN   ? COCO_SNP_TURIN_CHIP_ID_SIZE
                                                     : COCO_SNP_CHIP_ID_SIZE,
        .days = 20,
    };

    memcpy(leaf.chip_id, report->chip_id, sizeof(leaf.chip_id));
    return leaf;
}

/* The product that makes reports like report. */
static inline void
amd_make(struct amd *ret, const struct coco_snp_report *report)
{
    const char *product = coco_snp_product_name(coco_snp_product_of(report));
    const struct amd_leaf vcek = amd_leaf_of(report, "SEV-VCEK");
    const struct amd_leaf vlek = amd_leaf_of(report, "SEV-VLEK");
    char name[40];

    (void)snprintf(name, sizeof(name), "ARK-%s", product);
    amd_make_ca(&ret->ark, NULL, name);
    (void)snprintf(name, sizeof(name), "SEV-%s", product);
    amd_make_ca(&ret->ask, &ret->ark, name);
    (void)snprintf(name, sizeof(name), "SEV-VLEK-%s", product);
    amd_make_ca(&ret->asvk, &ret->ark, name);
    amd_make_leaf(&ret->vcek, &ret->ask, &vcek);
    amd_make_leaf(&ret->vlek, &ret->asvk, &vlek);
}

static inline void
amd_done(struct amd *amd)
{
    pki_done(&amd->ark);
    pki_done(&amd->ask);
    pki_done(&amd->asvk);
    pki_done(&amd->vcek);
    pki_done(&amd->vlek);
}

static inline void
amd_reverse(uint8_t ret[COCO_SNP_NUMBER_SIZE], const uint8_t *number, size_t size)
{
    memset(ret, 0, COCO_SNP_NUMBER_SIZE);
    for (size_t i = 0; i < size; i++)
        ret[i] = number[size - 1 - i];
}

static inline void
amd_sign(struct coco_snp_report *report, EVP_PKEY *key)
{
    uint8_t bytes[COCO_SNP_REPORT_SIZE];
    _cleanup_buf_ struct coco_buf signature = {.limit = 2 * COCO_EC_SIZE_MAX};
    size_t size = 48;

    coco_snp_report_format(report, bytes);
    assert_int_equal(coco_ecdsa_sign(key, bytes, COCO_SNP_SIGNED_SIZE, &signature, NULL), COCO_OK);
    amd_reverse(report->r, signature.data, size);
    amd_reverse(report->s, signature.data + size, size);
}

static inline void
amd_add_cert(struct coco_snp_certs *certs, enum coco_snp_cert_kind kind, X509 *cert)
{
    uint8_t *der = NULL;
    int len = i2d_X509(cert, &der);

    assert_true(len > 0);
    assert_int_equal(coco_snp_certs_add(certs, kind, der, (size_t)len, NULL), COCO_OK);
    OPENSSL_free(der);
}

/* A list of the ARK's, with cert in it or empty, that ends in days. */
static inline X509_CRL *
amd_make_crl(const struct pki_cert *ark, X509 *cert, int days)
{
    return pki_crl(
        &(struct pki_list){.by = ark, .cert = cert, .from = -1, .to = days, .md = EVP_sha384()});
}

static inline void
amd_add_crl(struct coco_snp_certs *certs, X509_CRL *crl)
{
    uint8_t *der = NULL;
    int len = i2d_X509_CRL(crl, &der);

    assert_true(len > 0);
    assert_int_equal(coco_snp_certs_add(certs, COCO_SNP_CERT_CRL, der, (size_t)len, NULL), COCO_OK);
    OPENSSL_free(der);
}

/* Writes the certificates of both as dir/name. */
static inline void
amd_write_chain(const char *dir, const char *name, const struct pki_cert *a,
                const struct pki_cert *b)
{
    char *first = pki_pem(a);
    char *second = pki_pem(b);
    char both[8192];

    int len = snprintf(both, sizeof(both), "%s%s", first, second);
    assert_in_range(len, 1, sizeof(both) - 1);
    write_text_under(dir, name, both);
    OPENSSL_free(first);
    OPENSSL_free(second);
}

/* What AMD would say of the product of maker, such as "amd/Milan", as collateral in dir. */
static inline void
amd_write_collateral(const char *dir, const char *maker, const struct amd *amd)
{
    X509_CRL *crl = amd_make_crl(&amd->ark, NULL, 5);
    uint8_t *der = NULL;
    char name[128];

    (void)snprintf(name, sizeof(name), "%s/vcek/chain.pem", maker);
    amd_write_chain(dir, name, &amd->ask, &amd->ark);
    int len = i2d_X509_CRL(crl, &der);
    assert_true(len > 0);
    (void)snprintf(name, sizeof(name), "%s/vcek.crl", maker);
    write_under(dir, name, der, (size_t)len);
    OPENSSL_free(der);
    X509_CRL_free(crl);
}

#endif
