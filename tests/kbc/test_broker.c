/*
 * tests/kbc/test_broker.c - lib/kbc/broker.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/broker.h"

#include "base/context.h"
#include "tests/faults.h"
#include "tests/httpd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ERRORS "https://github.com/confidential-containers/kbs/errors/"

/* What the server says to everything, and what it was last asked. */
struct script {
    const char *status;
    const char *headers;
    const char *body;
    unsigned busy; /* how often it says so first */
    unsigned cut;  /* how often it says nothing first */
    char method[16];
    char target[128];
    char cookie[256];
    char authorization[64];
    char content_type[64];
    char traceparent[128];
    char request_body[64];
};

struct fixture {
    struct httpd httpd;
    struct script script;
    coco_ctx *ctx;
    struct coco_broker *broker;
    struct coco_cookies jar;
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
    httpd_header(request, "cookie", script->cookie, sizeof(script->cookie));
    httpd_header(request, "authorization", script->authorization, sizeof(script->authorization));
    httpd_header(request, "content-type", script->content_type, sizeof(script->content_type));
    httpd_header(request, "traceparent", script->traceparent, sizeof(script->traceparent));
    if (script->busy > 0 && script->busy-- > 0)
        return httpd_reply(request->httpd, "503 Service Unavailable", "Retry-After: 0\r\n", "{}");
    if (script->cut > 0 && script->cut-- > 0)
        return false;
    return httpd_reply(request->httpd, script->status, script->headers, script->body);
}

/* A clock on which every wait is over at once. */
static unsigned waits;

static int64_t
no_now(void *self)
{
    (void)self;
    return 1800000000;
}

static coco_status
no_wait(void *self, coco_ctx *ctx, uint64_t ms, coco_error **err)
{
    (void)self;
    (void)ms;
    waits++;
    return coco_ctx_check(ctx, err);
}

static void
set_retries(struct fixture *f, uint32_t retries)
{
    static const struct coco_clock clock = {.now = no_now, .wait = no_wait};
    const struct coco_retry_policy policy = {.retries = retries, .clock = &clock};

    coco_broker_set_retry(f->broker, &policy);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    f->script = (struct script){.status = "200 OK", .headers = "", .body = "{}"};
    assert_int_equal(setenv("no_proxy", "*", 1), 0);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    httpd_start(&f->httpd, answer, &f->script, NULL);
    assert_ok(coco_broker_new(f->httpd.url, &f->broker, &f->err), f->err);
    set_retries(f, 0);
    waits = 0;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_broker_free(f->broker);
    coco_cookies_done(&f->jar);
    httpd_stop(&f->httpd);
    coco_ctx_free(f->ctx);
    return 0;
}

static coco_status
get(struct fixture *f, const char *path, struct coco_broker_answer *ret)
{
    struct coco_broker_request request = {
        .method = "GET",
        .path = path,
        .cookies = &f->jar,
        .jar = &f->jar,
    };

    return coco_broker_do(f->broker, f->ctx, &request, ret, &f->err);
}

static void
a_request_arrives_as_it_was_meant(void **state)
{
    struct fixture *f = *state;
    _cleanup_answer_ struct coco_broker_answer got = {0};
    struct coco_broker_request request = {
        .method = "POST",
        .path = "/auth",
        .content_type = "application/json",
        .token = "a.b.c",
        .body = "body",
        .len = 4,
    };

    assert_ok(coco_broker_do(f->broker, f->ctx, &request, &got, &f->err), f->err);
    assert_int_equal(got.status, 200);
    assert_string_equal(coco_buf_text(&got.body), "{}");
    assert_string_equal(f->script.method, "POST");
    assert_string_equal(f->script.target, "/kbs/v0/auth");
    assert_string_equal(f->script.authorization, "Bearer a.b.c");
    assert_string_equal(f->script.content_type, "application/json");
    assert_string_equal(f->script.request_body, "body");
    assert_string_equal(f->script.cookie, "");
}

