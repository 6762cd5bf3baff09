/*
 * tests/image/test_upload.c - lib/image/upload.c, against registries that lie and a real one
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/registry.h"

#include "base/context.h"
#include "net/url.h"
#include "tests/canary.h"
#include "tests/fakeclock.h"
#include "tests/faults.h"
#include "tests/httpd.h"
#include "tests/pki.h"
#include "tests/registry.h"
#include "tests/uploads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SEEN_MAX 32
#define BLOB_SIZE 300000
/* Of what is written at once: no divisor of anything. */
#define PIECE 7777
/* alice:s3cret */
#define ENCODED "YWxpY2U6czNjcmV0"
#define BASIC "Basic " ENCODED
#define TOKEN "t0ken-of-some-length"
#define UPLOADS "/v2/acme/app/blobs/uploads/"
#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

struct reply {
    const char *status, *headers, *body;
};

/* What a server says to each kind of request, and what it saw; read that after httpd_stop(). */
struct plan {
    struct reply head, post, patch, put;
    const char *authorization; /* what it wants to see; NULL: anybody is fine */
    char challenge[300];       /* the whole header line */
    const struct reply *early; /* not NULL: to a PATCH before its body, */
    bool cut;                  /* or the connection is closed there */
    const char *hang;          /* a method at which it cancels ctx and stalls */
    coco_ctx *ctx;

    unsigned n, n_begun; /* requests, and how many of them began */
    struct {
        char line[300];
        char authorization[100];
        char type[100];
        char coding[20];
        char length[20];
        size_t body_len;
        bool body_is_blob;
    } seen[SEEN_MAX];
};

static uint8_t blob[BLOB_SIZE];

static bool
look(void *user, const struct httpd_request *request)
{
    struct plan *plan = user;

    plan->n_begun++;
    if (strcmp(request->method, "PATCH") != 0)
        return true;
    if (plan->early) {
        (void)httpd_reply(request->httpd, plan->early->status, plan->early->headers,
                          plan->early->body);
        /* What is still on its way must be read, or it would destroy the answer. */
        httpd_hang(request->httpd);
        return false;
    }
    return !plan->cut;
}

static void
see(struct plan *plan, const struct httpd_request *request)
{
    unsigned i = plan->n++;

    if (i >= SEEN_MAX)
        return;
    (void)snprintf(plan->seen[i].line, sizeof(plan->seen[i].line), "%s %.280s", request->method,
                   request->target);
    httpd_header(request, "Authorization", plan->seen[i].authorization,
                 sizeof(plan->seen[i].authorization));
    httpd_header(request, "Content-Type", plan->seen[i].type, sizeof(plan->seen[i].type));
    httpd_header(request, "Transfer-Encoding", plan->seen[i].coding, sizeof(plan->seen[i].coding));
    httpd_header(request, "Content-Length", plan->seen[i].length, sizeof(plan->seen[i].length));
    plan->seen[i].body_len = request->body_len;
    plan->seen[i].body_is_blob =
        request->body_len <= BLOB_SIZE && memcmp(request->body, blob, request->body_len) == 0;
}

static bool
answer(void *user, const struct httpd_request *request)
{
    struct plan *plan = user;
    const struct reply *reply = &plan->put;
    char authorization[100];

    see(plan, request);
    if (plan->hang && strcmp(request->method, plan->hang) == 0) {
        coco_ctx_cancel(plan->ctx);
        httpd_hang(request->httpd);
        return false;
    }
    httpd_header(request, "Authorization", authorization, sizeof(authorization));
    if (plan->authorization && strcmp(authorization, plan->authorization) != 0)
        return httpd_reply(request->httpd, "401 Unauthorized", plan->challenge, "");
    if (strcmp(request->method, "HEAD") == 0)
        reply = &plan->head;
    else if (strcmp(request->method, "POST") == 0)
        reply = &plan->post;
    else if (strcmp(request->method, "PATCH") == 0)
        reply = &plan->patch;
    return httpd_reply(request->httpd, reply->status, reply->headers, reply->body);
}

/* A registry that does what it should. */
static const struct plan honest = {
    .head = {"404 Not Found", "", ""},
    .post = {"202 Accepted", "Location: " UPLOADS "1?state=a\r\n", ""},
    .patch = {"202 Accepted", "Location: " UPLOADS "1?state=b\r\n", ""},
    .put = {"201 Created", "", ""},
};

struct fixture {
    struct httpd httpd;
    struct httpd other;
    coco_ctx *ctx;
    struct coco_auth auth;
    struct coco_digest digest; /* of blob */
    char digest_text[COCO_DIGEST_TEXT_SIZE];
    char dir[64];
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    f->auth = (struct coco_auth){0};
    for (size_t i = 0; i < sizeof(blob); i++)
        blob[i] = (uint8_t)(i * i >> 5);
    assert_ok(coco_digest_of(COCO_SHA256, blob, sizeof(blob), &f->digest, &f->err), f->err);
    coco_digest_format(&f->digest, f->digest_text);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    make_temp_dir(f->dir, sizeof(f->dir));
    f->httpd.look = look;
    f->other.look = look;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    remove_temp_dir(f->dir);
    coco_ctx_free(f->ctx);
    coco_auth_done(&f->auth);
    coco_error_free(f->err);
    return 0;
}

/* A canceled one stays so. */
static void
renew_context(struct fixture *f)
{
    coco_ctx_free(f->ctx);
    f->ctx = NULL;
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
}

static void
set_credentials(struct fixture *f, const char *host)
{
    char text[200];

    int n = snprintf(text, sizeof(text), "{\"auths\":{\"%s\":{\"auth\":\"" ENCODED "\"}}}", host);
    coco_auth_done(&f->auth);
    assert_ok(coco_auth_add(&f->auth, text, (size_t)n, &f->err), f->err);
}

/* The destination host/acme/app and what is put behind it. */
static void
open_at(struct fixture *f, const char *host, const char *behind, struct coco_destination *ret)
{
    const struct coco_registry_options opts = {
        .plain_http = true,
        .auth = &f->auth,
        .retry = {.retries = COCO_RETRIES_NONE},
    };
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    char text[300];

    (void)snprintf(text, sizeof(text), "%s/acme/app%s", host, behind);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    assert_ok(coco_registry_destination(&opts, ref, ret, &f->err), f->err);
}

/* Starts the server that follows the plan and opens a destination in it. */
static void
begin(struct fixture *f, struct plan *plan, const char *behind, struct coco_destination *ret)
{
    char host[64];

    plan->n = 0;
    plan->n_begun = 0;
    httpd_start(&f->httpd, answer, plan, NULL);
    (void)snprintf(host, sizeof(host), "127.0.0.1:%d", f->httpd.port);
    if (plan->authorization)
        set_credentials(f, host);
    open_at(f, host, behind, ret);
}

/* The first len bytes of the blob. */
static coco_status
write_blob(const struct coco_sink *sink, size_t len, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t at = 0; status == COCO_OK && at < len; at += PIECE)
        status = coco_sink_write(sink, blob + at, len - at < PIECE ? len - at : PIECE, err);
    return status;
}

