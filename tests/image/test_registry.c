/*
 * tests/image/test_registry.c - lib/image/registry.c, against registries that lie
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/registry.h"

#include "base/base64.h"
#include "base/context.h"
#include "base/fd.h"
#include "tests/faults.h"
#include "tests/httpd.h"
#include "tests/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SEEN_MAX 16
/* {"token":"t0ken"} is what a token server says; alice:s3cret is YWxpY2U6czNjcmV0 */
#define BASIC "Basic YWxpY2U6czNjcmV0"

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

/* What a server saw, in order; read it after httpd_stop(). */
struct seen {
    unsigned n;
    struct {
        char line[300];
        char authorization[100];
    } requests[SEEN_MAX];
};

static void
see(struct seen *seen, const struct httpd_request *request)
{
    unsigned i = seen->n++;

    if (i >= SEEN_MAX)
        return;
    (void)snprintf(seen->requests[i].line, sizeof(seen->requests[i].line), "%s %.280s",
                   request->method, request->target);
    httpd_header(request, "Authorization", seen->requests[i].authorization,
                 sizeof(seen->requests[i].authorization));
}

/* A registry that wants to see authorization, or says what it wants instead. */
struct plan {
    struct seen seen;
    const char *authorization; /* NULL: anybody */
    char challenge[300];       /* the whole header line */
    const char *status, *headers, *body;
};

static bool
answer(void *user, const struct httpd_request *request)
{
    struct plan *plan = user;
    char authorization[100];

    see(&plan->seen, request);
    httpd_header(request, "Authorization", authorization, sizeof(authorization));
    if (plan->authorization && strcmp(authorization, plan->authorization) != 0)
        return httpd_reply(request->httpd, "401 Unauthorized", plan->challenge,
                           "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"who?\"}]}");
    return httpd_reply(request->httpd, plan->status, plan->headers, plan->body);
}

/* Of a registry that alice may enter. */
static const struct plan of_alice = {
    .authorization = BASIC,
    .challenge = "WWW-Authenticate: Basic realm=\"x\"\r\n",
    .status = "200 OK",
    .headers = "",
    .body = "{}",
};

struct fixture {
    struct httpd httpd;
    struct httpd other;
    coco_ctx *ctx;
    struct coco_auth auth;
    char credentials[200];
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    f->auth = (struct coco_auth){0};
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_ctx_free(f->ctx);
    coco_auth_done(&f->auth);
    coco_error_free(f->err);
    return 0;
}

/* Makes the source of acme/app:1 at the server. */
static void
open_source(struct fixture *f, bool with_credentials, struct coco_source *ret)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    const struct coco_registry_options opts = {
        .plain_http = true,
        .auth = &f->auth,
        .retry = {.retries = COCO_RETRIES_NONE}, /* test_download.c has those */
    };
    char text[128];

    if (with_credentials) {
        int n = snprintf(f->credentials, sizeof(f->credentials),
                         "{\"auths\":{\"127.0.0.1:%d\":{\"auth\":\"YWxpY2U6czNjcmV0\"}}}",
                         f->httpd.port);
        coco_auth_done(&f->auth);
        assert_ok(coco_auth_add(&f->auth, f->credentials, (size_t)n, &f->err), f->err);
    }
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d/acme/app:1", f->httpd.port);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    assert_ok(coco_registry_source(&opts, ref, ret, &f->err), f->err);
}

static coco_status
get_manifest(struct fixture *f, const struct coco_source *source, struct coco_buf *body,
             struct coco_buf *type)
{
    return source->manifest(source->self, f->ctx, NULL, body, type, &f->err);
}

/* One manifest from a server that follows the plan. */
static coco_status
ask(struct fixture *f, struct plan *plan, bool with_credentials, struct coco_buf *body)
{
    _cleanup_buf_ struct coco_buf type = {.limit = 100};
    _cleanup_source_ struct coco_source source = {0};

    plan->seen = (struct seen){0};
    httpd_start(&f->httpd, answer, plan, NULL);
    open_source(f, with_credentials, &source);
    coco_status status = get_manifest(f, &source, body, &type);
    httpd_stop(&f->httpd);
    return status;
}

