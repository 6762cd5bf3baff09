/*
 * tests/pki.h - certificates made for one test
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_PKI_H
#define COCO_TESTS_PKI_H

#include <openssl/ssl.h>

struct pki_cert {
    EVP_PKEY *key;
    X509 *cert;
};

/* A CA, or with issuer NULL and host a self-signed server. Ends days from now, which may be < 0. */
void pki_make(struct pki_cert *ret, const struct pki_cert *issuer, const char *host, int days);
/* A CA of that name, below issuer if there is one. */
void pki_make_ca(struct pki_cert *ret, const struct pki_cert *issuer, const char *name);
/* Adds an extension, as OpenSSL's configuration has it, to a certificate that is not signed yet. */
void pki_extend(X509 *cert, int nid, const char *value);
/* Says what the key is for, such as "keyEncipherment", in what its issuer signs anew. */
void pki_limit(struct pki_cert *cert, const struct pki_cert *issuer, const char *usage);
void pki_done(struct pki_cert *cert);

/* The certificate as PEM; the caller frees it with OPENSSL_free(). */
char *pki_pem(const struct pki_cert *cert);
/* The same of its private key. */
char *pki_key_pem(const struct pki_cert *cert);

/* A list of revoked certificates. */
struct pki_list {
    const struct pki_cert *by;
    X509 *cert; /* on it, or NULL */
    int from;   /* days from now, which may be < 0 */
    int to;
    int number; /* 0: it has none */
    const EVP_MD *md;
};

/* The caller frees it with X509_CRL_free(). */
X509_CRL *pki_crl(const struct pki_list *list);

/* For a server with cert, that lets in who is from the CA clients, or anybody if it is NULL. */
SSL_CTX *pki_server(const struct pki_cert *cert, const struct pki_cert *clients);

#endif