/* All of it, as whoever copies an image does. */
static coco_status
send_blob(struct fixture *f, const struct coco_destination *to, size_t len, coco_error **err)
{
    struct coco_sink sink = {0};

    coco_status status = to->begin_blob(to->self, f->ctx, &sink, err);
    if (status == COCO_OK)
        status = write_blob(&sink, len, err);
    if (status == COCO_OK)
        status = coco_sink_end(&sink, err);
    if (status == COCO_OK)
        status = to->commit_blob(to->self, f->ctx, &f->digest, len, err);
    if (status != COCO_OK)
        to->abort_blob(to->self);
    return status;
}

/* One blob to a server that follows the plan. */
static coco_status
send_to(struct fixture *f, struct plan *plan, size_t len)
{
    _cleanup_destination_ struct coco_destination to = {0};

    begin(f, plan, ":1", &to);
    coco_status status = send_blob(f, &to, len, &f->err);
    httpd_stop(&f->httpd);
    return status;
}

static void
an_upload_goes_only_where_a_url_of_http_leads(void **state)
{
    static const struct {
        const char *location, *why;
    } cases[] = {
        {"", "no Location"},
        {"X-Location: /x\r\n", "no Location"},
        {"Location: file:///etc/passwd\r\n", "scheme 'file'"},
        {"Location: ftp://127.0.0.1/x\r\n", "scheme 'ftp'"},
        {"Location: gopher://127.0.0.1/x\r\n", "scheme 'gopher'"},
        {"Location: http://alice:s3cret@127.0.0.1/x\r\n", "user and password"},
        {"Location: //alice@127.0.0.1/x\r\n", "user and password"},
        {"Location: http://\r\n", "not a URL"},
        {"Location: http://127.0.0.1:99999/x\r\n", "not a URL"},
        {"Location: http://127.0.0.1:x/x\r\n", "not a URL"},
        {"Location: http://a b/x\r\n", "not a URL"},
        {"Location: /x\x01y\r\n", "control bytes"},
        {"Location: /\x1b[2J\r\n", "control bytes"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++)
        for (unsigned stage = 0; stage < 2; stage++) {
            struct plan plan = honest;

            *(stage == 0 ? &plan.post.headers : &plan.patch.headers) = cases[i].location;
            coco_status status = send_to(f, &plan, 10);
            print_message("# case %zu: %s\n", i, coco_error_message(f->err));
            assert_fails(status, f->err, COCO_ERR_PROTO, cases[i].why);
            assert_int_equal(plan.n, stage + 1);
        }
}

static void
a_location_past_its_limit_is_refused(void **state)
{
    struct fixture *f = *state;
    struct plan plan = honest;
    static char location[COCO_URL_MAX + 100];

    memset(location, 'x', sizeof(location));
    memcpy(location, "Location: /", strlen("Location: /"));
    memcpy(location + sizeof(location) - 3, "\r\n", 3);
    plan.post.headers = location;
    assert_fails(send_to(f, &plan, 10), f->err, COCO_ERR_PROTO, "more than 8192 bytes");
    assert_int_equal(plan.n, 1);
}

static void
an_upload_does_not_leave_tls(void **state)
{
    struct fixture *f = *state;
    struct plan elsewhere = honest;
    struct plan plan = honest;
    _cleanup_destination_ struct coco_destination to = {0};
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    struct pki_cert ca = {0};
    struct pki_cert cert = {0};
    char location[128];
    char text[128];

    pki_make(&ca, NULL, NULL, 30);
    pki_make(&cert, &ca, "127.0.0.1", 30);
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(tls, cert.cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls, cert.key), 1);
    char *pem = pki_pem(&ca);
    const struct coco_registry_options opts = {.tls_ca = pem, .tls_ca_len = strlen(pem)};

    httpd_start(&f->other, answer, &elsewhere, NULL);
    (void)snprintf(location, sizeof(location), "Location: %s/x\r\n", f->other.url);
    plan.post.headers = location;
    httpd_start(&f->httpd, answer, &plan, tls);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d/acme/app:1", f->httpd.port);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    assert_ok(coco_registry_destination(&opts, ref, &to, &f->err), f->err);
    coco_status away = send_blob(f, &to, 10, &f->err);
    httpd_stop(&f->httpd);
    httpd_stop(&f->other);
    OPENSSL_free(pem);
    SSL_CTX_free(tls);
    pki_done(&cert);
    pki_done(&ca);
    assert_fails(away, f->err, COCO_ERR_PROTO, "from https to http");
    assert_int_equal(plan.n, 1);
    assert_int_equal(elsewhere.n, 0);
}

/* A registry may keep its blobs elsewhere; whoever that is gets no password (T13). */
static void
a_host_elsewhere_gets_the_blob_without_credentials(void **state)
{
    struct fixture *f = *state;
    struct plan store = honest;
    struct plan plan = honest;
    char to_store[128];
    char to_store_again[128];

    httpd_start(&f->other, answer, &store, NULL);
    (void)snprintf(to_store, sizeof(to_store), "Location: %s/store?sig=1\r\n", f->other.url);
    (void)snprintf(to_store_again, sizeof(to_store_again), "Location: %s/store?sig=2\r\n",
                   f->other.url);
    plan.authorization = BASIC;
    (void)snprintf(plan.challenge, sizeof(plan.challenge),
                   "WWW-Authenticate: Basic realm=\"x\"\r\n");
    plan.post.headers = to_store;
    store.patch.headers = to_store_again;
    coco_status status = send_to(f, &plan, BLOB_SIZE);
    httpd_stop(&f->other);
    assert_ok(status, f->err);
    assert_int_equal(plan.n, 2);
    assert_string_equal(plan.seen[1].authorization, BASIC);
    assert_int_equal(store.n, 2);
    assert_string_equal(store.seen[0].line, "PATCH /store?sig=1");
    assert_int_equal(store.seen[0].body_len, BLOB_SIZE);
    assert_true(store.seen[0].body_is_blob);
    assert_contains(store.seen[1].line, "PUT /store?sig=2&digest=sha256:");
    for (unsigned i = 0; i < 2; i++)
        assert_string_equal(store.seen[i].authorization, "");
}

static void
a_challenge_from_elsewhere_is_not_answered(void **state)
{
    struct fixture *f = *state;
    struct plan thief = honest;
    struct plan plan = honest;
    char location[128];

    thief.authorization = BASIC;
    (void)snprintf(thief.challenge, sizeof(thief.challenge),
                   "WWW-Authenticate: Basic realm=\"x\"\r\n");
    plan.authorization = BASIC;
    memcpy(plan.challenge, thief.challenge, sizeof(plan.challenge));
    httpd_start(&f->other, answer, &thief, NULL);
    (void)snprintf(location, sizeof(location), "Location: %s/x\r\n", f->other.url);
    /* Of a PATCH, and of a PUT */
    for (unsigned stage = 0; stage < 2; stage++) {
        *(stage == 0 ? &plan.post.headers : &plan.patch.headers) = location;
        coco_status status = send_to(f, &plan, 10);
        plan.post.headers = honest.post.headers;
        assert_fails(status, f->err, COCO_ERR_DENIED, "401");
    }
    httpd_stop(&f->other);
    assert_int_equal(thief.n, 2);
    assert_string_equal(thief.seen[0].authorization, "");
    assert_string_equal(thief.seen[1].authorization, "");
}

