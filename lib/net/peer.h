/*
 * net/peer.h - what TLS with one server goes by, besides what it goes by with all
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_NET_PEER_H
#define COCO_NET_PEER_H

#include "base/cleanup.h"

#include <coco/error.h>

#include <openssl/ssl.h>

#define COCO_PEER_PAIRS_MAX 16
/* Bytes of one list of certificates. */
#define COCO_PEER_PEM_MAX ((size_t)4 << 20)

/* Whom we are to the server. */
struct coco_peer_pair {
    X509 *cert;
    EVP_PKEY *key;
    STACK_OF(X509) * chain; /* what stands behind cert */
};

/* All zero when there is nothing. */
struct coco_peer {
    STACK_OF(X509) * roots; /* trusted besides the others */
    struct coco_peer_pair pairs[COCO_PEER_PAIRS_MAX];
    size_t n_pairs;
};

/*
 * All certificates of a text in PEM. COCO_ERR_PROTO if there is none, or a broken one,
 * which would go missing unnoticed; COCO_ERR_LIMIT for more than COCO_PEER_PEM_MAX bytes.
 */
coco_status coco_certificates_parse(const void *pem, size_t len, STACK_OF(X509) * *ret,
                                    coco_error **err);
void coco_certificates_free(STACK_OF(X509) * certs);
COCO_DEFINE_CLEANUP(STACK_OF(X509) *, coco_certificates_free);

/* Adds certificates (PEM) that are trusted. */
coco_status coco_peer_add_roots(struct coco_peer *peer, const void *pem, size_t len,
                                coco_error **err);

/*
 * Adds a client certificate, with what stands between it and its CA behind it (PEM), and
 * its key, of which a reference is kept. COCO_ERR_INVALID if the key is another's,
 * COCO_ERR_LIMIT for the 17th.
 */
coco_status coco_peer_add_pair(struct coco_peer *peer, const void *pem, size_t len, EVP_PKEY *key,
                               coco_error **err);

void coco_peer_done(struct coco_peer *peer);
#define _cleanup_peer_ _cleanup_(coco_peer_done)

/* The peers of one client. */
struct coco_peer_known;
struct coco_peers {
    /* What there is for an origin, such as "https://host:443"; NULL for no more than is known. */
    coco_status (*find)(const void *self, const char *origin, struct coco_peer *ret,
                        coco_error **err);
    const void *self;
    struct coco_peer_known *known;
};

/* Makes a peer, which is taken over, that of origin. */
coco_status coco_peers_add(struct coco_peers *peers, const char *origin, struct coco_peer *peer,
                           coco_error **err);

/*
 * Prepares tls for a connection with origin. The server is shown the first pair that
 * comes from one of the CAs it names, if it asks for one. peers must outlive tls.
 */
coco_status coco_peers_use(struct coco_peers *peers, const char *origin, SSL_CTX *tls,
                           coco_error **err);

void coco_peers_done(struct coco_peers *peers);

#endif
