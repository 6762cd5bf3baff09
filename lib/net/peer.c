/*
 * net/peer.c - what TLS with one server goes by, besides what it goes by with all
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/peer.h"

#include "base/fail.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

COCO_DEFINE_CLEANUP(BIO *, BIO_free_all);
COCO_DEFINE_CLEANUP(X509 *, X509_free);

struct coco_peer_known {
    struct coco_peer_known *next;
    char *origin;
    struct coco_peer peer;
};

void
coco_certificates_free(STACK_OF(X509) * certs)
{
    sk_X509_pop_free(certs, X509_free);
}

/* What is under a password is none of ours, and nobody is asked for one on a terminal. */
static int
/* NOLINTNEXTLINE(readability-non-const-parameter): a pem_password_cb */
no_password(char *buf, int size, int writing, void *user)
{
    (void)buf, (void)size, (void)writing, (void)user;
    return -1;
}

coco_status
coco_certificates_parse(const void *pem, size_t len, STACK_OF(X509) * *ret, coco_error **err)
{
    if (len > COCO_PEER_PEM_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "certificates of more than %zu bytes",
                         COCO_PEER_PEM_MAX);

    /* Of nothing OpenSSL makes no BIO, which is not for want of memory. */
    _cleanup_(BIO_free_allp) BIO *bio = BIO_new_mem_buf(len > 0 ? pem : "", (int)len);
    _cleanup_(coco_certificates_freep) STACK_OF(X509) *certs = sk_X509_new_null();
    if (!bio || !certs)
        return coco_fail_nomem(err);
    ERR_clear_error();
    for (X509 *cert; (cert = PEM_read_bio_X509(bio, NULL, no_password, NULL));) {
        if (sk_X509_push(certs, cert) == 0) {
            X509_free(cert);
            return coco_fail_nomem(err);
        }
    }

    unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    if (sk_X509_num(certs) == 0 || ERR_GET_LIB(code) != ERR_LIB_PEM
        || ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
        return coco_fail(err, COCO_ERR_PROTO, "not a list of certificates in PEM");
    *ret = coco_steal(&certs);
    return COCO_OK;
}

coco_status
coco_peer_add_roots(struct coco_peer *peer, const void *pem, size_t len, coco_error **err)
{
    _cleanup_(coco_certificates_freep) STACK_OF(X509) *certs = NULL;

    coco_status status = coco_certificates_parse(pem, len, &certs, err);
    if (status != COCO_OK)
        return status;
    if (!peer->roots) {
        peer->roots = coco_steal(&certs);
        return COCO_OK;
    }
    while (sk_X509_num(certs) > 0) {
        if (sk_X509_push(peer->roots, sk_X509_value(certs, 0)) == 0)
            return coco_fail_nomem(err);
        (void)sk_X509_shift(certs);
    }
    return COCO_OK;
}

coco_status
coco_peer_add_pair(struct coco_peer *peer, const void *pem, size_t len, EVP_PKEY *key,
                   coco_error **err)
{
    _cleanup_(coco_certificates_freep) STACK_OF(X509) *certs = NULL;

    if (peer->n_pairs == COCO_PEER_PAIRS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d client certificates",
                         COCO_PEER_PAIRS_MAX);
    coco_status status = coco_certificates_parse(pem, len, &certs, err);
    if (status != COCO_OK)
        return status;

    _cleanup_(X509_freep) X509 *cert = sk_X509_shift(certs);
    bool fits = X509_check_private_key(cert, key) == 1;
    ERR_clear_error();
    if (!fits)
        return coco_fail(err, COCO_ERR_INVALID, "the key is not that of the certificate");
    if (EVP_PKEY_up_ref(key) != 1)
        return coco_fail_nomem(err);
    peer->pairs[peer->n_pairs++] =
        (struct coco_peer_pair){.cert = coco_steal(&cert), .key = key, .chain = coco_steal(&certs)};
    return COCO_OK;
}

void
coco_peer_done(struct coco_peer *peer)
{
    coco_certificates_free(peer->roots);
    for (size_t i = 0; i < peer->n_pairs; i++) {
        X509_free(peer->pairs[i].cert);
        EVP_PKEY_free(peer->pairs[i].key);
        coco_certificates_free(peer->pairs[i].chain);
    }
    *peer = (struct coco_peer){0};
}

static bool
is_from(const X509 *cert, const STACK_OF(X509_NAME) * cas)
{
    for (int i = 0; i < sk_X509_NAME_num(cas); i++)
        if (X509_NAME_cmp(X509_get_issuer_name(cert), sk_X509_NAME_value(cas, i)) == 0)
            return true;
    return false;
}

/* Whether one of the CAs stands behind the pair (RFC 8446 section 4.2.4); none named is any. */
static bool
is_wanted(const struct coco_peer_pair *pair, const STACK_OF(X509_NAME) * cas)
{
    if (!cas || sk_X509_NAME_num(cas) == 0 || is_from(pair->cert, cas))
        return true;
    for (int i = 0; i < sk_X509_num(pair->chain); i++)
        if (is_from(sk_X509_value(pair->chain, i), cas))
            return true;
    return false;
}

/* The server asks for a certificate. Without one that it wants none is shown. */
static int
on_certificate(SSL *ssl, void *user)
{
    const struct coco_peer *peer = user;
    const STACK_OF(X509_NAME) *cas = SSL_get0_peer_CA_list(ssl);

    for (size_t i = 0; i < peer->n_pairs; i++) {
        const struct coco_peer_pair *pair = &peer->pairs[i];

        if (is_wanted(pair, cas))
            return SSL_use_cert_and_key(ssl, pair->cert, pair->key, pair->chain, 1);
    }
    return 1;
}

coco_status
coco_peers_add(struct coco_peers *peers, const char *origin, struct coco_peer *peer,
               coco_error **err)
{
    struct coco_peer_known *known = calloc(1, sizeof(*known));

    if (known)
        known->origin = strdup(origin);
    if (!known || !known->origin) {
        free(known);
        return coco_fail_nomem(err);
    }
    known->peer = *peer;
    *peer = (struct coco_peer){0};
    known->next = peers->known;
    peers->known = known;
    return COCO_OK;
}

static struct coco_peer *
find_known(const struct coco_peers *peers, const char *origin)
{
    for (struct coco_peer_known *known = peers->known; known; known = known->next)
        if (strcmp(known->origin, origin) == 0)
            return &known->peer;
    return NULL;
}

/* Only what there is for an origin is kept: a server that sends us to many others fills nothing. */
static coco_status
find(struct coco_peers *peers, const char *origin, struct coco_peer **ret, coco_error **err)
{
    _cleanup_peer_ struct coco_peer found = {0};

    *ret = find_known(peers, origin);
    if (*ret || !peers->find)
        return COCO_OK;
    coco_status status = peers->find(peers->self, origin, &found, err);
    if (status != COCO_OK || (!found.roots && found.n_pairs == 0))
        return status;
    status = coco_peers_add(peers, origin, &found, err);
    if (status == COCO_OK)
        *ret = &peers->known->peer;
    return status;
}

coco_status
coco_peers_use(struct coco_peers *peers, const char *origin, SSL_CTX *tls, coco_error **err)
{
    struct coco_peer *peer = NULL;

    coco_status status = find(peers, origin, &peer, err);
    if (status != COCO_OK || !peer)
        return status;
    for (int i = 0; i < sk_X509_num(peer->roots); i++)
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), sk_X509_value(peer->roots, i)) != 1) {
            ERR_clear_error();
            return coco_fail_nomem(err);
        }
    if (peer->n_pairs > 0)
        SSL_CTX_set_cert_cb(tls, on_certificate, peer);
    return COCO_OK;
}

void
coco_peers_done(struct coco_peers *peers)
{
    while (peers->known) {
        struct coco_peer_known *known = peers->known;

        peers->known = known->next;
        coco_peer_done(&known->peer);
        free(known->origin);
        free(known);
    }
}
