/*
 * tests/httpd/test_tls.c - lib/httpd/tls.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/tls.h"

#include "base/context.h"
#include "httpd/server.h"

#include "tests/pki.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
pem_of(const struct pki_cert *cert, char **cert_pem, struct coco_buf *key_pem)
{
    coco_error *err = NULL;

    *cert_pem = pki_pem(cert);
    key_pem->limit = 8192;
    assert_ok(coco_key_private_pem(cert->key, key_pem, &err), err);
}

/* A connection to the server at url that trusts ca, or what became of it. */
static SSL *
reach(const char *url, SSL_CTX *tls)
{
    SSL *ssl = SSL_new(tls);

    assert_int_equal(SSL_set_fd(ssl, connect_to_server(url)), 1);
    return ssl;
}

static void
hang_up(SSL *ssl)
{
    (void)close(SSL_get_fd(ssl));
    SSL_free(ssl);
}

static int64_t
now(void)
{
    return 1795467926;
}

static void
handle(void *self, const struct coco_httpd_request *request, struct coco_httpd_reply *reply)
{
    (void)self;
    reply->status = 200;
    reply->body.limit = 64;
    assert_int_equal(
        coco_buf_append_text(&reply->body, request->certificate ? "known" : "unknown", NULL),
        COCO_OK);
}

static void
refuse(void *self, const char *detail, struct coco_httpd_reply *reply)
{
    (void)self;
    (void)detail;
    (void)reply;
}

static void
peers_are_served_over_tls(void **state)
{
    static char loopback[] = "127.0.0.1:0";
    static char *const sockets[] = {loopback};
    static const char refused[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n";
    static const char more[8192];
    static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    struct pki_cert ca = {0};
    struct pki_cert leaf = {0};
    char *cert_pem = NULL;
    _cleanup_buf_ struct coco_buf key_pem = {0};
    coco_ctx *ctx = NULL;
    coco_error *err = NULL;

    (void)state;
    pki_make(&ca, NULL, NULL, 1);
    pki_make(&leaf, &ca, "localhost", 1);
    pem_of(&leaf, &cert_pem, &key_pem);
    assert_ok(coco_ctx_new(&ctx, &err), err);
    for (int modern = 0; modern < 2; modern++) {
        const struct coco_httpd_options opts = {
            .ctx = ctx,
            .now = now,
            .sockets = sockets,
            .n_sockets = 1,
            .tls = {.certificate = cert_pem,
                    .private_key = coco_buf_text(&key_pem),
                    .modern = modern},
            .max_connections = 8,
            .head_timeout = 10,
            .body_timeout = 10,
            .write_timeout = 10,
            .idle_timeout = 10,
        };
        const struct coco_httpd_handler handler = {.handle = handle, .refuse = refuse};
        struct coco_httpd_server *server = NULL;
        char said[4096];

        assert_ok(coco_httpd_server_start(&opts, &handler, &server, &err), err);
        assert_int_equal(strncmp(coco_httpd_server_url(server), "https://127.0.0.1:", 18), 0);

        SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
        assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), ca.cert), 1);
        SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
        SSL *ssl = reach(coco_httpd_server_url(server), tls);
        assert_int_equal(SSL_connect(ssl), 1);
        assert_int_equal(SSL_write(ssl, request, sizeof(request) - 1), sizeof(request) - 1);
        int n = SSL_read(ssl, said, sizeof(said) - 1);
        assert_true(n > 0);
        said[n] = '\0';
        assert_contains(said, "HTTP/1.1 200 OK\r\n");
        hang_up(ssl);

        /* A last reply arrives whole, and with TLS's own end, whatever the peer goes on to say. */
        ssl = reach(coco_httpd_server_url(server), tls);
        assert_int_equal(SSL_connect(ssl), 1);
        assert_int_equal(SSL_write(ssl, refused, sizeof(refused) - 1), sizeof(refused) - 1);
        for (unsigned i = 0; i < 100; i++)
            assert_int_equal(SSL_write(ssl, more, sizeof(more)), sizeof(more));
        n = SSL_read(ssl, said, sizeof(said) - 1);
        assert_true(n > 0);
        said[n] = '\0';
        assert_contains(said, "HTTP/1.1 413 ");
        n = SSL_read(ssl, said, sizeof(said) - 1);
        assert_true(n <= 0);
        assert_int_equal(SSL_get_error(ssl, n), SSL_ERROR_ZERO_RETURN);
        hang_up(ssl);

        /* An older version, and TLS 1.2 where the profile is modern. */
        assert_int_equal(
            SSL_CTX_set_max_proto_version(tls, modern ? TLS1_2_VERSION : TLS1_1_VERSION), 1);
        ssl = reach(coco_httpd_server_url(server), tls);
        assert_int_not_equal(SSL_connect(ssl), 1);
        hang_up(ssl);
        SSL_CTX_free(tls);

        /* Plain HTTP gets no answer of HTTP. */
        SSL_CTX *none = SSL_CTX_new(TLS_client_method());
        ssl = reach(coco_httpd_server_url(server), none);
        assert_true(send(SSL_get_fd(ssl), request, sizeof(request) - 1, MSG_NOSIGNAL) > 0);
        ssize_t got = recv(SSL_get_fd(ssl), said, sizeof(said) - 1, 0);
        said[got > 0 ? got : 0] = '\0';
        assert_null(strstr(said, "HTTP/"));
        hang_up(ssl);
        SSL_CTX_free(none);
        coco_httpd_server_stop(server);
    }
    OPENSSL_free(cert_pem);
    coco_ctx_free(ctx);
    pki_done(&leaf);
    pki_done(&ca);
}

