/*
 * httpd/tls.h - the server's side of TLS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_HTTPD_TLS_H
#define COCO_HTTPD_TLS_H

#include "crypto/key.h"

#include <openssl/ssl.h>

COCO_DEFINE_CLEANUP(SSL_CTX *, SSL_CTX_free);

struct coco_httpd_tls {
    const char *certificate; /* PEM, the leaf first; NULL: no TLS */
    const char *private_key; /* PEM */
    bool modern;             /* TLS 1.3 alone, not 1.2 and later */
    const char *clients;     /* PEM of the CAs of peers that may show a certificate; or NULL */
};

/* COCO_ERR_PROTO for what cannot be used; *ret stays NULL when there is no certificate. */
coco_status coco_httpd_tls_new(const struct coco_httpd_tls *from, SSL_CTX **ret, coco_error **err);

#endif
