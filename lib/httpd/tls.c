/*
 * httpd/tls.c - the server's side of TLS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/tls.h"

#include "base/fail.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

/* CAs between a peer's certificate and its root. */
#define CLIENT_CHAIN_MAX 3

COCO_DEFINE_CLEANUP(BIO *, BIO_free_all);
COCO_DEFINE_CLEANUP(X509 *, X509_free);

static coco_status
fail_tls(const char *what, coco_error **err)
{
    ERR_clear_error();
    return coco_fail(err, COCO_ERR_PROTO, "%s", what);
}

/* Adds the next certificate; *more is false at the end of the text. */
static coco_status
add_to_chain(SSL_CTX *tls, BIO *bio, bool *more, coco_error **err)
{
    _cleanup_(X509_freep) X509 *next = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    *more = next != NULL;
    if (next && SSL_CTX_add1_chain_cert(tls, next) != 1)
        return fail_tls("certificate: its chain cannot be used", err);
    return COCO_OK;
}

/* The leaf first, then what leads to its root. */
static coco_status
use_chain(SSL_CTX *tls, const char *pem, coco_error **err)
{
    coco_status status = COCO_OK;
    bool more = true;

    _cleanup_(BIO_free_allp) BIO *bio = BIO_new_mem_buf(pem, -1);
    if (!bio)
        return coco_fail_nomem(err);
    _cleanup_(X509_freep) X509 *leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    if (!leaf || SSL_CTX_use_certificate(tls, leaf) != 1)
        return fail_tls("certificate cannot be used", err);
    while (more && status == COCO_OK)
        status = add_to_chain(tls, bio, &more, err);
    ERR_clear_error(); /* of the end of the chain */
    return status;
}

static coco_status
use_key(SSL_CTX *tls, const char *pem, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    coco_status status = coco_key_parse_private(pem, strlen(pem), &key, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "private_key");
    if (SSL_CTX_use_PrivateKey(tls, key) != 1 || SSL_CTX_check_private_key(tls) != 1)
        return fail_tls("private_key is not the certificate's", err);
    return COCO_OK;
}

/* Adds the next CA of peers; *more is false at the end of the text. */
static coco_status
add_client_ca(SSL_CTX *tls, BIO *bio, bool *more, coco_error **err)
{
    _cleanup_(X509_freep) X509 *next = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    *more = next != NULL;
    if (next
        && (X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), next) != 1
            || SSL_CTX_add_client_CA(tls, next) != 1))
        return fail_tls("CAs of clients cannot be used", err);
    return COCO_OK;
}

/*
 * Peers without a certificate are served, for guests have none; one of another CA
 * ends the handshake.
 */
static coco_status
ask_for_certificates(SSL_CTX *tls, const char *pem, coco_error **err)
{
    coco_status status = COCO_OK;
    bool more = true;

    if (!pem)
        return COCO_OK;
    _cleanup_(BIO_free_allp) BIO *bio = BIO_new_mem_buf(pem, -1);
    if (!bio)
        return coco_fail_nomem(err);
    while (more && status == COCO_OK)
        status = add_client_ca(tls, bio, &more, err);
    /* A broken one in the middle ends the text, too. */
    bool whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (status != COCO_OK)
        return status;
    if (!whole || sk_X509_NAME_num(SSL_CTX_get_client_CA_list(tls)) < 1)
        return fail_tls("CAs of clients are no certificates", err);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_verify_depth(tls, CLIENT_CHAIN_MAX);
    return COCO_OK;
}

coco_status
coco_httpd_tls_new(const struct coco_httpd_tls *from, SSL_CTX **ret, coco_error **err)
{
    if (!from->certificate)
        return COCO_OK;
    _cleanup_(SSL_CTX_freep) SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (!tls)
        return coco_fail_nomem(err);
    /*
     * No tickets: their key would live as long as the process and undo forward
     * secrecy. What a record held is wiped, for it may have been a secret.
     */
    (void)SSL_CTX_set_options(tls, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION
                                       | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF
                                       | SSL_OP_CLEANSE_PLAINTEXT);
    (void)SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_set_min_proto_version(tls, from->modern ? TLS1_3_VERSION : TLS1_2_VERSION) != 1
        || SSL_CTX_set_cipher_list(tls, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
        return fail_tls("tls_profile cannot be used", err);
    coco_status status = use_chain(tls, from->certificate, err);
    if (status == COCO_OK)
        status = use_key(tls, from->private_key, err);
    if (status == COCO_OK)
        status = ask_for_certificates(tls, from->clients, err);
    if (status == COCO_OK)
        *ret = coco_steal(&tls);
    return status;
}