static void
a_manifest_is_asked_for_by_tag_and_by_digest(void **state)
{
    struct fixture *f = *state;
    struct plan plan = {.status = "200 OK", .headers = "Content-Type: a/b\r\n", .body = "{}"};
    _cleanup_buf_ struct coco_buf body = {.limit = 100};
    _cleanup_buf_ struct coco_buf type = {.limit = 100};
    _cleanup_source_ struct coco_source source = {0};
    struct coco_digest digest = {.alg = COCO_SHA256};

    httpd_start(&f->httpd, answer, &plan, NULL);
    open_source(f, true, &source);
    coco_status first = get_manifest(f, &source, &body, &type);
    coco_status second =
        source.manifest(source.self, f->ctx, &digest, &body, &type, first ? NULL : &f->err);
    httpd_stop(&f->httpd);
    assert_ok(first, f->err);
    assert_ok(second, f->err);
    assert_string_equal(coco_buf_text(&body), "{}{}");
    assert_string_equal(coco_buf_text(&type), "a/ba/b");
    assert_string_equal(plan.seen.requests[0].line, "GET /v2/acme/app/manifests/1");
    assert_contains(plan.seen.requests[1].line, "/manifests/sha256:0000");
    /* Who is not asked for a password does not tell it. */
    assert_string_equal(plan.seen.requests[0].authorization, "");
}

static void
basic_is_answered_once(void **state)
{
    struct fixture *f = *state;
    struct plan plan = of_alice;
    _cleanup_buf_ struct coco_buf body = {.limit = 100};

    assert_ok(ask(f, &plan, true, &body), f->err);
    assert_int_equal(plan.seen.n, 2);
    assert_string_equal(plan.seen.requests[1].authorization, BASIC);

    /* Without credentials there is nothing to answer, and wrong ones do not get better. */
    coco_auth_done(&f->auth);
    assert_fails(ask(f, &plan, false, &body), f->err, COCO_ERR_DENIED, "UNAUTHORIZED: who?");
    assert_int_equal(plan.seen.n, 1);
    plan.authorization = "Basic other";
    assert_fails(ask(f, &plan, true, &body), f->err, COCO_ERR_DENIED, "401");
    assert_int_equal(plan.seen.n, 2);
}

/* The clone has the password at hand, without being asked for it first. */
static void
a_clone_knows_what_its_source_has_found_out(void **state)
{
    struct fixture *f = *state;
    struct plan plan = of_alice;
    _cleanup_buf_ struct coco_buf body = {.limit = 100};
    _cleanup_buf_ struct coco_buf type = {.limit = 100};
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_source_ struct coco_source clone = {0};

    httpd_start(&f->httpd, answer, &plan, NULL);
    open_source(f, true, &source);
    coco_status first = get_manifest(f, &source, &body, &type);
    assert_ok(source.clone(source.self, &clone, &f->err), f->err);
    coco_source_done(&source);
    coco_auth_done(&f->auth);
    coco_status second = get_manifest(f, &clone, &body, &type);
    httpd_stop(&f->httpd);
    assert_ok(first, f->err);
    assert_ok(second, f->err);
    assert_int_equal(plan.seen.n, 3);
    assert_string_equal(plan.seen.requests[2].line, "GET /v2/acme/app/manifests/1");
    assert_string_equal(plan.seen.requests[2].authorization, BASIC);
}

