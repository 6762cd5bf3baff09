/*
 * tests/net/test_hop_tls.c - lib/net/hop_tls.c, by what net/http.c gives
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/hop_tls.h"

#include "tests/net/asking.h"
#include "tests/pki.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A TLS server with cert, and chain's CA trusted by the client. */
static SSL_CTX *
make_tls(const struct pki_cert *cert, int max_version)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    assert_non_null(tls);
    if (max_version) {
        SSL_CTX_set_security_level(tls, 0); /* TLS 1.0 needs SHA-1 */
        assert_int_equal(SSL_CTX_set_min_proto_version(tls, TLS1_VERSION), 1);
        assert_int_equal(SSL_CTX_set_max_proto_version(tls, max_version), 1);
    }
    assert_int_equal(SSL_CTX_use_certificate(tls, cert->cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls, cert->key), 1);
    return tls;
}

static void
trust(struct fixture *f, const struct pki_cert *ca)
{
    char *pem = pki_pem(ca);

    assert_ok(coco_http_set_ca(f->http, pem, strlen(pem), &f->err), f->err);
    OPENSSL_free(pem);
}

static void
tls_accepts_what_its_ca_signed(void **state)
{
    static const int versions[] = {0, TLS1_2_VERSION, TLS1_3_VERSION};
    struct fixture *f = *state;
    struct pki_cert ca = {0};
    struct pki_cert cert = {0};

    pki_make(&ca, NULL, NULL, 30);
    pki_make(&cert, &ca, "127.0.0.1", 30);
    coco_http_allow_plain(f->http, false);
    trust(f, &ca);
    for (size_t i = 0; i < COUNT(versions); i++) {
        struct seen seen = {0};
        SSL_CTX *tls = make_tls(&cert, versions[i]);

        coco_status status = get_from(f, look, &seen, tls);
        SSL_CTX_free(tls);
        assert_ok(status, f->err);
        assert_string_equal(coco_buf_text(&f->response.body), "here");
    }
    pki_done(&cert);
    pki_done(&ca);
}

static void
tls_refuses(void **state)
{
    enum issuer { NOBODY, TRUSTED, STRANGER };
    static const struct {
        enum issuer issuer;
        const char *host;
        int days, max_version;
        coco_status status;
        const char *why;
    } cases[] = {
        {NOBODY, "127.0.0.1", 30, 0, COCO_ERR_VERIFY, "certificate"},
        {STRANGER, "127.0.0.1", 30, 0, COCO_ERR_VERIFY, "certificate"},
        {TRUSTED, "127.0.0.1", -1, 0, COCO_ERR_VERIFY, "expired"},
        {TRUSTED, "127.0.0.2", 30, 0, COCO_ERR_VERIFY, "127.0.0.1"},
        {TRUSTED, "a.test", 30, 0, COCO_ERR_VERIFY, "127.0.0.1"},
        {TRUSTED, "127.0.0.1", 30, TLS1_VERSION, COCO_ERR_NET, "protocol version"},
        {TRUSTED, "127.0.0.1", 30, TLS1_1_VERSION, COCO_ERR_NET, "protocol version"},
    };
    struct fixture *f = *state;
    struct pki_cert cas[3] = {0};

    pki_make(&cas[TRUSTED], NULL, NULL, 30);
    pki_make(&cas[STRANGER], NULL, NULL, 30);
    trust(f, &cas[TRUSTED]);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct seen seen = {0};
        struct pki_cert cert = {0};
        bool self = cases[i].issuer == NOBODY;

        pki_make(&cert, self ? NULL : &cas[cases[i].issuer], cases[i].host, cases[i].days);
        SSL_CTX *tls = make_tls(&cert, cases[i].max_version);
        coco_status status = get_from(f, look, &seen, tls);
        SSL_CTX_free(tls);
        pki_done(&cert);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_fails(status, f->err, cases[i].status, cases[i].why);
        assert_string_equal(seen.line, "");
    }
    pki_done(&cas[TRUSTED]);
    pki_done(&cas[STRANGER]);
}