static void
a_request_is_part_of_the_callers_trace(void **state)
{
    static const char given[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    struct fixture *f = *state;
    char last[64] = "";

    for (unsigned i = 0; i < 2; i++) {
        _cleanup_answer_ struct coco_broker_answer got = {0};
        char read[COCO_TRACEPARENT_SIZE];

        assert_ok(coco_ctx_set_traceparent(f->ctx, given, &f->err), f->err);
        assert_ok(get(f, "/x", &got), f->err);
        assert_true(coco_traceparent_parse(f->script.traceparent, read));
        assert_memory_equal(read, given, 3 + 32 + 1);
        /* Each is a step of its own. */
        assert_string_not_equal(read, given);
        assert_string_not_equal(read, last);
        assert_string_equal(read + 52, "-01");
        (void)snprintf(last, sizeof(last), "%s", read);
    }
    _cleanup_answer_ struct coco_broker_answer got = {0};
    assert_ok(coco_ctx_set_traceparent(f->ctx, NULL, &f->err), f->err);
    assert_ok(get(f, "/x", &got), f->err);
    assert_string_equal(f->script.traceparent, "");
}

static void
a_prefix_in_the_url_is_kept(void **state)
{
    static const struct {
        const char *suffix;
        const char *target;
    } cases[] = {
        {"", "/kbs/v0/x"},
        {"/", "/kbs/v0/x"},
        {"/tenant", "/tenant/kbs/v0/x"},
        {"/tenant/a///", "/tenant/a/kbs/v0/x"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_answer_ struct coco_broker_answer got = {0};
        char url[128];

        coco_broker_free(f->broker);
        f->broker = NULL;
        (void)snprintf(url, sizeof(url), "%s%s", f->httpd.url, cases[i].suffix);
        assert_ok(coco_broker_new(url, &f->broker, &f->err), f->err);
        f->script.headers = "Set-Cookie: a=1\r\n";
        assert_ok(get(f, "/x", &got), f->err);
        assert_string_equal(f->script.target, cases[i].target);
        coco_broker_answer_done(&got);
        assert_ok(get(f, "/x", &got), f->err);
        assert_string_equal(f->script.cookie, "a=1");
    }
}

static void
every_cookie_of_an_answer_counts(void **state)
{
    struct fixture *f = *state;
    _cleanup_answer_ struct coco_broker_answer got = {0};

    f->script.headers = "Set-Cookie: lb=7; Path=/\r\nX-Other: set-cookie: no=1\r\n"
                        "SET-COOKIE: kbs-session-id=8af6; Expires=never\r\n";
    assert_ok(get(f, "/auth", &got), f->err);
    coco_broker_answer_done(&got);
    assert_ok(get(f, "/attest", &got), f->err);
    assert_string_equal(f->script.cookie, "kbs-session-id=8af6; lb=7");

    coco_broker_answer_done(&got);
    coco_cookies_done(&f->jar);
    f->script.headers = "";
    assert_ok(get(f, "/auth", &got), f->err);
    assert_string_equal(f->script.cookie, "");
}

static void
answers_mean_what_they_say(void **state)
{
    static const struct {
        const char *status;
        const char *body;
        coco_status want;
        const char *why;
    } cases[] = {
        {"200 OK", "", COCO_OK, NULL},
        {"201 Created", "", COCO_ERR_PROTO, "201"},
        {"302 Found", "", COCO_ERR_PROTO, "redirects"},
        {"308 Permanent Redirect", "", COCO_ERR_PROTO, "redirects"},
        {"400 Bad Request", "", COCO_ERR_PROTO, "400"},
        {"401 Unauthorized", "{\"type\":\"" ERRORS "PolicyDeny\",\"detail\":\"No\"}",
         COCO_ERR_DENIED, "the KBS says: No (401 PolicyDeny)"},
        {"403 Forbidden", "{\"type\":\"" ERRORS "PolicyDeny\",\"detail\":\"No\",\"id\":\"d-1\"}",
         COCO_ERR_DENIED, "No (403 PolicyDeny, id d-1)"},
        {"403 Forbidden", "<html>", COCO_ERR_DENIED, "HTTP status 403"},
        {"404 Not Found", "{\"type\":\"x\",\"detail\":\"Gone\"}", COCO_ERR_NOTFOUND, "Gone (404)"},
        {"405 Method Not Allowed", "", COCO_ERR_PROTO, "405"},
        {"413 Payload Too Large", "", COCO_ERR_LIMIT, "413"},
        {"418 I'm a teapot", "", COCO_ERR_PROTO, "418"},
        {"429 Too Many Requests", "", COCO_ERR_NET, "429"},
        {"500 Internal Server Error", "{\"type\":[],\"detail\":1}", COCO_ERR_NET, "500"},
        {"503 Service Unavailable", "{\"type\":\"x\",\"detail\":\"\\u001b[31m\"}", COCO_ERR_NET,
         "\\x1b[31m"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_answer_ struct coco_broker_answer got = {0};

        f->script.status = cases[i].status;
        f->script.body = cases[i].body;
        f->script.headers = "Location: http://127.0.0.1:1/\r\n";
        assert_ok(get(f, "/x", &got), f->err);
        assert_int_equal(got.status, strtol(cases[i].status, NULL, 10));
        if (cases[i].want == COCO_OK)
            assert_ok(coco_broker_check(&got, &f->err), f->err);
        else
            assert_fails(coco_broker_check(&got, &f->err), f->err, cases[i].want, cases[i].why);
    }
}

static void
a_success_is_no_error_information(void **state)
{
    struct fixture *f = *state;
    _cleanup_answer_ struct coco_broker_answer got = {0};

    f->script.body = "{\"type\":\"" ERRORS "PolicyDeny\",\"detail\":\"No\"}";
    assert_ok(get(f, "/x", &got), f->err);
    assert_false(coco_broker_said(&got, "PolicyDeny"));
    assert_ok(coco_broker_check(&got, &f->err), f->err);
}

static void
a_flood_of_cookies_is_refused(void **state)
{
    struct fixture *f = *state;
    struct coco_broker_answer got = {0};
    char headers[2048] = "";

    for (int i = 0; i < 20; i++) {
        size_t len = strlen(headers);
        (void)snprintf(headers + len, sizeof(headers) - len, "Set-Cookie: c%d=1\r\n", i);
    }
    f->script.headers = headers;
    assert_fails(get(f, "/x", &got), f->err, COCO_ERR_LIMIT, "cookies");
    assert_null(got.body.data);
}

static void
a_request_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    f->script.headers = "Set-Cookie: a=1\r\n";
    for_each_fault()
    {
        struct coco_broker_answer got = {0};

        coco_cookies_done(&f->jar);
        coco_status status = get(f, "/x", &got);
        fault_expect(status, f->err);
        coco_broker_answer_done(&got);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* One that says when to come back is asked eight times more, any other that fails four times. */
static void
a_broker_that_is_busy_is_asked_again(void **state)
{
    static const struct {
        unsigned busy;
        unsigned cut;
        const char *then;
        coco_status want;
        unsigned waits;
    } cases[] = {
        {2, 0, "200 OK", COCO_OK, 2},
        {8, 0, "200 OK", COCO_OK, 8},
        {9, 0, "200 OK", COCO_ERR_NET, 8},
        {3, 2, "200 OK", COCO_OK, 4},
        {0, 0, "503 Service Unavailable", COCO_ERR_NET, 4},
        {0, 0, "429 Too Many Requests", COCO_ERR_NET, 4},
        {0, 0, "401 Unauthorized", COCO_ERR_DENIED, 0},
        {0, 0, "403 Forbidden", COCO_ERR_DENIED, 0},
        {0, 0, "404 Not Found", COCO_ERR_NOTFOUND, 0},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_answer_ struct coco_broker_answer got = {0};
        const struct coco_broker_request request = {
            .method = "POST",
            .path = "/attest",
            .body = "x",
            .len = 1,
        };

        f->script.busy = cases[i].busy;
        f->script.cut = cases[i].cut;
        f->script.status = cases[i].then;
        waits = 0;
        coco_status status = coco_broker_do(f->broker, f->ctx, &request, &got, &f->err);
        if (status == COCO_OK)
            status = coco_broker_check(&got, &f->err);
        assert_int_equal(status, cases[i].want);
        assert_int_equal(waits, cases[i].waits);
        assert_string_equal(f->script.request_body, "x");
        /* A connection that was kept and is gone is replaced without a wait. */
        if (status == COCO_OK)
            assert_in_range(got.sent, waits + 1, waits + 2);
        coco_error_free(f->err);
        f->err = NULL;
    }
}

static void
without_retries_nothing_is_asked_twice(void **state)
{
    struct fixture *f = *state;
    _cleanup_answer_ struct coco_broker_answer got = {0};

    set_retries(f, COCO_RETRIES_NONE);
    f->script.busy = 1;
    assert_ok(get(f, "/x", &got), f->err);
    assert_int_equal(got.status, 503);
    f->script.cut = 2;
    coco_broker_answer_done(&got);
    assert_fails(get(f, "/x", &got), f->err, COCO_ERR_NET, "");
    assert_int_equal(waits, 0);
}

/* Its leader is down, and another will be up. */
static void
who_stands_by_is_asked_again_where_that_may_be(void **state)
{
    struct coco_broker_request request = {.method = "GET", .path = "/x", .away = true};
    struct fixture *f = *state;
    _cleanup_answer_ struct coco_broker_answer got = {0};

    f->script.status = "307 Temporary Redirect";
    assert_ok(coco_broker_do(f->broker, f->ctx, &request, &got, &f->err), f->err);
    assert_int_equal(got.status, 307);
    assert_int_equal(waits, 4);
    coco_broker_answer_done(&got);
    f->script.status = "308 Permanent Redirect";
    assert_ok(coco_broker_do(f->broker, f->ctx, &request, &got, &f->err), f->err);
    coco_broker_answer_done(&got);
    request.away = false;
    f->script.status = "307 Temporary Redirect";
    assert_ok(coco_broker_do(f->broker, f->ctx, &request, &got, &f->err), f->err);
    assert_int_equal(waits, 4);
}

/* The first request of a connection: then it is no old one that is gone. */
static void
a_broker_that_is_gone_is_asked_again(void **state)
{
    static const struct {
        unsigned cut;
        coco_status want;
        unsigned sent;
    } cases[] = {{4, COCO_OK, 5}, {5, COCO_ERR_NET, 5}};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_answer_ struct coco_broker_answer got = {0};

        coco_broker_free(f->broker);
        f->broker = NULL;
        assert_ok(coco_broker_new(f->httpd.url, &f->broker, &f->err), f->err);
        set_retries(f, 0);
        waits = 0;
        f->script.cut = cases[i].cut;
        assert_int_equal(get(f, "/x", &got), cases[i].want);
        assert_int_equal(waits, 4);
        assert_int_equal(got.sent, cases[i].sent);
        coco_error_free(f->err);
        f->err = NULL;
    }
}

/* Whether it was done, nobody knows. */
static void
what_may_be_done_once_is_not_asked_for_twice(void **state)
{
    struct fixture *f = *state;
    _cleanup_answer_ struct coco_broker_answer got = {0};
    const struct coco_broker_request request = {.method = "DELETE", .path = "/x", .once = true};

    f->script.cut = 1;
    assert_fails(coco_broker_do(f->broker, f->ctx, &request, &got, &f->err), f->err, COCO_ERR_NET,
                 "");
    assert_int_equal(waits, 0);
    assert_int_equal(got.sent, 1);
    /* Nor where libcurl would, for a connection that was kept. */
    assert_ok(get(f, "/x", &got), f->err);
    coco_broker_answer_done(&got);
    f->script.cut = 1;
    assert_fails(coco_broker_do(f->broker, f->ctx, &request, &got, &f->err), f->err, COCO_ERR_NET,
                 "lost");
    assert_int_equal(waits, 0);
    f->script.busy = 1;
    assert_ok(coco_broker_do(f->broker, f->ctx, &request, &got, &f->err), f->err);
    assert_int_equal(got.status, 200);
    assert_int_equal(waits, 1);
}

static void
a_wait_ends_when_the_context_is_canceled(void **state)
{
    struct fixture *f = *state;
    struct coco_broker_answer got = {0};

    f->script.busy = 1;
    coco_ctx_cancel(f->ctx);
    assert_fails(get(f, "/x", &got), f->err, COCO_ERR_CANCELED, "");
}

static void
a_broker_is_reached_through_a_proxy(void **state)
{
    struct fixture *f = *state;
    _cleanup_answer_ struct coco_broker_answer got = {0};

    coco_broker_free(f->broker);
    f->broker = NULL;
    assert_ok(coco_broker_new("http://kbs.test", &f->broker, &f->err), f->err);
    assert_fails(coco_broker_set_proxy(f->broker, "ftp://x", NULL, &f->err), f->err,
                 COCO_ERR_INVALID, "");
    assert_ok(coco_broker_set_proxy(f->broker, f->httpd.url, NULL, &f->err), f->err);
    assert_ok(get(f, "/x", &got), f->err);
    assert_string_equal(f->script.target, "http://kbs.test/kbs/v0/x");
}

static void
what_is_no_certificate_is_said_at_once(void **state)
{
    struct fixture *f = *state;
    _cleanup_answer_ struct coco_broker_answer got = {0};

    assert_fails(coco_broker_set_ca(f->broker, "x", 1, &f->err), f->err, COCO_ERR_PROTO, "");
    assert_ok(get(f, "/x", &got), f->err);
}

#define THREADS 4
#define ROUNDS 50

struct worker {
    pthread_t thread;
    struct fixture *f;
    unsigned good;
};

static void *
ask_often(void *self)
{
    struct worker *worker = self;
    const struct coco_broker_request request = {.method = "GET", .path = "/x"};

    for (unsigned i = 0; i < ROUNDS; i++) {
        _cleanup_answer_ struct coco_broker_answer got = {0};

        if (coco_broker_do(worker->f->broker, worker->f->ctx, &request, &got, NULL) == COCO_OK
            && got.status == 200 && strcmp(coco_buf_text(&got.body), "{}") == 0)
            worker->good++;
    }
    return NULL;
}

static void
threads_share_a_broker(void **state)
{
    struct fixture *f = *state;
    struct worker workers[THREADS];

    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.f = f};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, ask_often, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].good, ROUNDS);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_arrives_as_it_was_meant),
        TEST(a_request_is_part_of_the_callers_trace),
        TEST(a_prefix_in_the_url_is_kept),
        TEST(every_cookie_of_an_answer_counts),
        TEST(answers_mean_what_they_say),
        TEST(a_success_is_no_error_information),
        TEST(a_flood_of_cookies_is_refused),
        TEST(a_broker_that_is_busy_is_asked_again),
        TEST(a_broker_that_is_gone_is_asked_again),
        TEST(without_retries_nothing_is_asked_twice),
        TEST(who_stands_by_is_asked_again_where_that_may_be),
        TEST(what_may_be_done_once_is_not_asked_for_twice),
        TEST(a_wait_ends_when_the_context_is_canceled),
        TEST(a_broker_is_reached_through_a_proxy),
        TEST(what_is_no_certificate_is_said_at_once),
        TEST(threads_share_a_broker),
        TEST(a_request_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