static void
a_token_is_fetched_and_kept(void **state)
{
    struct fixture *f = *state;
    struct plan tokens = {.status = "200 OK", .headers = "", .body = "{\"token\":\"t0ken\"}"};
    struct plan plan = {
        .authorization = "Bearer t0ken",
        .status = "200 OK",
        .headers = "",
        .body = "{}",
    };
    _cleanup_buf_ struct coco_buf body = {.limit = 100};
    _cleanup_buf_ struct coco_buf type = {.limit = 100};
    _cleanup_source_ struct coco_source source = {0};

    httpd_start(&f->other, answer, &tokens, NULL);
    /* The scope is ours, not what the registry would like to have. */
    (void)snprintf(plan.challenge, sizeof(plan.challenge),
                   "WWW-Authenticate: Basic realm=\"x\"\r\nWWW-Authenticate: Bearer "
                   "realm=\"%s/token\",service=\"a b&c\",scope=\"repository:other:push\"\r\n",
                   f->other.url);
    httpd_start(&f->httpd, answer, &plan, NULL);
    open_source(f, true, &source);
    coco_status first = get_manifest(f, &source, &body, &type);
    coco_status second = first == COCO_OK ? get_manifest(f, &source, &body, &type) : first;
    httpd_stop(&f->httpd);
    httpd_stop(&f->other);
    assert_ok(second, f->err);
    assert_int_equal(plan.seen.n, 3);
    assert_int_equal(tokens.seen.n, 1);
    assert_string_equal(tokens.seen.requests[0].line,
                        "GET /token?service=a%20b%26c&scope=repository%3Aacme%2Fapp%3Apull");
    assert_string_equal(tokens.seen.requests[0].authorization, BASIC);
}