static void
answers_that_are_none_end_the_upload(void **state)
{
#define CODE(code) "{\"errors\":[{\"code\":\"" code "\",\"message\":\"m\"}]}"
    static const struct {
        unsigned stage; /* 0: POST, 1: PATCH, 2: PUT */
        const char *status, *headers, *body;
        coco_status want;
        const char *why;
    } cases[] = {
        {0, "200 OK", "Location: /x\r\n", "", COCO_ERR_NET, "upload: the registry answers 200"},
        {0, "201 Created", "Location: /x\r\n", "", COCO_ERR_NET, "upload: the registry answers"},
        {0, "307 Elsewhere", "Location: /x\r\n", "", COCO_ERR_NET, "answers 307"},
        {0, "400 No", "", CODE("NAME_INVALID"), COCO_ERR_NET, "400: NAME_INVALID: m"},
        {0, "401 No", "", CODE("UNAUTHORIZED"), COCO_ERR_DENIED, "401: UNAUTHORIZED: m"},
        {0, "403 No", "", CODE("DENIED"), COCO_ERR_DENIED, "403: DENIED: m"},
        {0, "404 No", "", CODE("NAME_UNKNOWN"), COCO_ERR_NOTFOUND, "404: NAME_UNKNOWN: m"},
        {0, "405 No", "", CODE("UNSUPPORTED"), COCO_ERR_NET, "405: UNSUPPORTED: m"},
        {0, "429 No", "", CODE("TOOMANYREQUESTS"), COCO_ERR_NET, "429: TOOMANYREQUESTS: m"},
        {0, "500 No", "", CODE("\\u001b[2J"), COCO_ERR_NET, "500: \\x1b[2J: m"},
        {0, "500 No", "", "<html>", COCO_ERR_NET, "500"},
        {0, "500 No", "", "{\"errors\":{}}", COCO_ERR_NET, "500"},
        {0, "500 No", "", "{\"errors\":[[]]}", COCO_ERR_NET, "500"},
        {1, "200 OK", "Location: /x\r\n", "", COCO_ERR_NET, "answers 200"},
        {1, "201 Created", "Location: /x\r\n", "", COCO_ERR_NET, "answers 201"},
        {1, "204 No Content", "Location: /x\r\n", "", COCO_ERR_NET, "answers 204"},
        {1, "308 Elsewhere", "Location: /x\r\n", "", COCO_ERR_NET, "answers 308"},
        {1, "401 No", "", "", COCO_ERR_DENIED, "answers 401"},
        {1, "404 No", "", CODE("BLOB_UPLOAD_UNKNOWN"), COCO_ERR_NOTFOUND, "BLOB_UPLOAD_UNKNOWN"},
        {1, "413 No", "", CODE("SIZE_INVALID"), COCO_ERR_NET, "413: SIZE_INVALID: m"},
        {1, "416 No", "", "", COCO_ERR_NET, "answers 416"},
        {2, "200 OK", "", "", COCO_ERR_NET, "blob: the registry answers 200"},
        {2, "202 Accepted", "", "", COCO_ERR_NET, "answers 202"},
        {2, "301 Elsewhere", "Location: /x\r\n", "", COCO_ERR_NET, "answers 301"},
        {2, "400 No", "", CODE("DIGEST_INVALID"), COCO_ERR_NET, "400: DIGEST_INVALID: m"},
        {2, "403 No", "", CODE("DENIED"), COCO_ERR_DENIED, "403: DENIED: m"},
        {2, "404 No", "", CODE("BLOB_UPLOAD_UNKNOWN"), COCO_ERR_NOTFOUND, "BLOB_UPLOAD_UNKNOWN"},
    };
#undef CODE
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct plan plan = honest;
        struct reply *const replies[] = {&plan.post, &plan.patch, &plan.put};

        *replies[cases[i].stage] = (struct reply){cases[i].status, cases[i].headers, cases[i].body};
        coco_status status = send_to(f, &plan, 10);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_fails(status, f->err, cases[i].want, cases[i].why);
        /* Of an upload that is gone, whether it has become the blob is asked once more. */
        bool looks = cases[i].stage == 2 && cases[i].want == COCO_ERR_NOTFOUND;
        assert_int_equal(plan.n, cases[i].stage + 1 + looks);
    }
}

static void
an_answer_before_the_end_is_a_refusal(void **state)
{
    static const struct {
        struct reply reply;
        coco_status want;
        const char *why;
    } cases[] = {
        {{"413 Too Large", "", "{\"errors\":[{\"code\":\"SIZE_INVALID\",\"message\":\"m\"}]}"},
         COCO_ERR_NET,
         "413: SIZE_INVALID: m"},
        {{"401 Unauthorized", "", ""}, COCO_ERR_DENIED, "401"},
        {{"404 Not Found", "", ""}, COCO_ERR_NOTFOUND, "404"},
        {{"202 Accepted", "Connection: close\r\nLocation: /x\r\n", ""},
         COCO_ERR_PROTO,
         "an answer in the middle of an upload"},
        {{"202 Accepted", "Connection: close\r\n", ""}, COCO_ERR_PROTO, "no Location"},
        {{"202 Accepted", "Connection: close\r\nLocation: file:///x\r\n", ""},
         COCO_ERR_PROTO,
         "scheme 'file'"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct plan plan = honest;
        _cleanup_destination_ struct coco_destination to = {0};
        struct coco_sink sink = {0};

        plan.early = &cases[i].reply;
        begin(f, &plan, ":1", &to);
        coco_status status = to.begin_blob(to.self, f->ctx, &sink, &f->err);
        /* Without an end: only the answer ends this. */
        while (status == COCO_OK)
            status = coco_sink_write(&sink, blob, PIECE, &f->err);
        to.abort_blob(to.self);
        httpd_stop(&f->httpd);
        assert_fails(status, f->err, cases[i].want, cases[i].why);
        assert_int_equal(plan.n_begun, 2);
    }
}

static void
a_connection_that_is_cut_is_told(void **state)
{
    struct fixture *f = *state;
    struct plan plan = honest;

    plan.cut = true;
    assert_fails(send_to(f, &plan, BLOB_SIZE), f->err, COCO_ERR_NET, "PATCH http://127.0.0.1");
    assert_int_equal(plan.n, 1);
    assert_int_equal(plan.n_begun, 2);
}

/* Without its last chunk and a PUT no registry takes it for a blob. */
static void
a_blob_given_up_is_never_ended(void **state)
{
    struct fixture *f = *state;
    struct plan plan = honest;
    _cleanup_destination_ struct coco_destination to = {0};
    struct coco_sink sink = {0};

    begin(f, &plan, ":1", &to);
    to.abort_blob(to.self); /* nothing yet */
    coco_status first = to.begin_blob(to.self, f->ctx, &sink, &f->err);
    if (first == COCO_OK)
        first = write_blob(&sink, BLOB_SIZE, &f->err);
    to.abort_blob(to.self);
    to.abort_blob(to.self);
    /* The destination is as good as new. */
    coco_status second = first == COCO_OK ? send_blob(f, &to, BLOB_SIZE, &f->err) : first;
    httpd_stop(&f->httpd);
    assert_ok(second, f->err);
    assert_int_equal(plan.n_begun, 5);
    /* POST, no PATCH that was whole; POST, PATCH, PUT */
    assert_int_equal(plan.n, 4);
    assert_string_equal(plan.seen[0].line, "POST " UPLOADS);
    assert_string_equal(plan.seen[1].line, "POST " UPLOADS);
    assert_true(plan.seen[2].body_is_blob);
}

static void
to_begin_gives_up_what_was_begun(void **state)
{
    struct fixture *f = *state;
    struct plan plan = honest;
    _cleanup_destination_ struct coco_destination to = {0};
    struct coco_sink sink = {0};

    begin(f, &plan, ":1", &to);
    coco_status status = to.begin_blob(to.self, f->ctx, &sink, &f->err);
    if (status == COCO_OK)
        status = write_blob(&sink, PIECE, &f->err);
    if (status == COCO_OK)
        status = send_blob(f, &to, BLOB_SIZE, &f->err);
    httpd_stop(&f->httpd);
    assert_ok(status, f->err);
    assert_int_equal(plan.n, 4);
    assert_int_equal(plan.seen[2].body_len, BLOB_SIZE);
    assert_true(plan.seen[2].body_is_blob);
}

static void
a_destination_may_go_in_the_middle_of_a_blob(void **state)
{
    struct fixture *f = *state;
    struct plan plan = honest;
    struct coco_destination to = {0};
    struct coco_sink sink = {0};

    begin(f, &plan, ":1", &to);
    coco_status status = to.begin_blob(to.self, f->ctx, &sink, &f->err);
    if (status == COCO_OK)
        status = write_blob(&sink, BLOB_SIZE, &f->err);
    coco_destination_done(&to);
    httpd_stop(&f->httpd);
    assert_ok(status, f->err);
    assert_int_equal(plan.n, 1);
    assert_null(to.self);
}

static void
a_cancel_ends_every_wait(void **state)
{
    static const char *const methods[] = {"POST", "PATCH", "PUT"};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(methods); i++) {
        struct plan plan = honest;

        plan.hang = methods[i];
        plan.ctx = f->ctx;
        assert_fails(send_to(f, &plan, BLOB_SIZE), f->err, COCO_ERR_CANCELED, "canceled");
        assert_int_equal(plan.n, i + 1);
        /* And nothing more is begun. */
        assert_fails(send_to(f, &plan, BLOB_SIZE), f->err, COCO_ERR_CANCELED, "canceled");
        assert_int_equal(plan.n, 0);
        renew_context(f);
    }
}

