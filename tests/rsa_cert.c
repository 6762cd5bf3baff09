/*
 * tests/rsa_cert.c - a certificate with an RSA key that signs itself
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/rsa_cert.h"

#include "tests/support.h"

#include <openssl/pem.h>
#include <stdio.h>

#define DAY_S (24L * 60 * 60)

void
rsa_cert_make(struct rsa_cert *ret, const char *name, long serial)
{
    ret->key = EVP_RSA_gen(2048);
    assert_non_null(ret->key);
    ret->cert = X509_new();
    assert_non_null(ret->cert);
    assert_int_equal(X509_set_version(ret->cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(ret->cert), serial), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(ret->cert), -DAY_S));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(ret->cert), DAY_S));
    assert_int_equal(X509_set_pubkey(ret->cert, ret->key), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(ret->cert), "CN",
                                                MBSTRING_UTF8, (const unsigned char *)name, -1, -1,
                                                0),
                     1);
    assert_int_equal(X509_set_issuer_name(ret->cert, X509_get_subject_name(ret->cert)), 1);
    assert_true(X509_sign(ret->cert, ret->key, EVP_sha256()) > 0);
}

void
rsa_cert_done(struct rsa_cert *cert)
{
    X509_free(cert->cert);
    EVP_PKEY_free(cert->key);
}

void
rsa_cert_write(const struct rsa_cert *cert, const char *dir, const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s.pem", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, cert->key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(path, sizeof(path), "%s/%s.crt", dir, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, cert->cert), 1);
    assert_int_equal(fclose(file), 0);
}
