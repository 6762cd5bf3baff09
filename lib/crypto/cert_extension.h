/*
 * crypto/cert_extension.h - what certificates of our own making say besides (RFC 5280 section 4.2)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_CERT_EXTENSION_H
#define COCO_CRYPTO_CERT_EXTENSION_H

#include <openssl/x509v3.h>
#include <stdbool.h>

/* The extension of OpenSSL's number nid, with value as x509v3_config(5) has it. false: no memory.
 */
bool coco_cert_add_extension(X509 *cert, X509V3_CTX *ctx, int nid, const char *value);

/* One of its own, not critical, with the dotted oid and what is in data. false: no memory. */
bool coco_cert_add_data(X509 *cert, const char *oid, const void *data, size_t len);

#endif
