/*
 * tests/collateral/kit.h - collateral made for one test
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_COLLATERAL_KIT_H
#define COCO_TESTS_COLLATERAL_KIT_H

#include "tests/pki.h"
#include "tests/support.h"

#include "collateral/items.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define KIT_DAY ((int64_t)24 * 3600)

/* A list of ca's that nobody is in, DER, which ends days from now; its length. */
static inline size_t
kit_crl(const struct pki_cert *ca, int days, uint8_t *buf, size_t size)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = X509_gmtime_adj(NULL, -30L * 24 * 3600);
    ASN1_TIME *to = X509_gmtime_adj(NULL, days * 24L * 3600);
    unsigned char *at = buf;

    assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
    assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert)), 1);
    assert_int_equal(X509_CRL_set1_lastUpdate(crl, from), 1);
    assert_int_equal(X509_CRL_set1_nextUpdate(crl, to), 1);
    assert_true(X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0);
    int len = i2d_X509_CRL(crl, NULL);
    assert_true(len > 0 && (size_t)len <= size);
    assert_int_equal(i2d_X509_CRL(crl, &at), len);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    X509_CRL_free(crl);
    return (size_t)len;
}

/* cert as DER; its length. */
static inline size_t
kit_der(const struct pki_cert *cert, uint8_t *buf, size_t size)
{
    unsigned char *at = buf;
    int len = i2d_X509(cert->cert, NULL);

    assert_true(len > 0 && (size_t)len <= size);
    assert_int_equal(i2d_X509(cert->cert, &at), len);
    return (size_t)len;
}

/* leaf and ca as PEM, one behind the other. */
static inline void
kit_chain(const struct pki_cert *leaf, const struct pki_cert *ca, char *buf, size_t size)
{
    char *first = pki_pem(leaf);
    char *second = pki_pem(ca);

    assert_true((size_t)snprintf(buf, size, "%s%s", first, second) < size);
    OPENSSL_free(first);
    OPENSSL_free(second);
}

/* The chain as the PCS puts it into a header. */
static inline void
kit_header(const char *pem, char *buf, size_t size)
{
    size_t n = 0;

    for (; *pem; pem++) {
        assert_true(n + 4 < size);
        if (strchr("\n +/=", *pem))
            n += (size_t)snprintf(buf + n, size - n, "%%%02X", (unsigned)*pem);
        else
            buf[n++] = *pem;
    }
    buf[n] = '\0';
}

/* An answer of the PCS, with no more in it than is looked at here. */
static inline void
kit_answer(const char *member, int64_t next_update, const char *more, char *buf, size_t size)
{
    char date[32];
    time_t at = (time_t)next_update;
    struct tm tm;

    assert_non_null(gmtime_r(&at, &tm));
    assert_true(strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
    assert_true((size_t)snprintf(buf, size,
                                 "{\"%s\":{\"version\":3,\"nextUpdate\":\"%s\"%s},"
                                 "\"signature\":\"00\"}",
                                 member, date, more)
                < size);
}

#endif