/* What the server says to a peer with this certificate, or none; false if TLS ends it. */
static bool
ask_as(const struct pki_cert *who, const struct coco_httpd_server *server, bool old, char *said,
       size_t size)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    size_t len = 0;
    int n = 0;

    if (who) {
        assert_int_equal(SSL_CTX_use_certificate(tls, who->cert), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(tls, who->key), 1);
    }
    assert_int_equal(SSL_CTX_set_max_proto_version(tls, old ? TLS1_2_VERSION : TLS1_3_VERSION), 1);
    SSL *ssl = reach(coco_httpd_server_url(server), tls);
    if (SSL_connect(ssl) == 1 && SSL_write(ssl, request, sizeof(request) - 1) > 0)
        while ((n = SSL_read(ssl, said + len, (int)(size - 1 - len))) > 0)
            len += (size_t)n;
    said[len] = '\0';
    hang_up(ssl);
    SSL_CTX_free(tls);
    return len > 0;
}

static void
certificates_of_peers_are_verified_and_not_needed(void **state)
{
    static char loopback[] = "127.0.0.1:0";
    static char *const sockets[] = {loopback};
    struct pki_cert ca = {0};
    struct pki_cert other = {0};
    struct pki_cert leaf = {0};
    struct pki_cert right = {0};
    struct pki_cert wrong = {0};
    struct pki_cert ended = {0};
    char *cert_pem = NULL;
    _cleanup_buf_ struct coco_buf key_pem = {0};
    coco_ctx *ctx = NULL;
    struct coco_httpd_server *server = NULL;
    char said[4096];
    coco_error *err = NULL;

    (void)state;
    pki_make_ca(&ca, NULL, "Ours");
    pki_make_ca(&other, NULL, "Ours");
    pki_make(&leaf, NULL, "localhost", 1);
    pki_make(&right, &ca, "alice", 1);
    pki_make(&wrong, &other, "alice", 1);
    pki_make(&ended, &ca, "alice", -1);
    pem_of(&leaf, &cert_pem, &key_pem);
    char *ca_pem = pki_pem(&ca);
    assert_ok(coco_ctx_new(&ctx, &err), err);
    const struct coco_httpd_options opts = {
        .ctx = ctx,
        .now = now,
        .sockets = sockets,
        .n_sockets = 1,
        .tls = {.certificate = cert_pem, .private_key = coco_buf_text(&key_pem), .clients = ca_pem},
        .max_connections = 8,
        .head_timeout = 10,
        .body_timeout = 10,
        .write_timeout = 10,
        .idle_timeout = 10,
    };
    const struct coco_httpd_handler handler = {.handle = handle, .refuse = refuse};

    assert_ok(coco_httpd_server_start(&opts, &handler, &server, &err), err);
    for (int old = 0; old < 2; old++) {
        assert_true(ask_as(NULL, server, old, said, sizeof(said)));
        assert_contains(said, "unknown");
        assert_true(ask_as(&right, server, old, said, sizeof(said)));
        assert_contains(said, "\r\n\r\nknown");
        assert_false(ask_as(&wrong, server, old, said, sizeof(said)));
        assert_false(ask_as(&ended, server, old, said, sizeof(said)));
    }
    coco_httpd_server_stop(server);
    OPENSSL_free(ca_pem);
    OPENSSL_free(cert_pem);
    coco_ctx_free(ctx);
    pki_done(&ended);
    pki_done(&wrong);
    pki_done(&right);
    pki_done(&leaf);
    pki_done(&other);
    pki_done(&ca);
}