/* A certificate that is given is enough, whoever made it; its maker's others are not. */
static void
tls_accepts_the_certificate_that_is_pinned_and_no_other(void **state)
{
    enum issuer { NOBODY, MAKER };
    static const struct {
        enum issuer issuer;
        const char *host;
        int days;
        bool another; /* is shown than the one that is pinned */
        coco_status status;
        const char *why;
    } cases[] = {
        {NOBODY, "127.0.0.1", 30, false, COCO_OK, NULL},
        {MAKER, "127.0.0.1", 30, false, COCO_OK, NULL},
        {NOBODY, "127.0.0.1", 30, true, COCO_ERR_VERIFY, "certificate"},
        {MAKER, "127.0.0.1", 30, true, COCO_ERR_VERIFY, "certificate"},
        {NOBODY, "127.0.0.2", 30, false, COCO_ERR_VERIFY, "127.0.0.1"},
        {MAKER, "a.test", 30, false, COCO_ERR_VERIFY, "127.0.0.1"},
        {NOBODY, "127.0.0.1", -1, false, COCO_ERR_VERIFY, "expired"},
        {MAKER, "127.0.0.1", -1, false, COCO_ERR_VERIFY, "expired"},
    };
    struct fixture *f = *state;
    struct pki_cert maker = {0};

    pki_make(&maker, NULL, NULL, 30);
    coco_http_allow_plain(f->http, false);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct pki_cert *issuer = cases[i].issuer == MAKER ? &maker : NULL;
        struct seen seen = {0};
        struct pki_cert pinned = {0};
        struct pki_cert shown = {0};

        pki_make(&pinned, issuer, cases[i].host, cases[i].days);
        pki_make(&shown, issuer, cases[i].host, cases[i].days);
        trust(f, &pinned);
        SSL_CTX *tls = make_tls(cases[i].another ? &shown : &pinned, 0);
        coco_status status = get_from(f, look, &seen, tls);
        SSL_CTX_free(tls);
        pki_done(&pinned);
        pki_done(&shown);
        if (cases[i].status == COCO_OK)
            assert_ok(status, f->err);
        else
            assert_fails(status, f->err, cases[i].status, cases[i].why);
        assert_string_equal(seen.line, cases[i].status == COCO_OK ? "GET /" : "");
    }
    pki_done(&maker);
}

static void
tls_is_not_trusted_by_default(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    struct pki_cert cert = {0};

    pki_make(&cert, NULL, "127.0.0.1", 30);
    SSL_CTX *tls = make_tls(&cert, 0);
    coco_status status = get_from(f, look, &seen, tls);
    SSL_CTX_free(tls);
    pki_done(&cert);
    assert_fails(status, f->err, COCO_ERR_VERIFY, "certificate");
}

static void
tls_to_a_plain_server_fails(void **state)
{
    struct fixture *f = *state;
    struct text_answer answer = {"HTTP/1.1 200 OK\r\n\r\n", false};
    char url[64];

    httpd_start(&f->httpd, say_text, &answer, NULL);
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%d/", f->httpd.port);
    coco_status status = get(f, url);
    httpd_stop(&f->httpd);
    assert_fails(status, f->err, COCO_ERR_NET, "");
}

static void
redirects_never_leave_tls(void **state)
{
    struct fixture *f = *state;
    struct redirect to = {.code = "302 Found"};
    struct seen seen = {0};
    struct pki_cert ca = {0};
    struct pki_cert cert = {0};

    pki_make(&ca, NULL, NULL, 30);
    pki_make(&cert, &ca, "127.0.0.1", 30);
    trust(f, &ca);
    SSL_CTX *tls = make_tls(&cert, 0);
    httpd_start(&f->other, look, &seen, NULL);
    (void)snprintf(to.location, sizeof(to.location), "%s/x", f->other.url);
    coco_status status = get_from(f, redirect, &to, tls);
    httpd_stop(&f->other);
    SSL_CTX_free(tls);
    pki_done(&cert);
    pki_done(&ca);
    assert_fails(status, f->err, COCO_ERR_PROTO, "from https to http");
    assert_string_equal(seen.line, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tls_accepts_what_its_ca_signed),
        TEST(tls_refuses),
        TEST(tls_accepts_the_certificate_that_is_pinned_and_no_other),
        TEST(tls_is_not_trusted_by_default),
        TEST(tls_to_a_plain_server_fails),
        TEST(redirects_never_leave_tls),
    };

    return cmocka_run_group_tests_name("net/hop_tls", tests, NULL, NULL);
}