static void
a_blob_is_sent_in_one_patch(void **state)
{
    static const size_t sizes[] = {0, 1, PIECE, BLOB_SIZE};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct plan plan = honest;
        char put[300];

        assert_ok(send_to(f, &plan, sizes[i]), f->err);
        assert_int_equal(plan.n, 3);
        assert_string_equal(plan.seen[0].line, "POST " UPLOADS);
        assert_string_equal(plan.seen[0].length, "0");
        assert_string_equal(plan.seen[1].line, "PATCH " UPLOADS "1?state=a");
        assert_string_equal(plan.seen[1].type, "application/octet-stream");
        assert_string_equal(plan.seen[1].coding, "chunked");
        assert_int_equal(plan.seen[1].body_len, sizes[i]);
        assert_true(plan.seen[1].body_is_blob);
        (void)snprintf(put, sizeof(put), "PUT " UPLOADS "1?state=b&digest=%s", f->digest_text);
        assert_string_equal(plan.seen[2].line, put);
        assert_string_equal(plan.seen[2].length, "0");
    }
}

static void
a_location_may_be_of_any_form(void **state)
{
    static const struct {
        const char *location, *patch, *put;
    } cases[] = {
        {"Location: /x\r\n", "PATCH /x", "PUT /x?digest=sha256:"},
        {"LOCATION:\t/x \r\n", "PATCH /x", "PUT /x?digest=sha256:"},
        {"Location: 17\r\n", "PATCH " UPLOADS "17", "PUT " UPLOADS "17?digest=sha256:"},
        {"Location: ../17\r\n", "PATCH /v2/acme/app/blobs/17", "PUT /v2/acme/app/17?digest="},
        {"Location: ?a=b\r\n", "PATCH " UPLOADS "?a=b", "PUT " UPLOADS "?a=b&digest=sha256:"},
        {"Location: /x?a=b&c=%2F\r\n", "PATCH /x?a=b&c=%2F", "PUT /x?a=b&c=%2F&digest=sha256:"},
        /* A fragment is not sent, and does not swallow the digest. */
        {"Location: /x#y\r\n", "PATCH /x", "PUT /x?digest=sha256:"},
        {"Location: /x?a=b#y\r\n", "PATCH /x?a=b", "PUT /x?a=b&digest=sha256:"},
        {"Location: /a b\r\n", "PATCH /a%20b", "PUT /a%20b?digest=sha256:"},
        {"Location: /x\r\nLocation: /y\r\n", "PATCH /x", "PUT /x?digest=sha256:"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct plan plan = honest;

        plan.post.headers = cases[i].location;
        plan.patch.headers = cases[i].location;
        print_message("# case %zu\n", i);
        assert_ok(send_to(f, &plan, 10), f->err);
        assert_int_equal(plan.n, 3);
        assert_string_equal(plan.seen[1].line, cases[i].patch);
        assert_contains(plan.seen[2].line, cases[i].put);
    }
}

static void
a_blob_is_there_if_the_registry_says_200(void **state)
{
    static const struct {
        const char *status;
        coco_status want;
        bool there;
        const char *why;
    } cases[] = {
        {"200 OK", COCO_OK, true, NULL},
        {"404 Not Found", COCO_OK, false, NULL},
        {"201 Created", COCO_ERR_NET, false, "blob: the registry answers 201"},
        {"204 No Content", COCO_ERR_NET, false, "204"},
        {"206 Partial", COCO_ERR_NET, false, "206"},
        {"307 Nowhere", COCO_ERR_NET, false, "307"},
        {"400 No", COCO_ERR_NET, false, "400"},
        {"401 No", COCO_ERR_DENIED, false, "401"},
        {"403 No", COCO_ERR_DENIED, false, "403"},
        {"500 No", COCO_ERR_NET, false, "500"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct plan plan = honest;
        _cleanup_destination_ struct coco_destination to = {0};
        bool there = !cases[i].there;
        char line[300];

        plan.head = (struct reply){cases[i].status, "", ""};
        begin(f, &plan, ":1", &to);
        coco_status status = to.has_blob(to.self, f->ctx, &f->digest, &there, &f->err);
        httpd_stop(&f->httpd);
        (void)snprintf(line, sizeof(line), "HEAD /v2/acme/app/blobs/%s", f->digest_text);
        assert_int_equal(plan.n, 1);
        assert_string_equal(plan.seen[0].line, line);
        if (cases[i].want == COCO_OK) {
            assert_ok(status, f->err);
            assert_int_equal(there, cases[i].there);
            continue;
        }
        assert_fails(status, f->err, cases[i].want, cases[i].why);
        assert_int_equal(there, !cases[i].there);
    }
}

/* With credentials they are asked for once, and kept for what follows. */
static void
credentials_go_with_every_request(void **state)
{
    struct fixture *f = *state;
    struct plan tokens = honest;
    struct plan plan = honest;

    plan.authorization = BASIC;
    (void)snprintf(plan.challenge, sizeof(plan.challenge),
                   "WWW-Authenticate: Basic realm=\"x\"\r\n");
    assert_ok(send_to(f, &plan, BLOB_SIZE), f->err);
    assert_int_equal(plan.n, 4);
    assert_string_equal(plan.seen[0].authorization, "");
    for (unsigned i = 1; i < 4; i++)
        assert_string_equal(plan.seen[i].authorization, BASIC);

    httpd_start(&f->other, answer, &tokens, NULL);
    tokens.put = (struct reply){"200 OK", "", "{\"token\":\"" TOKEN "\"}"}; /* and of a GET */
    plan.authorization = "Bearer " TOKEN;
    (void)snprintf(plan.challenge, sizeof(plan.challenge),
                   "WWW-Authenticate: Bearer realm=\"%s/t\",service=\"s\"\r\n", f->other.url);
    coco_status status = send_to(f, &plan, BLOB_SIZE);
    httpd_stop(&f->other);
    assert_ok(status, f->err);
    assert_int_equal(tokens.n, 1);
    assert_string_equal(tokens.seen[0].line,
                        "GET /t?service=s&scope=repository%3Aacme%2Fapp%3Apull%2Cpush");
    assert_string_equal(tokens.seen[0].authorization, BASIC);
    assert_int_equal(plan.n, 4);
    for (unsigned i = 1; i < 4; i++)
        assert_string_equal(plan.seen[i].authorization, "Bearer " TOKEN);
}

static void
a_manifest_is_put_under_its_tag_or_digest(void **state)
{
#define DIGEST "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    static const struct {
        const char *behind, *line;
    } cases[] = {
        {":v1", "PUT /v2/acme/app/manifests/v1"},
        {"", "PUT /v2/acme/app/manifests/latest"},
        {"@" DIGEST, "PUT /v2/acme/app/manifests/" DIGEST},
        {":v1@" DIGEST, "PUT /v2/acme/app/manifests/v1"},
    };
#undef DIGEST
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct plan plan = honest;
        _cleanup_destination_ struct coco_destination to = {0};

        begin(f, &plan, cases[i].behind, &to);
        coco_status status =
            to.put_manifest(to.self, f->ctx, OCI_MANIFEST, blob, BLOB_SIZE, &f->digest, &f->err);
        httpd_stop(&f->httpd);
        assert_ok(status, f->err);
        assert_int_equal(plan.n, 1);
        assert_string_equal(plan.seen[0].line, cases[i].line);
        assert_string_equal(plan.seen[0].type, OCI_MANIFEST);
        assert_string_equal(plan.seen[0].length, "300000");
        assert_true(plan.seen[0].body_is_blob);
    }
}

