/*
 * rpc/tls.h - TLS of a client that has a socket
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RPC_TLS_H
#define COCO_RPC_TLS_H

#include "base/cleanup.h"

#include <coco/error.h>

#include <openssl/ssl.h>

/* What TLS with a server goes by. Zero is the default of each; all is lent. */
struct coco_tls_options {
    const char *protocol;   /* what both must agree on (ALPN), such as "h2" */
    STACK_OF(X509) * roots; /* CAs, instead of the system's */
    X509 *own;              /* whom we say that we are, with own_key */
    EVP_PKEY *own_key;
    /* Whom to believe, instead of any CA and any name; self is given to it. */
    coco_status (*trust)(void *self, X509 *peer, coco_error **err);
    void *self;
};

struct coco_tls {
    SSL *ssl;
    BIO_METHOD *socket; /* what ssl has for one */
};

/*
 * TLS 1.2 or newer over fd, which does not block and is not closed with it: of a server
 * whose certificate is for host, a name or an address. No byte has gone yet.
 */
coco_status coco_tls_open(int fd, const char *host, const struct coco_tls_options *opts,
                          struct coco_tls *ret, coco_error **err);
void coco_tls_close(struct coco_tls *tls);

/*
 * What there is to be known once the handshake is over: COCO_ERR_NET unless the protocol
 * was agreed on, and what trust says.
 */
coco_status coco_tls_check(const struct coco_tls *tls, const struct coco_tls_options *opts,
                           coco_error **err);

/* COCO_ERR_NET: what, because of what OpenSSL has last found. Its errors are dropped. */
coco_status coco_tls_fail(const SSL *ssl, const char *what, coco_error **err);

#endif
