/*
 * tests/rsa_cert.h - a certificate with an RSA key that signs itself
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_RSA_CERT_H
#define COCO_TESTS_RSA_CERT_H

#include <openssl/x509.h>

struct rsa_cert {
    EVP_PKEY *key;
    X509 *cert;
};

void rsa_cert_make(struct rsa_cert *ret, const char *name, long serial);
void rsa_cert_done(struct rsa_cert *cert);

/* Writes DIR/NAME.pem and DIR/NAME.crt. */
void rsa_cert_write(const struct rsa_cert *cert, const char *dir, const char *name);

#endif