static void
a_manifest_counts_only_when_it_is_created(void **state)
{
    static const struct {
        const char *status, *body;
        coco_status want;
        const char *why;
    } cases[] = {
        {"200 OK", "", COCO_ERR_NET, "manifest: the registry answers 200"},
        {"202 Accepted", "", COCO_ERR_NET, "202"},
        {"307 Elsewhere", "", COCO_ERR_NET, "307"},
        {"400 No", "{\"errors\":[{\"code\":\"MANIFEST_INVALID\",\"message\":\"m\"}]}", COCO_ERR_NET,
         "400: MANIFEST_INVALID: m"},
        {"400 No", "{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\",\"message\":\"m\"}]}",
         COCO_ERR_NOTFOUND, "MANIFEST_BLOB_UNKNOWN"},
        {"401 No", "", COCO_ERR_DENIED, "401"},
        {"405 No", "", COCO_ERR_NET, "405"},
        {"500 No", "", COCO_ERR_NET, "500"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct plan plan = honest;
        _cleanup_destination_ struct coco_destination to = {0};

        plan.put = (struct reply){cases[i].status, "Location: /x\r\n", cases[i].body};
        begin(f, &plan, ":1", &to);
        coco_status status =
            to.put_manifest(to.self, f->ctx, OCI_MANIFEST, blob, 100, &f->digest, &f->err);
        httpd_stop(&f->httpd);
        assert_fails(status, f->err, cases[i].want, cases[i].why);
        assert_int_equal(plan.n, 1);
    }
}

/* A manifest that was refused for want of credentials is sent again, whole. */
static void
a_manifest_is_sent_again_with_credentials(void **state)
{
    struct fixture *f = *state;
    struct plan plan = honest;
    _cleanup_destination_ struct coco_destination to = {0};

    plan.authorization = BASIC;
    (void)snprintf(plan.challenge, sizeof(plan.challenge), "WWW-Authenticate: Basic\r\n");
    begin(f, &plan, ":1", &to);
    coco_status status =
        to.put_manifest(to.self, f->ctx, OCI_MANIFEST, blob, BLOB_SIZE, &f->digest, &f->err);
    httpd_stop(&f->httpd);
    assert_ok(status, f->err);
    assert_int_equal(plan.n, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_string_equal(plan.seen[i].type, OCI_MANIFEST);
        assert_int_equal(plan.seen[i].body_len, BLOB_SIZE);
        assert_true(plan.seen[i].body_is_blob);
    }
}

static void
credentials_are_wiped_wherever_they_were(void **state)
{
    static const char *const canaries[] = {"alice:s3cret", ENCODED, TOKEN};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(canaries); i++)
        for (int bearer = 0; bearer < 2; bearer++) {
            struct plan tokens = honest;
            struct plan plan = honest;
            struct coco_destination to = {0};

            httpd_start(&f->other, answer, &tokens, NULL);
            tokens.put = (struct reply){"200 OK", "", "{\"token\":\"" TOKEN "\"}"};
            plan.authorization = bearer ? "Bearer " TOKEN : BASIC;
            (void)snprintf(plan.challenge, sizeof(plan.challenge),
                           bearer ? "WWW-Authenticate: Bearer realm=\"%s/t\"\r\n"
                                  : "WWW-Authenticate: Basic realm=\"%s\"\r\n",
                           f->other.url);
            canary_begin(canaries[i], strlen(canaries[i]));
            begin(f, &plan, ":1", &to);
            coco_status status = send_blob(f, &to, PIECE, &f->err);
            coco_destination_done(&to);
            coco_auth_done(&f->auth);
            unsigned leaks = canary_end();
            httpd_stop(&f->httpd);
            httpd_stop(&f->other);
            assert_ok(status, f->err);
            assert_int_equal(leaks, 0);
        }
}

static void
pushing_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    const struct coco_registry_options opts = {
        .plain_http = true,
        .auth = &f->auth,
        .retry = {.retries = COCO_RETRIES_NONE},
    };
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    struct plan plan = honest;
    char text[128];

    plan.authorization = BASIC;
    (void)snprintf(plan.challenge, sizeof(plan.challenge), "WWW-Authenticate: Basic\r\n");
    httpd_start(&f->httpd, answer, &plan, NULL);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d", f->httpd.port);
    set_credentials(f, text);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d/acme/app:1", f->httpd.port);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    for_each_fault()
    {
        _cleanup_destination_ struct coco_destination to = {0};
        coco_error *err = NULL;
        bool there = true;

        coco_status status = coco_registry_destination(&opts, ref, &to, &err);
        assert_int_equal(status == COCO_OK, to.self != NULL);
        if (status == COCO_OK)
            status = to.has_blob(to.self, f->ctx, &f->digest, &there, &err);
        if (status == COCO_OK)
            status = send_blob(f, &to, 3 * PIECE, &err);
        if (status == COCO_OK)
            status = to.put_manifest(to.self, f->ctx, OCI_MANIFEST, blob, 100, &f->digest, &err);
        fault_expect(status, err);
    }
    httpd_stop(&f->httpd);
}

