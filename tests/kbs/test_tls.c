/*
 * tests/kbs/test_tls.c - lib/kbs/tls.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/tls.h"

#include "base/context.h"
#include "kbs/server.h"

#include "tests/canary.h"
#include "tests/pki.h"
#include "tests/support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
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
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(strrchr(url, ':') + 1, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL *ssl = SSL_new(tls);

    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(SSL_set_fd(ssl, fd), 1);
    return ssl;
}

static void
hang_up(SSL *ssl)
{
    (void)close(SSL_get_fd(ssl));
    SSL_free(ssl);
}

static void
guests_are_served_over_tls(void **state)
{
    static const char *const profiles[] = {"intermediate", "modern"};
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
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
    for (unsigned modern = 0; modern < 2; modern++) {
        struct coco_kbs_core *core = NULL;
        struct coco_kbs_server *server = NULL;
        char config[16384];
        char said[4096];

        (void)snprintf(config, sizeof(config),
                       "[http_server]\ntls_profile = \"%s\"\ncertificate = '''%s'''\n"
                       "private_key = '''%s'''\n",
                       profiles[modern], cert_pem, coco_buf_text(&key_pem));
        assert_ok(coco_kbs_core_new(ctx, config, &core, &err), err);
        assert_ok(coco_kbs_server_start(core, &server, &err), err);
        assert_int_equal(strncmp(coco_kbs_server_url(server), "https://127.0.0.1:", 18), 0);

        SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
        assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), ca.cert), 1);
        SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
        SSL *ssl = reach(coco_kbs_server_url(server), tls);
        assert_int_equal(SSL_connect(ssl), 1);
        assert_int_equal(SSL_write(ssl, request, sizeof(request) - 1), sizeof(request) - 1);
        int n = SSL_read(ssl, said, sizeof(said) - 1);
        assert_true(n > 0);
        said[n] = '\0';
        assert_contains(said, "HTTP/1.1 200 OK\r\n");
        hang_up(ssl);

        /* An older version, and TLS 1.2 where the profile is modern. */
        assert_int_equal(
            SSL_CTX_set_max_proto_version(tls, modern ? TLS1_2_VERSION : TLS1_1_VERSION), 1);
        ssl = reach(coco_kbs_server_url(server), tls);
        assert_int_not_equal(SSL_connect(ssl), 1);
        hang_up(ssl);
        SSL_CTX_free(tls);

        /* Plain HTTP gets no answer of HTTP. */
        SSL_CTX *none = SSL_CTX_new(TLS_client_method());
        ssl = reach(coco_kbs_server_url(server), none);
        assert_true(send(SSL_get_fd(ssl), request, sizeof(request) - 1, MSG_NOSIGNAL) > 0);
        ssize_t got = recv(SSL_get_fd(ssl), said, sizeof(said) - 1, 0);
        said[got > 0 ? got : 0] = '\0';
        assert_null(strstr(said, "HTTP/"));
        hang_up(ssl);
        SSL_CTX_free(none);
        coco_kbs_server_stop(server);
        coco_kbs_core_free(core);
    }
    OPENSSL_free(cert_pem);
    coco_ctx_free(ctx);
    pki_done(&leaf);
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
    char profile[] = "intermediate";
    char nothing[] = "-----BEGIN CERTIFICATE-----\n";
    coco_error *err = NULL;

    (void)state;
    pki_make(&one, NULL, "localhost", 1);
    pki_make(&two, NULL, "localhost", 1);
    pem_of(&one, &cert_pem, &key_pem);
    pem_of(&two, &other_pem, &other_key);
    struct coco_kbs_config config = {.http = {.tls_profile = profile}};
    assert_ok(coco_kbs_tls_new(&config, &tls, &err), err);
    assert_null(tls);
    config.http.certificate = cert_pem;
    config.http.private_key = (char *)other_key.data;
    assert_fails(coco_kbs_tls_new(&config, &tls, &err), err, COCO_ERR_PROTO, "private_key");
    config.http.private_key = cert_pem;
    assert_fails(coco_kbs_tls_new(&config, &tls, &err), err, COCO_ERR_PROTO, "private_key");
    config.http.private_key = (char *)key_pem.data;
    config.http.certificate = nothing;
    assert_fails(coco_kbs_tls_new(&config, &tls, &err), err, COCO_ERR_PROTO, "certificate");
    config.http.certificate = cert_pem;
    assert_ok(coco_kbs_tls_new(&config, &tls, &err), err);
    SSL_CTX_free(tls);
    OPENSSL_free(cert_pem);
    OPENSSL_free(other_pem);
    pki_done(&one);
    pki_done(&two);
}

/* Text and bytes, from the configuration to the context that uses it. */
static void
the_private_key_is_wiped_wherever_it_was(void **state)
{
    struct pki_cert leaf = {0};
    char *cert_pem = NULL;
    _cleanup_buf_ struct coco_buf key_pem = {0};
    static char text[16384]; /* not on the heap, which is looked at */
    char canary[32];
    coco_error *err = NULL;

    (void)state;
    pki_make(&leaf, NULL, "localhost", 1);
    pem_of(&leaf, &cert_pem, &key_pem);
    (void)snprintf(text, sizeof(text),
                   "[http_server]\ncertificate = '''%s'''\nprivate_key = '''%s'''\n", cert_pem,
                   coco_buf_text(&key_pem));
    /* Within a line in the middle: base64 of the key itself. */
    const char *line = strchr(coco_buf_text(&key_pem) + 64, '\n') - 40;
    memcpy(canary, line, sizeof(canary));
    assert_non_null(strstr(text, "BEGIN PRIVATE KEY"));
    canary_begin(canary, sizeof(canary));
    for (unsigned i = 0; i < 2; i++) {
        _cleanup_config_ struct coco_kbs_config config = {0};
        SSL_CTX *tls = NULL;

        assert_ok(coco_kbs_config_parse(text, strlen(text), &config, &err), err);
        assert_ok(coco_kbs_tls_new(&config, &tls, &err), err);
        SSL_CTX_free(tls);
    }
    assert_int_equal(canary_end(), 0);
    OPENSSL_free(cert_pem);
    pki_done(&leaf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guests_are_served_over_tls),
        cmocka_unit_test(keys_and_certificates_must_fit),
        cmocka_unit_test(the_private_key_is_wiped_wherever_it_was),
    };

    return cmocka_run_group_tests_name("kbs/tls", tests, NULL, NULL);
}