static void
answers_that_are_none_are_errors(void **state)
{
    static const struct {
        const char *status, *headers, *body;
        coco_status want;
        const char *why;
    } cases[] = {
        {"404 Not Found", "", "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"m\"}]}",
         COCO_ERR_NOTFOUND, "404: MANIFEST_UNKNOWN: m"},
        {"404 Not Found", "", "<html>", COCO_ERR_NOTFOUND, "404"},
        {"400 Bad", "", "{\"errors\":[{\"code\":\"NAME_UNKNOWN\",\"message\":\"m\"}]}",
         COCO_ERR_NOTFOUND, "NAME_UNKNOWN"},
        {"403 Forbidden", "", "", COCO_ERR_DENIED, "403"},
        {"401 Unauthorized", "", "", COCO_ERR_DENIED, "401"},
        {"401 Unauthorized", "WWW-Authenticate: Negotiate\r\n", "", COCO_ERR_DENIED, "401"},
        {"401 Unauthorized", "WWW-Authenticate: Bearer\r\n", "", COCO_ERR_PROTO, "realm"},
        {"401 Unauthorized", "WWW-Authenticate: Bearer realm=\"file:///etc/passwd\"\r\n", "",
         COCO_ERR_PROTO, "token server 'file:///etc/passwd'"},
        {"401 Unauthorized", "WWW-Authenticate: Bearer realm=\"/token\"\r\n", "", COCO_ERR_PROTO,
         "token server"},
        {"401 Unauthorized", "WWW-Authenticate: Bearer realm=\"http://a:b@127.0.0.1/\"\r\n", "",
         COCO_ERR_PROTO, "token server"},
        {"429 Slow", "", "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"later\"}]}",
         COCO_ERR_NET, "TOOMANYREQUESTS: later"},
        {"500 Oops", "", "{\"errors\":[]}", COCO_ERR_NET, "500"},
        {"500 Oops", "", "{\"errors\":[1]}", COCO_ERR_NET, "500"},
        {"500 Oops", "", "{\"errors\":[{\"code\":1,\"message\":[]}]}", COCO_ERR_NET, "500"},
        {"500 Oops", "", "{\"errors\":[{\"code\":\"A\",\"message\":\"\\u001b[2J\"}]}", COCO_ERR_NET,
         "A: \\x1b[2J"},
        {"204 No Content", "", "", COCO_ERR_NET, "204"},
        {"206 Partial Content", "", "{}", COCO_ERR_NET, "206"},
        {"304 Not Modified", "", "", COCO_ERR_NET, "304"},
        {"200 OK", "",
         "more than the hundred bytes that there is room for................."
         ".........................................................",
         COCO_ERR_LIMIT, "100 bytes"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct plan plan = {
            .status = cases[i].status, .headers = cases[i].headers, .body = cases[i].body};
        _cleanup_buf_ struct coco_buf body = {.limit = 100};

        coco_status status = ask(f, &plan, true, &body);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_fails(status, f->err, cases[i].want, cases[i].why);
        assert_int_equal(body.len, 0);
    }
}

static void
token_servers_that_lie_are_refused(void **state)
{
    static const struct {
        const char *status, *body;
        coco_status want;
        const char *why;
    } cases[] = {
        {"200 OK", "", COCO_ERR_PROTO, "token"},
        {"200 OK", "{}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"token\":\"\"}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"token\":1}", COCO_ERR_PROTO, "token"},
        {"200 OK", "{\"token\":\"a\\r\\nX-Evil: 1\"}", COCO_ERR_PROTO, "no token"},
        {"200 OK", "{\"token\":\"a b\"}", COCO_ERR_PROTO, "no token"},
        {"401 No", "", COCO_ERR_DENIED, "refuses the credentials"},
        {"403 No", "", COCO_ERR_DENIED, "refuses the credentials"},
        {"500 No", "", COCO_ERR_NET, "answers 500"},
        /* A good token that the registry does not take is asked for once. */
        {"200 OK", "{\"access_token\":\"other\"}", COCO_ERR_DENIED, "401"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct plan tokens = {.status = cases[i].status, .headers = "", .body = cases[i].body};
        struct plan plan = {
            .authorization = "Bearer t0ken", .status = "200 OK", .headers = "", .body = "{}"};
        _cleanup_buf_ struct coco_buf body = {.limit = 100};

        httpd_start(&f->other, answer, &tokens, NULL);
        (void)snprintf(plan.challenge, sizeof(plan.challenge),
                       "WWW-Authenticate: Bearer realm=\"%s/t?a=b\"\r\n", f->other.url);
        coco_status status = ask(f, &plan, true, &body);
        httpd_stop(&f->other);
        assert_fails(status, f->err, cases[i].want, cases[i].why);
        assert_int_equal(tokens.seen.n, 1);
        assert_contains(tokens.seen.requests[0].line, "GET /t?a=b&scope=");
    }
}

/* A registry on TLS that names a token server without it would give the password away. */
static void
credentials_do_not_leave_tls(void **state)
{
    struct fixture *f = *state;
    struct plan tokens = {.status = "200 OK", .headers = "", .body = "{\"token\":\"t0ken\"}"};
    struct plan plan = {.authorization = "Bearer t0ken"};
    _cleanup_buf_ struct coco_buf body = {.limit = 100};
    _cleanup_buf_ struct coco_buf type = {.limit = 100};
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    struct pki_cert ca = {0};
    struct pki_cert cert = {0};
    char text[128];

    pki_make(&ca, NULL, NULL, 30);
    pki_make(&cert, &ca, "127.0.0.1", 30);
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(tls, cert.cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls, cert.key), 1);
    char *pem = pki_pem(&ca);
    const struct coco_registry_options opts = {.tls_ca = pem, .tls_ca_len = strlen(pem)};

    httpd_start(&f->other, answer, &tokens, NULL);
    (void)snprintf(plan.challenge, sizeof(plan.challenge),
                   "WWW-Authenticate: Bearer realm=\"%s/token\"\r\n", f->other.url);
    httpd_start(&f->httpd, answer, &plan, tls);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d/acme/app:1", f->httpd.port);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    assert_ok(coco_registry_source(&opts, ref, &source, &f->err), f->err);
    coco_status status = get_manifest(f, &source, &body, &type);
    httpd_stop(&f->httpd);
    httpd_stop(&f->other);
    OPENSSL_free(pem);
    SSL_CTX_free(tls);
    pki_done(&cert);
    pki_done(&ca);
    assert_fails(status, f->err, COCO_ERR_PROTO, "not at a URL of https");
    assert_int_equal(plan.seen.n, 1);
    assert_int_equal(tokens.seen.n, 0);
}

/* A key broker client that has auth.json for the server, with that password in base64. */
static coco_kbc *
keep_auth(struct fixture *f, const char *dir, const char *encoded)
{
    _cleanup_buf_ struct coco_buf json = {.limit = 1000};
    _cleanup_buf_ struct coco_buf file = {.limit = 1000};
    char text[300];
    coco_kbc *kbc = NULL;

    (void)snprintf(text, sizeof(text), "{\"auths\":{\"127.0.0.1:%d\":{\"auth\":\"%s\"}}}",
                   f->httpd.port, encoded);
    assert_ok(coco_base64_encode(COCO_BASE64, text, strlen(text), &json, &f->err), f->err);
    assert_ok(coco_buf_printf(&file, &f->err, "{\"default/credential/test\":\"%s\"}",
                              coco_buf_text(&json)),
              f->err);
    (void)snprintf(text, sizeof(text), "%s/aa-offline_fs_kbc-resources.json", dir);
    assert_ok(coco_file_write(text, file.data, file.len, 0600, &f->err), f->err);
    (void)snprintf(text, sizeof(text), "offline_fs_kbc::unprotected:%s", dir);
    assert_ok(coco_kbc_new(text, &kbc, &f->err), f->err);
    return kbc;
}

/* Whoever lives long sees passwords change. */
static void
what_a_broker_keeps_is_got_again_once_it_is_refused(void **state)
{
    struct fixture *f = *state;
    struct plan plan = {
        .authorization = BASIC, .status = "404 Not Found", .headers = "", .body = ""};
    struct coco_auth_resource resource = {0};
    coco_kbc *kbc = NULL;
    char dir[128];

    (void)snprintf(plan.challenge, sizeof(plan.challenge),
                   "WWW-Authenticate: Basic realm=\"here\"\r\n");
    make_temp_dir(dir, sizeof(dir));
    httpd_start(&f->httpd, answer, &plan, NULL);
    assert_ok(coco_auth_resource_set(&resource, "kbs:///default/credential/test", &kbc, &f->err),
              f->err);
    f->auth.resource = &resource;
    for (int right = 0; right < 2; right++) {
        _cleanup_source_ struct coco_source source = {0};
        _cleanup_buf_ struct coco_buf body = {.limit = 100};
        _cleanup_buf_ struct coco_buf type = {.limit = 100};

        /* bob:pw, and then alice:s3cret */
        kbc = keep_auth(f, dir, right ? "YWxpY2U6czNjcmV0" : "Ym9iOnB3");
        open_source(f, false, &source);
        coco_status status = get_manifest(f, &source, &body, &type);
        coco_kbc_free(kbc);
        kbc = NULL;
        if (right)
            assert_fails(status, f->err, COCO_ERR_NOTFOUND, "404");
        else
            assert_fails(status, f->err, COCO_ERR_DENIED, "401");
        assert_int_equal(resource.file != NULL, right);
    }
    httpd_stop(&f->httpd);
    assert_int_equal(plan.seen.n, 4);
    assert_string_equal(plan.seen.requests[1].authorization, "Basic Ym9iOnB3");
    assert_string_equal(plan.seen.requests[3].authorization, BASIC);
    f->auth.resource = NULL;
    coco_auth_resource_done(&resource);
    remove_temp_dir(dir);
}

#define BLOB "0123456789abcdefghijklmnopqrstuvwxyz"

static bool
answer_blob(void *user, const struct httpd_request *request)
{
    struct plan *plan = user;

    see(&plan->seen, request);
    return httpd_reply(request->httpd, "200 OK", "", BLOB);
}

static void
a_blob_elsewhere_is_fetched_without_credentials(void **state)
{
    struct fixture *f = *state;
    struct plan store = {.seen = {0}};
    struct plan plan = {
        .authorization = BASIC,
        .challenge = "WWW-Authenticate: Basic\r\n",
        .status = "307 Temporary Redirect",
        .body = "",
    };
    _cleanup_buf_ struct coco_buf body = {.limit = 100};
    _cleanup_source_ struct coco_source source = {0};
    struct coco_descriptor blob = {.size = strlen(BLOB), .digest = {.alg = COCO_SHA256}};
    const struct coco_sink sink = coco_sink_to_buf(&body);
    char location[128];

    httpd_start(&f->other, answer_blob, &store, NULL);
    (void)snprintf(location, sizeof(location), "Location: %s/b?sig=1\r\n", f->other.url);
    plan.headers = location;
    httpd_start(&f->httpd, answer, &plan, NULL);
    open_source(f, true, &source);
    coco_status status = source.blob(source.self, f->ctx, &blob, &sink, &f->err);
    httpd_stop(&f->httpd);
    httpd_stop(&f->other);
    assert_ok(status, f->err);
    assert_string_equal(coco_buf_text(&body), BLOB);
    assert_string_equal(store.seen.requests[0].line, "GET /b?sig=1");
    assert_string_equal(store.seen.requests[0].authorization, "");
    assert_string_equal(plan.seen.requests[1].authorization, BASIC);
}

/* A server elsewhere that asks for a password does not get the registry's. */
static void
a_challenge_from_elsewhere_is_not_answered(void **state)
{
    struct fixture *f = *state;
    struct plan thief = {.authorization = BASIC, .challenge = "WWW-Authenticate: Basic\r\n"};
    struct plan plan = {.status = "302 Found", .body = ""};
    _cleanup_buf_ struct coco_buf body = {.limit = 100};
    char location[128];

    httpd_start(&f->other, answer, &thief, NULL);
    (void)snprintf(location, sizeof(location), "Location: %s/x\r\n", f->other.url);
    plan.headers = location;
    coco_status status = ask(f, &plan, true, &body);
    httpd_stop(&f->other);
    assert_fails(status, f->err, COCO_ERR_DENIED, "401");
    assert_int_equal(plan.seen.n, 1);
    assert_int_equal(thief.seen.n, 1);
    assert_string_equal(thief.seen.requests[0].authorization, "");
}

static void
source_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    struct plan tokens = {.status = "200 OK", .headers = "", .body = "{\"token\":\"t0ken\"}"};
    struct plan plan = {
        .authorization = "Bearer t0ken",
        .status = "200 OK",
        .headers = "Content-Type: a/b\r\n",
        .body = "{}",
    };
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    const struct coco_registry_options opts = {
        .plain_http = true,
        .auth = &f->auth,
        .retry = {.retries = COCO_RETRIES_NONE}, /* test_download.c has those */
    };
    _cleanup_source_ struct coco_source unused = {0};
    char text[128];

    httpd_start(&f->other, answer, &tokens, NULL);
    (void)snprintf(plan.challenge, sizeof(plan.challenge),
                   "WWW-Authenticate: Bearer realm=\"%s/token\",service=s\r\n", f->other.url);
    httpd_start(&f->httpd, answer, &plan, NULL);
    open_source(f, true, &unused);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d/acme/app:1", f->httpd.port);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf body = {.limit = 100};
        _cleanup_buf_ struct coco_buf type = {.limit = 100};
        _cleanup_source_ struct coco_source source = {0};
        coco_error *err = NULL;

        coco_status status = coco_registry_source(&opts, ref, &source, &err);
        if (status == COCO_OK)
            status = source.manifest(source.self, f->ctx, NULL, &body, &type, &err);
        fault_expect(status, err);
    }
    httpd_stop(&f->httpd);
    httpd_stop(&f->other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_manifest_is_asked_for_by_tag_and_by_digest),
        TEST(basic_is_answered_once),
        TEST(a_clone_knows_what_its_source_has_found_out),
        TEST(a_token_is_fetched_and_kept),
        TEST(answers_that_are_none_are_errors),
        TEST(token_servers_that_lie_are_refused),
        TEST(credentials_do_not_leave_tls),
        TEST(what_a_broker_keeps_is_got_again_once_it_is_refused),
        TEST(a_blob_elsewhere_is_fetched_without_credentials),
        TEST(a_challenge_from_elsewhere_is_not_answered),
        TEST(source_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/registry", tests, NULL, NULL);
}