/* As push.c does: what fails is done again as long as that may help. */
static coco_status
insist(struct fixture *f, const struct coco_destination *to, coco_error **err)
{
    const struct coco_descriptor known = {.digest = f->digest, .size = BLOB_SIZE};
    struct coco_sink sink = {0};
    bool again = false;
    coco_status status;

    do {
        coco_error_free(*err);
        *err = NULL;
        status = to->begin_blob(to->self, f->ctx, &sink, err);
        if (status == COCO_OK)
            status = write_blob(&sink, BLOB_SIZE, err);
        if (status == COCO_OK)
            status = coco_sink_end(&sink, err);
        if (status == COCO_OK)
            status = to->commit_blob(to->self, f->ctx, &f->digest, BLOB_SIZE, err);
        if (status != COCO_OK)
            assert_ok(to->retry_blob(to->self, f->ctx, &known, &again, &f->err), f->err);
    } while (status != COCO_OK && again);
    if (status != COCO_OK)
        to->abort_blob(to->self);
    return status;
}

/* A blob and a manifest to a registry with one fault. */
static coco_status
push_to(struct fixture *f, struct uploads *uploads, const struct upload_fault *fault,
        struct fake_clock *clock)
{
    const struct coco_registry_options opts = {
        .plain_http = true,
        .auth = &f->auth,
        /* Only a stall is waited for: on a busy machine a second passes without one. */
        .stall_timeout = fault && fault->harm == STALL ? 1 : 30,
        .retry = {.retries = 3, .clock = &clock->clock},
    };
    _cleanup_destination_ struct coco_destination to = {0};
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    char text[100];

    fake_clock_begin(clock);
    uploads_start(uploads, fault, blob, BLOB_SIZE);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d/acme/app:1", uploads->httpd.port);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    assert_ok(coco_registry_destination(&opts, ref, &to, &f->err), f->err);
    coco_error *err = NULL;
    coco_status status = insist(f, &to, &err);
    if (status == COCO_OK)
        status = to.put_manifest(to.self, f->ctx, OCI_MANIFEST, blob, 100, &f->digest, &err);
    coco_destination_done(&to);
    uploads_stop(uploads);
    f->err = err;
    return status;
}

