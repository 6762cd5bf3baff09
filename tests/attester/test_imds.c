/*
 * tests/attester/test_imds.c - lib/attester/imds.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/imds.h"

#include "base/context.h"
#include "crypto/cert.h"
#include "tests/faults.h"
#include "tests/httpd.h"
#include "tests/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the service says, and what it was asked. */
struct script {
    const char *status;
    const char *headers;
    const char *body;
    char method[16];
    char target[128];
    char metadata[16];
    char request_body[128];
};

struct fixture {
    struct httpd httpd;
    struct script script;
    struct pki_cert vcek;
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

static bool
answer(void *user, const struct httpd_request *request)
{
    struct script *script = user;

    (void)snprintf(script->method, sizeof(script->method), "%s", request->method);
    (void)snprintf(script->target, sizeof(script->target), "%s", request->target);
    (void)snprintf(script->request_body, sizeof(script->request_body), "%s", request->body);
    httpd_header(request, "metadata", script->metadata, sizeof(script->metadata));
    return httpd_reply(request->httpd, script->status, script->headers, script->body);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    f->script = (struct script){.status = "200 OK", .headers = "", .body = "{}"};
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    pki_make_ca(&f->vcek, NULL, "SEV-VCEK");
    httpd_start(&f->httpd, answer, &f->script, NULL);
    assert_int_equal(setenv(COCO_IMDS_VARIABLE, f->httpd.url, 1), 0);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    httpd_stop(&f->httpd);
    pki_done(&f->vcek);
    coco_ctx_free(f->ctx);
    (void)unsetenv(COCO_IMDS_VARIABLE);
    (void)unsetenv("http_proxy");
    return 0;
}

/* A JSON text with the certificate as the service gives it. */
static void
make_certificates(struct fixture *f, struct coco_buf *ret)
{
    char *pem = pki_pem(&f->vcek);

    assert_ok(coco_buf_append_text(ret, "{\"vcekCert\":\"", &f->err), f->err);
    for (const char *p = pem; *p; p++)
        assert_ok(*p == '\n' ? coco_buf_append_text(ret, "\\n", &f->err)
                             : coco_buf_append(ret, p, 1, &f->err),
                  f->err);
    assert_ok(coco_buf_append_text(ret, "\",\"certificateChain\":\"\",\"tcbm\":\"\"}", &f->err),
              f->err);
    OPENSSL_free(pem);
}

static void
the_certificate_is_given_as_der(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf body = {.limit = 16384};
    _cleanup_buf_ struct coco_buf der = {.limit = 16384};
    _cleanup_cert_ X509 *cert = NULL;

    make_certificates(f, &body);
    f->script.body = coco_buf_text(&body);
    assert_ok(coco_imds_vcek(f->ctx, &der, &f->err), f->err);
    assert_string_equal(f->script.method, "GET");
    assert_string_equal(f->script.target, "/metadata/THIM/amd/certification");
    assert_string_equal(f->script.metadata, "true");
    assert_true(der.len > 0 && der.data[0] == 0x30);
    assert_ok(coco_cert_parse(der.data, der.len, &cert, &f->err), f->err);
    assert_int_equal(X509_cmp(cert, f->vcek.cert), 0);
}

static void
a_quote_is_made_of_a_report(void **state)
{
    static const char *const answers[] = {"{\"quote\":\"_-8\"}", "{\"quote\":\"_-8=\"}"};
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        _cleanup_buf_ struct coco_buf quote = {.limit = 64};

        f->script.body = answers[i];
        assert_ok(coco_imds_td_quote(f->ctx, (const uint8_t *)"\xff\xfe", 2, &quote, &f->err),
                  f->err);
        assert_int_equal(quote.len, 2);
        assert_memory_equal(quote.data, "\xff\xef", 2);
        assert_string_equal(f->script.method, "POST");
        assert_string_equal(f->script.target, "/acc/tdquote");
        assert_string_equal(f->script.metadata, "true");
        assert_string_equal(f->script.request_body, "{\"report\":\"__4\"}");
    }
}

/* The address is of this machine alone: a proxy would ask its own host. */
static void
no_proxy_is_asked(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf quote = {.limit = 64};

    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    f->script.body = "{\"quote\":\"_-8\"}";
    assert_ok(coco_imds_td_quote(f->ctx, (const uint8_t *)"x", 1, &quote, &f->err), f->err);
}

static void
hostile_answers_are_refused(void **state)
{
    static const struct {
        const char *status;
        const char *headers;
        const char *body;
        coco_status want;
        const char *why;
    } cases[] = {
        {"404 Not Found", "", "{}", COCO_ERR_NET, "answers 404"},
        {"302 Found", "Location: http://127.0.0.1:1/\r\n", "{}", COCO_ERR_NET, "answers 302"},
        {"204 No Content", "", "", COCO_ERR_NET, "answers 204"},
        {"200 OK", "", "[]", COCO_ERR_PROTO, "/acc/tdquote"},
        {"200 OK", "", "{}", COCO_ERR_PROTO, "quote"},
        {"200 OK", "", "{\"quote\":1}", COCO_ERR_PROTO, "quote"},
        {"200 OK", "", "{\"quote\":\"/w==\"}", COCO_ERR_PROTO, "quote of the TD"},
        {"200 OK", "", "{\"quote\":\"AAAAAAAAAAAAAAAAAAAAAAAA\"}", COCO_ERR_LIMIT, "quote of"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf quote = {.limit = 8};

        f->script.status = cases[i].status;
        f->script.headers = cases[i].headers;
        f->script.body = cases[i].body;
        assert_fails(coco_imds_td_quote(f->ctx, (const uint8_t *)"x", 1, &quote, &f->err), f->err,
                     cases[i].want, cases[i].why);
    }
}

static void
what_is_no_certificate_is_refused(void **state)
{
    static const char *const bodies[] = {"{}", "{\"vcekCert\":\"\"}", "{\"vcekCert\":\"AAAA\"}"};
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf der = {.limit = 16384};

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        f->script.body = bodies[i];
        assert_fails(coco_imds_vcek(f->ctx, &der, &f->err), f->err, COCO_ERR_PROTO, "");
    }
}

static void
asking_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf body = {.limit = 16384};

    make_certificates(f, &body);
    f->script.body = coco_buf_text(&body);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf der = {.limit = 16384};

        coco_status status = coco_imds_vcek(f->ctx, &der, &f->err);
        fault_expect(status, f->err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_certificate_is_given_as_der),
        TEST(a_quote_is_made_of_a_report),
        TEST(no_proxy_is_asked),
        TEST(hostile_answers_are_refused),
        TEST(what_is_no_certificate_is_refused),
        TEST(asking_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
