/*
 * rpc/tls.c - TLS of a client that has a socket
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/tls.h"

#include "base/fail.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

coco_status
coco_tls_fail(const SSL *ssl, const char *what, coco_error **err)
{
    unsigned long code = ERR_peek_error();
    long verdict = SSL_get_verify_result(ssl);
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    if (verdict != X509_V_OK)
        return coco_fail(err, COCO_ERR_NET, "%s: certificate: %s", what,
                         X509_verify_cert_error_string(verdict));
    return coco_fail(err, COCO_ERR_NET, "%s: %s", what, reason ? reason : "the peer has gone");
}

/* ---- a socket that raises no SIGPIPE: the program's signals are not ours ---- */

static int
socket_write(BIO *bio, const char *data, int len)
{
    int fd = -1;

    (void)BIO_get_fd(bio, &fd);
    BIO_clear_retry_flags(bio);
    ssize_t n = send(fd, data, (size_t)len, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)n;
}

/* OpenSSL's own socket with another way to write. */
static coco_status
socket_new(int fd, struct coco_tls *tls, coco_error **err)
{
    const BIO_METHOD *theirs = BIO_s_socket();
    BIO_METHOD *ours = BIO_meth_new(BIO_TYPE_SOCKET, "quiet socket");

    tls->socket = ours;
    if (!ours || BIO_meth_set_write(ours, socket_write) != 1
        || BIO_meth_set_read(ours, BIO_meth_get_read(theirs)) != 1
        || BIO_meth_set_ctrl(ours, BIO_meth_get_ctrl(theirs)) != 1
        || BIO_meth_set_create(ours, BIO_meth_get_create(theirs)) != 1
        || BIO_meth_set_destroy(ours, BIO_meth_get_destroy(theirs)) != 1)
        return coco_fail_nomem(err);
    BIO *bio = BIO_new(ours);
    if (!bio)
        return coco_fail_nomem(err);
    (void)BIO_set_fd(bio, fd, BIO_NOCLOSE);
    SSL_set_bio(tls->ssl, bio, bio);
    return COCO_OK;
}

void
coco_tls_close(struct coco_tls *tls)
{
    SSL_free(tls->ssl);
    BIO_meth_free(tls->socket);
    *tls = (struct coco_tls){0};
}

/* ---- whom to trust ---- */

static bool
use_roots(SSL_CTX *ctx, const struct coco_tls_options *opts)
{
    if (!opts->roots)
        return SSL_CTX_set_default_verify_paths(ctx) == 1;
    for (int i = 0; i < sk_X509_num(opts->roots); i++)
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), sk_X509_value(opts->roots, i)) != 1)
            return false;
    return true;
}

static bool
use_own(SSL_CTX *ctx, const struct coco_tls_options *opts)
{
    return !opts->own
           || (SSL_CTX_use_certificate(ctx, opts->own) == 1
               && SSL_CTX_use_PrivateKey(ctx, opts->own_key) == 1);
}

static bool
use_protocol(SSL_CTX *ctx, const struct coco_tls_options *opts)
{
    uint8_t list[256];

    if (!opts->protocol)
        return true;
    size_t len = strlen(opts->protocol);
    list[0] = (uint8_t)len;
    memcpy(list + 1, opts->protocol, len);
    return SSL_CTX_set_alpn_protos(ctx, list, (unsigned)len + 1) == 0; /* 0 is success */
}

/* As the certificate must have it; and the server is told which of its names is meant. */
static bool
use_host(SSL *ssl, const char *host)
{
    unsigned char address[16];
    char name[256]; /* OpenSSL's macro wants one that may be written to */
    bool numeric =
        inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;

    if (numeric)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    (void)snprintf(name, sizeof(name), "%s", host);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

static bool
configure(SSL_CTX *ctx, const struct coco_tls_options *opts)
{
    SSL_CTX_set_verify(ctx, opts->trust ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1
           && (opts->trust || use_roots(ctx, opts)) && use_own(ctx, opts)
           && use_protocol(ctx, opts);
}

coco_status
coco_tls_open(int fd, const char *host, const struct coco_tls_options *opts, struct coco_tls *ret,
              coco_error **err)
{
    struct coco_tls tls = {0};

    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx && configure(ctx, opts))
        tls.ssl = SSL_new(ctx);
    SSL_CTX_free(ctx); /* ssl has a reference */
    if (!tls.ssl || (!opts->trust && !use_host(tls.ssl, host))) {
        coco_tls_close(&tls);
        ERR_clear_error();
        return coco_fail(err, COCO_ERR_NET, "TLS with %.253s cannot be set up", host);
    }
    coco_status status = socket_new(fd, &tls, err);
    if (status != COCO_OK) {
        coco_tls_close(&tls);
        return status;
    }
    SSL_set_connect_state(tls.ssl);
    *ret = tls;
    return COCO_OK;
}

coco_status
coco_tls_check(const struct coco_tls *tls, const struct coco_tls_options *opts, coco_error **err)
{
    const unsigned char *chosen = NULL;
    unsigned len = 0;

    SSL_get0_alpn_selected(tls->ssl, &chosen, &len);
    if (opts->protocol
        && (len != strlen(opts->protocol) || memcmp(chosen, opts->protocol, len) != 0))
        return coco_fail(err, COCO_ERR_NET, "the server does not speak %s", opts->protocol);
    if (!opts->trust)
        return COCO_OK;
    X509 *peer = SSL_get0_peer_certificate(tls->ssl);
    if (!peer)
        return coco_fail(err, COCO_ERR_NET, "the server shows no certificate");
    return opts->trust(opts->self, peer, err);
}