static const struct upload_case {
    struct upload_fault fault;
    coco_status want; /* and if it is not COCO_OK: */
    const char *why;
    unsigned asked[3]; /* how many POST, PATCH and PUT there are */
    unsigned waits;
    size_t sent; /* bytes of the last PATCH; 0: all of the blob */
} upload_cases[] = {
    {{.name = "nothing"}, COCO_OK, NULL, {1, 1, 1}, 0, 0},
    {{.name = "500 to the POST", .stage = ON_POST, .harm = SAY, .status = "500 No"},
     COCO_OK,
     NULL,
     {2, 1, 1},
     1,
     0},
    {{.name = "502 to each POST",
      .stage = ON_POST,
      .harm = SAY,
      .times = ALWAYS,
      .status = "502 No"},
     COCO_ERR_NET,
     "502",
     {4, 0, 0},
     3,
     0},
    {{.name = "429 to the POST",
      .stage = ON_POST,
      .harm = SAY,
      .times = 2,
      .status = "429 No",
      .headers = "Retry-After: 7\r\n"},
     COCO_OK,
     NULL,
     {3, 1, 1},
     2,
     0},
    {{.name = "403 to the POST", .stage = ON_POST, .harm = SAY, .status = "403 No"},
     COCO_ERR_DENIED,
     "403",
     {1, 0, 0},
     0,
     0},
    {{.name = "the POST is cut", .stage = ON_POST, .harm = CUT}, COCO_OK, NULL, {2, 1, 1}, 1, 0},
    {{.name = "the answer to the POST is cut", .stage = ON_POST, .harm = CUT_AFTER},
     COCO_OK,
     NULL,
     {2, 1, 1},
     1,
     0},
    {{.name = "the PATCH is cut at once", .stage = ON_PATCH, .harm = CUT},
     COCO_OK,
     NULL,
     {2, 2, 1},
     1,
     0},
    {{.name = "the PATCH is cut", .stage = ON_PATCH, .harm = CUT, .had = 100000},
     COCO_OK,
     NULL,
     {1, 2, 1},
     1,
     200000},
    {{.name = "the PATCH is cut three times",
      .stage = ON_PATCH,
      .harm = CUT,
      .times = 3,
      .had = 70000},
     COCO_OK,
     NULL,
     {1, 4, 1},
     3,
     90000},
    {{.name = "the PATCH is cut often, but gains",
      .stage = ON_PATCH,
      .harm = CUT,
      .times = 8,
      .had = 20000},
     COCO_OK,
     NULL,
     {1, 9, 1},
     8,
     140000},
    {{.name = "each PATCH is cut and gains nothing",
      .stage = ON_PATCH,
      .harm = CUT,
      .times = ALWAYS},
     COCO_ERR_NET,
     "PATCH",
     {4, 4, 0},
     3,
     0},
    {{.name = "each PATCH is cut, and gains next to nothing",
      .stage = ON_PATCH,
      .harm = CUT,
      .times = ALWAYS,
      .had = 1000},
     COCO_ERR_NET,
     "PATCH",
     {1, 4, 0},
     3,
     0},
    {{.name = "the PATCH is cut behind its end", .stage = ON_PATCH, .harm = CUT_AFTER},
     COCO_OK,
     NULL,
     {1, 1, 1},
     1,
     0},
    {{.name = "the PATCH is cut behind its end, in vain", .stage = ON_PATCH, .harm = CUT_INSTEAD},
     COCO_OK,
     NULL,
     {2, 2, 1},
     1,
     0},
    {{.name = "the PATCH is cut, and its upload gone",
      .stage = ON_PATCH,
      .harm = CUT,
      .had = 100000,
      .forgotten = true},
     COCO_OK,
     NULL,
     {2, 2, 1},
     1,
     0},
    {{.name = "the PATCH is cut, and what came is spoilt",
      .stage = ON_PATCH,
      .harm = CUT,
      .had = 100000,
      .spoilt = true},
     COCO_OK,
     NULL,
     {2, 3, 2},
     2,
     0},
    {{.name = "the PATCH stalls", .stage = ON_PATCH, .harm = STALL, .had = 100000},
     COCO_OK,
     NULL,
     {1, 2, 1},
     1,
     200000},
    {{.name = "503 before the PATCH's end",
      .stage = ON_PATCH,
      .harm = SAY,
      .status = "503 No",
      .headers = "Retry-After: 3\r\n",
      .had = 100},
     COCO_OK,
     NULL,
     {1, 2, 1},
     1,
     BLOB_SIZE - 100},
    {{.name = "500 to the PATCH", .stage = ON_PATCH, .harm = SAY_INSTEAD, .status = "500 No"},
     COCO_OK,
     NULL,
     {2, 2, 1},
     1,
     0},
    {{.name = "500 to the PATCH, which is kept",
      .stage = ON_PATCH,
      .harm = SAY_AFTER,
      .status = "500 No"},
     COCO_OK,
     NULL,
     {1, 1, 1},
     1,
     0},
    {{.name = "429 to the PATCH",
      .stage = ON_PATCH,
      .harm = SAY_INSTEAD,
      .times = 2,
      .status = "429 No",
      .headers = "Retry-After: 2\r\n"},
     COCO_OK,
     NULL,
     {3, 3, 1},
     2,
     0},
    {{.name = "408 to each PATCH",
      .stage = ON_PATCH,
      .harm = SAY_INSTEAD,
      .times = ALWAYS,
      .status = "408 No"},
     COCO_ERR_NET,
     "408",
     {4, 4, 0},
     3,
     0},
    {{.name = "404 to the PATCH",
      .stage = ON_PATCH,
      .harm = SAY_INSTEAD,
      .status = "404 No",
      .forgotten = true},
     COCO_OK,
     NULL,
     {2, 2, 1},
     1,
     0},
    {{.name = "404 to each PATCH",
      .stage = ON_PATCH,
      .harm = SAY_INSTEAD,
      .times = ALWAYS,
      .status = "404 No"},
     COCO_ERR_NOTFOUND,
     "404",
     {4, 4, 0},
     3,
     0},
    {{.name = "416 to the PATCH", .stage = ON_PATCH, .harm = SAY_INSTEAD, .status = "416 No"},
     COCO_OK,
     NULL,
     {2, 2, 1},
     1,
     0},
    {{.name = "413 to the PATCH",
      .stage = ON_PATCH,
      .harm = SAY_INSTEAD,
      .times = ALWAYS,
      .status = "413 No"},
     COCO_ERR_NET,
     "413",
     {1, 1, 0},
     0,
     0},
    {{.name = "403 to the PATCH",
      .stage = ON_PATCH,
      .harm = SAY_INSTEAD,
      .times = ALWAYS,
      .status = "403 No"},
     COCO_ERR_DENIED,
     "403",
     {1, 1, 0},
     0,
     0},
    {{.name = "401 to the PATCH", .stage = ON_PATCH, .harm = SAY_INSTEAD, .status = "401 No"},
     COCO_OK,
     NULL,
     {2, 2, 1},
     1,
     0},
    {{.name = "401 to each PATCH",
      .stage = ON_PATCH,
      .harm = SAY_INSTEAD,
      .times = ALWAYS,
      .status = "401 No"},
     COCO_ERR_DENIED,
     "401",
     {2, 2, 0},
     1,
     0},
    {{.name = "cut, and no Range", .stage = ON_PATCH, .harm = CUT, .had = 100000, .range = ""},
     COCO_OK,
     NULL,
     {2, 2, 1},
     1,
     0},
    {{.name = "cut, and a Range that is none",
      .stage = ON_PATCH,
      .harm = CUT,
      .had = 100000,
      .range = "-5"},
     COCO_OK,
     NULL,
     {2, 2, 1},
     1,
     0},
    {{.name = "cut, and a Range from the middle",
      .stage = ON_PATCH,
      .harm = CUT,
      .had = 100000,
      .range = "5-99999"},
     COCO_OK,
     NULL,
     {2, 2, 1},
     1,
     0},
    {{.name = "cut, and a Range past the blob",
      .stage = ON_PATCH,
      .harm = CUT,
      .had = 100000,
      .range = "0-300000"},
     COCO_OK,
     NULL,
     {2, 2, 1},
     1,
     0},
    {{.name = "cut, and a Range past all numbers",
      .stage = ON_PATCH,
      .harm = CUT,
      .had = 100000,
      .range = "0-18446744073709551615"},
     COCO_OK,
     NULL,
     {2, 2, 1},
     1,
     0},
    {{.name = "cut, and a Range of more than came",
      .stage = ON_PATCH,
      .harm = CUT,
      .had = 100,
      .range = "0-199999"},
     COCO_OK,
     NULL,
     {2, 3, 1},
     2,
     0},
    {{.name = "cut, and a Range of all of it",
      .stage = ON_PATCH,
      .harm = CUT,
      .had = 100,
      .range = "0-299999"},
     COCO_OK,
     NULL,
     {2, 2, 2},
     2,
     0},
    {{.name = "cut, and a Range in bytes",
      .stage = ON_PATCH,
      .harm = CUT,
      .had = 100000,
      .range = "bytes=0-99999"},
     COCO_OK,
     NULL,
     {1, 2, 1},
     1,
     200000},
    {{.name = "cut, and no Location",
      .stage = ON_PATCH,
      .harm = CUT,
      .had = 100000,
      .location = ""},
     COCO_OK,
     NULL,
     {2, 2, 1},
     1,
     0},
    {{.name = "cut, and a Location elsewhere",
      .stage = ON_PATCH,
      .harm = CUT,
      .had = 100000,
      .location = "file:///x"},
     COCO_ERR_PROTO,
     "scheme 'file'",
     {1, 1, 0},
     1,
     0},
    {{.name = "500 to the question what there is",
      .stage = ON_STATUS,
      .harm = SAY,
      .status = "500 No"},
     COCO_OK,
     NULL,
     {1, 1, 1},
     0,
     0},
    {{.name = "500 to the PUT", .stage = ON_PUT, .harm = SAY, .status = "500 No"},
     COCO_OK,
     NULL,
     {1, 1, 2},
     1,
     0},
    {{.name = "504 to each PUT", .stage = ON_PUT, .harm = SAY, .times = ALWAYS, .status = "504 No"},
     COCO_ERR_NET,
     "504",
     {1, 1, 4},
     3,
     0},
    /* A connection that was kept and is cut libcurl itself gives another try. */
    {{.name = "the PUT is cut", .stage = ON_PUT, .harm = CUT, .times = 2},
     COCO_OK,
     NULL,
     {1, 1, 3},
     1,
     0},
    {{.name = "the answer to the PUT is cut", .stage = ON_PUT, .harm = CUT_AFTER, .times = 1},
     COCO_OK,
     NULL,
     {1, 1, 2},
     0,
     0},
    {{.name = "404 to the PUT", .stage = ON_PUT, .harm = SAY, .status = "404 No"},
     COCO_OK,
     NULL,
     {2, 2, 2},
     1,
     0},
    {{.name = "404 to each PUT", .stage = ON_PUT, .harm = SAY, .times = ALWAYS, .status = "404 No"},
     COCO_ERR_NOTFOUND,
     "404",
     {4, 4, 4},
     3,
     0},
    {{.name = "400 to the PUT", .stage = ON_PUT, .harm = SAY, .times = ALWAYS, .status = "400 No"},
     COCO_ERR_NET,
     "400",
     {1, 1, 1},
     0,
     0},
    {{.name = "503 to the manifest", .stage = ON_MANIFEST, .harm = SAY, .status = "503 No"},
     COCO_OK,
     NULL,
     {1, 1, 1},
     1,
     0},
    {{.name = "the manifest is cut", .stage = ON_MANIFEST, .harm = CUT, .times = 2},
     COCO_OK,
     NULL,
     {1, 1, 1},
     1,
     0},
    {{.name = "the answer to the manifest is cut",
      .stage = ON_MANIFEST,
      .harm = CUT_AFTER,
      .times = 2},
     COCO_OK,
     NULL,
     {1, 1, 1},
     1,
     0},
    {{.name = "400 to the manifest",
      .stage = ON_MANIFEST,
      .harm = SAY,
      .times = ALWAYS,
      .status = "400 No"},
     COCO_ERR_NET,
     "400",
     {1, 1, 1},
     0,
     0},
};