static void
keys_and_certificates_must_fit(void **state)
{
    struct pki_cert one = {0};
    struct pki_cert two = {0};
    char *cert_pem = NULL;
    char *other_pem = NULL;
    _cleanup_buf_ struct coco_buf key_pem = {0};
    _cleanup_buf_ struct coco_buf other_key = {0};
    SSL_CTX *tls = NULL;
    static const char nothing[] = "-----BEGIN CERTIFICATE-----\n";
    coco_error *err = NULL;

    (void)state;
    pki_make(&one, NULL, "localhost", 1);
    pki_make(&two, NULL, "localhost", 1);
    pem_of(&one, &cert_pem, &key_pem);
    pem_of(&two, &other_pem, &other_key);
    struct coco_httpd_tls config = {0};
    assert_ok(coco_httpd_tls_new(&config, &tls, &err), err);
    assert_null(tls);
    config.certificate = cert_pem;
    config.private_key = coco_buf_text(&other_key);
    assert_fails(coco_httpd_tls_new(&config, &tls, &err), err, COCO_ERR_PROTO, "private_key");
    config.private_key = cert_pem;
    assert_fails(coco_httpd_tls_new(&config, &tls, &err), err, COCO_ERR_PROTO, "private_key");
    config.private_key = coco_buf_text(&key_pem);
    config.certificate = nothing;
    assert_fails(coco_httpd_tls_new(&config, &tls, &err), err, COCO_ERR_PROTO, "certificate");
    config.certificate = cert_pem;
    static const char *const no_cas[] = {
        "", "x", nothing, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    for (size_t i = 0; i < sizeof(no_cas) / sizeof(no_cas[0]); i++) {
        config.clients = no_cas[i];
        assert_fails(coco_httpd_tls_new(&config, &tls, &err), err, COCO_ERR_PROTO,
                     "CAs of clients");
    }
    _cleanup_buf_ struct coco_buf cut = {.limit = 65536};
    assert_ok(coco_buf_append_text(&cut, other_pem, &err), err);
    assert_ok(coco_buf_append_text(&cut, nothing, &err), err);
    config.clients = coco_buf_text(&cut);
    assert_fails(coco_httpd_tls_new(&config, &tls, &err), err, COCO_ERR_PROTO, "CAs of clients");
    config.clients = other_pem;
    assert_ok(coco_httpd_tls_new(&config, &tls, &err), err);
    SSL_CTX_free(tls);
    OPENSSL_free(cert_pem);
    OPENSSL_free(other_pem);
    pki_done(&one);
    pki_done(&two);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_are_served_over_tls),
        cmocka_unit_test(certificates_of_peers_are_verified_and_not_needed),
        cmocka_unit_test(keys_and_certificates_must_fit),
    };

    return cmocka_run_group_tests_name("httpd/tls", tests, NULL, NULL);
}
