/*
 * tests/rpc/test_tls.c - lib/rpc/tls.c, through rpc/stream.h
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/stream.h"

#include "base/context.h"
#include "base/fail.h"
#include "tests/httpd.h"
#include "tests/pki.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    struct httpd httpd;
    struct pki_cert ca, other;
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    memset(&fixture, 0, sizeof(fixture));
    assert_ok(coco_ctx_new(&fixture.ctx, &fixture.err), fixture.err);
    pki_make_ca(&fixture.ca, NULL, "ca");
    pki_make_ca(&fixture.other, NULL, "other");
    *state = &fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    pki_done(&f->ca);
    pki_done(&f->other);
    coco_ctx_free(f->ctx);
    return 0;
}

static bool
answer(void *user, const struct httpd_request *request)
{
    (void)user;
    return httpd_reply(request->httpd, "200 OK", "", "");
}

/* Connects with server, which is taken, by the name host; root is the one CA, or NULL. */
static coco_status
connect_to(struct fixture *f, SSL_CTX *server, const char *host, X509 *root,
           struct coco_tls_options tls)
{
    struct coco_stream_options opts = {.tls = tls, .timeout_ms = 30000};
    _cleanup_(coco_stream_freep) struct coco_stream *stream = NULL;
    struct coco_target target;
    char text[64];

    httpd_start(&f->httpd, answer, NULL, server);
    (void)snprintf(text, sizeof(text), "https://%s:%d", host, f->httpd.port);
    assert_ok(coco_target_parse(text, &target, &f->err), f->err);
    if (root) {
        opts.tls.roots = sk_X509_new_null();
        assert_true(sk_X509_push(opts.tls.roots, root) > 0);
    }
    coco_status status = coco_stream_open(&target, &opts, f->ctx, &stream, &f->err);
    sk_X509_free(opts.tls.roots);
    httpd_stop(&f->httpd);
    SSL_CTX_free(server);
    return status;
}

static void
the_certificate_is_the_servers(void **state)
{
    static const struct {
        const char *of, *asked;
        int days;
        bool other_ca;
        const char *why; /* NULL: it is fine */
    } cases[] = {
        {"localhost", "localhost", 1, false, NULL},
        {"127.0.0.1", "127.0.0.1", 1, false, NULL},
        {"kbs.test", "localhost", 1, false, "hostname mismatch"},
        {"localhost", "127.0.0.1", 1, false, "IP address mismatch"},
        {"localhost", "localhost", -1, false, "expired"},
        {"localhost", "localhost", 1, true, "issuer"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct coco_tls_options tls = {0};
        struct pki_cert cert;

        pki_make(&cert, cases[i].other_ca ? &f->other : &f->ca, cases[i].of, cases[i].days);
        coco_status status =
            connect_to(f, pki_server(&cert, NULL), cases[i].asked, f->ca.cert, tls);
        pki_done(&cert);
        if (cases[i].why)
            assert_fails(status, f->err, COCO_ERR_NET, cases[i].why);
        else
            assert_ok(status, f->err);
    }
}

static void
the_systems_cas_do_not_know_it(void **state)
{
    struct fixture *f = *state;
    const struct coco_tls_options tls = {0};
    struct pki_cert cert;

    pki_make(&cert, &f->ca, "localhost", 1);
    assert_fails(connect_to(f, pki_server(&cert, NULL), "localhost", NULL, tls), f->err,
                 COCO_ERR_NET, "certificate");
    pki_done(&cert);
}

static void
a_protocol_must_be_agreed_on(void **state)
{
    struct fixture *f = *state;
    const struct coco_tls_options tls = {.protocol = "h2"};
    struct pki_cert cert;

    pki_make(&cert, &f->ca, "localhost", 1);
    assert_fails(connect_to(f, pki_server(&cert, NULL), "localhost", f->ca.cert, tls), f->err,
                 COCO_ERR_NET, "does not speak h2");
    pki_done(&cert);
}

static coco_status
trust(void *self, X509 *peer, coco_error **err)
{
    return X509_cmp(self, peer) == 0 ? COCO_OK : coco_fail(err, COCO_ERR_VERIFY, "not whom I know");
}

static void
who_is_believed_may_be_the_callers_to_say(void **state)
{
    struct fixture *f = *state;
    struct pki_cert cert;
    struct coco_tls_options tls = {.trust = trust};

    pki_make(&cert, NULL, "anybody", -1);
    tls.self = cert.cert;
    assert_ok(connect_to(f, pki_server(&cert, NULL), "localhost", NULL, tls), f->err);
    tls.self = f->ca.cert;
    assert_fails(connect_to(f, pki_server(&cert, NULL), "localhost", NULL, tls), f->err,
                 COCO_ERR_VERIFY, "not whom I know");
    pki_done(&cert);
}

static void
old_versions_are_not_spoken(void **state)
{
    struct fixture *f = *state;
    const struct coco_tls_options tls = {0};
    struct pki_cert cert;

    pki_make(&cert, &f->ca, "localhost", 1);
    SSL_CTX *server = pki_server(&cert, NULL);
    assert_int_equal(SSL_CTX_set_max_proto_version(server, TLS1_1_VERSION), 1);
    SSL_CTX_set_security_level(server, 0);
    assert_fails(connect_to(f, server, "localhost", f->ca.cert, tls), f->err, COCO_ERR_NET, "TLS");
    pki_done(&cert);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_certificate_is_the_servers), TEST(the_systems_cas_do_not_know_it),
        TEST(a_protocol_must_be_agreed_on),   TEST(who_is_believed_may_be_the_callers_to_say),
        TEST(old_versions_are_not_spoken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