static void
faults_are_got_over_or_told_for_what_they_are(void **state)
{
    struct fixture *f = *state;
    struct uploads *uploads = calloc(1, sizeof(*uploads));

    assert_non_null(uploads);
    for (size_t i = 0; i < COUNT(upload_cases); i++) {
        const struct upload_case *one = &upload_cases[i];
        struct fake_clock clock;

        coco_status status = push_to(f, uploads, &one->fault, &clock);
        print_message("# %s: %s\n", one->fault.name,
                      f->err ? coco_error_message(f->err) : "got over");
        if (one->want == COCO_OK)
            assert_ok(status, f->err);
        else
            assert_fails(status, f->err, one->want, one->why);
        assert_int_equal(uploads_have(uploads, f->digest_text),
                         one->want == COCO_OK || one->fault.stage == ON_MANIFEST);
        assert_int_equal(uploads->manifests > 0, one->want == COCO_OK);
        assert_int_equal(uploads->asked[ON_POST], one->asked[0]);
        assert_int_equal(uploads->asked[ON_PATCH], one->asked[1]);
        assert_int_equal(uploads->asked[ON_PUT], one->asked[2]);
        assert_int_equal(clock.waits, one->waits);
        if (one->want == COCO_OK)
            assert_int_equal(uploads->patches[uploads->n_patches - 1].body_len,
                             one->sent ? one->sent : BLOB_SIZE);
    }
    free(uploads);
}

/* What is left of a blob is sent with its place and length, which a registry checks. */
static void
a_resumed_upload_says_where_it_goes_on(void **state)
{
    static const struct upload_fault fault = {
        .name = "cut", .stage = ON_PATCH, .harm = CUT, .times = 2, .had = 100001};
    struct fixture *f = *state;
    struct uploads *uploads = calloc(1, sizeof(*uploads));
    struct fake_clock clock;

    assert_non_null(uploads);
    assert_ok(push_to(f, uploads, &fault, &clock), f->err);
    assert_int_equal(uploads->n_patches, 3);
    assert_string_equal(uploads->patches[0].range, "");
    assert_string_equal(uploads->patches[1].range, "100001-299999");
    assert_string_equal(uploads->patches[2].range, "200002-299999");
    assert_string_equal(uploads->patches[2].length, "99998");
    assert_memory_equal(uploads->patches[2].start, blob + 200002, 64);
    free(uploads);
}

static void
a_registry_is_believed_when_it_says_how_long_to_wait(void **state)
{
    static const struct upload_fault fault = {.name = "429",
                                              .stage = ON_PATCH,
                                              .harm = SAY_INSTEAD,
                                              .status = "429 No",
                                              .headers = "Retry-After: 33\r\n"};
    struct fixture *f = *state;
    struct uploads *uploads = calloc(1, sizeof(*uploads));
    struct fake_clock clock;

    assert_non_null(uploads);
    assert_ok(push_to(f, uploads, &fault, &clock), f->err);
    assert_int_equal(clock.waits, 1);
    assert_in_range(clock.all, 33000, 33500);
    free(uploads);
}

/* htpasswd's line for alice and s3cret, with the least work bcrypt allows. */
#define HTPASSWD "alice:$2b$04$d2Y/IWQ1ffqMoYFuwZc21.Fi/8iOzIF9oWpIhauTtdTmPpR1kkbaC\n"

/* Starts docker-registry for alice alone. */
static void
start_real_registry(struct fixture *f, struct registry *registry)
{
    char more[300];
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/htpasswd", f->dir);
    write_text_under(f->dir, "htpasswd", HTPASSWD);
    (void)snprintf(more, sizeof(more), "auth: {htpasswd: {realm: r, path: %s}}\n", path);
    registry_start(registry, f->dir, more, "");
}

static void
a_real_registry_takes_what_is_whole_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct coco_destination to = {0};
    struct coco_destination stranger = {0};
    struct registry registry = {0};
    struct coco_sink sink = {0};
    coco_error *errs[3] = {NULL};
    bool before = true;
    bool after = false;

    start_real_registry(f, &registry);
    open_at(f, registry.host, ":1", &stranger);
    coco_status denied = send_blob(f, &stranger, BLOB_SIZE, &errs[0]);
    set_credentials(f, registry.host);
    open_at(f, registry.host, ":1", &to);
    /* Half of it, given up, and another half under the digest of the whole */
    coco_status given_up = to.begin_blob(to.self, f->ctx, &sink, &errs[1]);
    if (given_up == COCO_OK)
        given_up = write_blob(&sink, BLOB_SIZE / 2, &errs[1]);
    to.abort_blob(to.self);
    coco_status wrong = send_blob(f, &to, BLOB_SIZE / 2, &errs[2]);
    coco_status status = to.has_blob(to.self, f->ctx, &f->digest, &before, &f->err);
    if (status == COCO_OK)
        status = send_blob(f, &to, BLOB_SIZE, &f->err);
    if (status == COCO_OK)
        status = to.has_blob(to.self, f->ctx, &f->digest, &after, &f->err);
    coco_destination_done(&to);
    coco_destination_done(&stranger);
    registry_stop(&registry);
    assert_fails(denied, errs[0], COCO_ERR_DENIED, "401: UNAUTHORIZED");
    assert_ok(given_up, errs[1]);
    assert_fails(wrong, errs[2], COCO_ERR_NET, "400: DIGEST_INVALID");
    assert_ok(status, f->err);
    assert_false(before);
    assert_true(after);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_upload_goes_only_where_a_url_of_http_leads),
        TEST(a_location_past_its_limit_is_refused),
        TEST(an_upload_does_not_leave_tls),
        TEST(a_host_elsewhere_gets_the_blob_without_credentials),
        TEST(a_challenge_from_elsewhere_is_not_answered),
        TEST(answers_that_are_none_end_the_upload),
        TEST(an_answer_before_the_end_is_a_refusal),
        TEST(a_connection_that_is_cut_is_told),
        TEST(a_blob_given_up_is_never_ended),
        TEST(to_begin_gives_up_what_was_begun),
        TEST(a_destination_may_go_in_the_middle_of_a_blob),
        TEST(a_cancel_ends_every_wait),
        TEST(a_blob_is_sent_in_one_patch),
        TEST(a_location_may_be_of_any_form),
        TEST(a_blob_is_there_if_the_registry_says_200),
        TEST(credentials_go_with_every_request),
        TEST(a_manifest_is_put_under_its_tag_or_digest),
        TEST(a_manifest_counts_only_when_it_is_created),
        TEST(a_manifest_is_sent_again_with_credentials),
        TEST(credentials_are_wiped_wherever_they_were),
        TEST(pushing_survives_any_failed_allocation),
        TEST(faults_are_got_over_or_told_for_what_they_are),
        TEST(a_resumed_upload_says_where_it_goes_on),
        TEST(a_registry_is_believed_when_it_says_how_long_to_wait),
        TEST(a_real_registry_takes_what_is_whole_and_nothing_else),
    };

    return cmocka_run_group_tests_name("image/upload", tests, NULL, NULL);
}
