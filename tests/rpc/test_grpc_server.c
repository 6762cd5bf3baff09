/*
 * tests/rpc/test_grpc_server.c - lib/rpc/grpc_server.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/context.h"
#include "base/fail.h"
#include "rpc/grpc_exchange.h"
#include "rpc/message.h"
#include "rpc/service.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/rpc/frames.h"

#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define HEAD ":method: POST\n:scheme: http\n:path: /a.B/Echo\n:authority: x\n"
#define GRPC "content-type: application/grpc\nte: trailers\n"

struct fixture {
    void *server;
    unsigned calls;
    struct coco_buf wire; /* from the client */
    struct coco_buf sent; /* to the client */
    coco_ctx *ctx;
    coco_error *err;
    struct coco_rpc_service service;
};

static struct fixture fixture;

static coco_status
echo(void *self, coco_ctx *ctx, const char *method, const uint8_t *message, size_t len,
     struct coco_buf *reply, coco_error **err)
{
    struct fixture *f = self;

    f->calls++;
    if (!ctx || strcmp(method, "/a.B/Echo") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "no method %s", method);
    if (len == 4 && memcmp(message, "deny", 4) == 0)
        return coco_fail(err, COCO_ERR_DENIED, "100%% no: \xc3\xbc");
    return coco_buf_append(reply, message, len, err);
}

static void
open_server(struct fixture *f)
{
    f->server = NULL;
    f->wire = (struct coco_buf){.limit = 16 << 20};
    f->sent = (struct coco_buf){.limit = 16 << 20};
    assert_ok(coco_grpc_protocol.open(&f->service, f->ctx, &f->server, &f->err), f->err);
    assert_ok(coco_buf_append_text(&f->wire, PREFACE, &f->err), f->err);
    put_frame(&f->wire, SETTINGS, 0, 0, NULL, 0);
}

static void
close_server(struct fixture *f)
{
    coco_grpc_protocol.close(f->server);
    coco_buf_done(&f->wire);
    coco_buf_done(&f->sent);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){.service = {echo, f}};
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    open_server(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    close_server(f);
    coco_ctx_free(f->ctx);
    return 0;
}

static void
again(struct fixture *f)
{
    close_server(f);
    open_server(f);
}

static coco_status
drain(struct fixture *f)
{
    coco_status status = COCO_OK;
    const uint8_t *data = NULL;
    size_t len = 1;

    while (status == COCO_OK && len > 0) {
        status = coco_grpc_protocol.pending(f->server, &data, &len, &f->err);
        if (status == COCO_OK)
            status = coco_buf_append(&f->sent, data, len, &f->err);
    }
    return status;
}

static coco_status
run(struct fixture *f, size_t step)
{
    coco_status status = drain(f);

    for (size_t at = 0; at < f->wire.len && status == COCO_OK; at += step) {
        size_t n = f->wire.len - at < step ? f->wire.len - at : step;

        status = coco_grpc_protocol.feed(f->server, f->wire.data + at, n, &f->err);
        if (status == COCO_OK)
            status = drain(f);
    }
    return status;
}

/* A client of ours and the server, each with what the other says. */
static coco_status
ask(struct fixture *f, const char *method, const char *message, size_t len, struct coco_buf *reply)
{
    _cleanup_(coco_grpc_exchange_freep) struct coco_grpc_exchange *client = NULL;
    const struct coco_grpc_request request = {
        .method = method, .authority = "x", .message = message, .len = len, .timeout_ms = 5};
    const uint8_t *data = NULL;
    size_t n = 1;
    size_t m = 1;

    coco_status status = coco_grpc_exchange_new(&request, &client, &f->err);
    while (status == COCO_OK && (n > 0 || m > 0)) {
        status = coco_grpc_exchange_pending(client, &data, &n, &f->err);
        if (status == COCO_OK && n > 0)
            status = coco_grpc_protocol.feed(f->server, data, n, &f->err);
        if (status == COCO_OK)
            status = coco_grpc_protocol.pending(f->server, &data, &m, &f->err);
        if (status == COCO_OK && m > 0)
            status = coco_grpc_exchange_feed(client, data, m, &f->err);
    }
    return status == COCO_OK ? coco_grpc_exchange_finish(client, reply, &f->err) : status;
}

static void
calls_are_answered(void **state)
{
    static char big[3 << 20];
    struct fixture *f = *state;
    const struct {
        const char *message;
        size_t len;
    } cases[] = {{"", 0}, {"hello", 5}, {big, sizeof(big)}};

    memset(big, 'x', sizeof(big));
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf reply = {.limit = 4 << 20};

        assert_ok(ask(f, "/a.B/Echo", cases[i].message, cases[i].len, &reply), f->err);
        assert_int_equal(reply.len, cases[i].len);
        assert_memory_equal(coco_buf_text(&reply), cases[i].message, cases[i].len);
        again(f);
    }
    assert_int_equal(f->calls, COUNT(cases));
}

static void
failures_are_told(void **state)
{
    struct fixture *f = *state;
    struct coco_buf reply = {.limit = 1024};

    assert_fails(ask(f, "/a.B/Echo", "deny", 4, &reply), f->err, COCO_ERR_DENIED,
                 "PERMISSION_DENIED: 100% no: \xc3\xbc");
    again(f);
    assert_fails(ask(f, "/a.B/Nothing", "x", 1, &reply), f->err, COCO_ERR_NOTSUP,
                 "no method /a.B/Nothing");
    again(f);
    char method[400];
    memset(method, 'm', sizeof(method));
    method[0] = '/';
    method[399] = '\0';
    assert_fails(ask(f, method, "x", 1, &reply), f->err, COCO_ERR_NOTSUP, "not understood");
    assert_int_equal(reply.len, 0);
}

static const struct {
    const char *headers;
    const char *data; /* five bytes of an frame's head and its message; NULL for none */
    size_t len;
    unsigned calls;
} odd[] = {
    {":method: GET\n:scheme: http\n:path: /a.B/Echo\n:authority: x\n" GRPC, "\0\0\0\0\1x", 6, 0},
    {HEAD "content-type: text/plain\n", "\0\0\0\0\1x", 6, 0},
    {HEAD, "\0\0\0\0\1x", 6, 0},
    {HEAD GRPC "grpc-encoding: gzip\n", "\0\0\0\0\1x", 6, 0},
    {HEAD GRPC "grpc-timeout: soon\n", "\0\0\0\0\1x", 6, 0},
    {HEAD GRPC, "\1\0\0\0\1x", 6, 0},
    {HEAD GRPC, "\0\0\0\0\2x", 6, 0},
    {HEAD GRPC, "\0\0\0\0\0x", 6, 0},
    {HEAD GRPC, "\0\377\377\377\377x", 6, 0},
    {HEAD GRPC, "\0\0\0", 3, 0},
    {HEAD GRPC, "", 0, 0},
    {HEAD GRPC, NULL, 0, 0},
    {HEAD GRPC, "\0\0\0\0\1x", 6, 1},
    {HEAD GRPC "grpc-timeout: 1S\ngrpc-encoding: identity\n", "\0\0\0\0\1x", 6, 1},
};

static void
calls_that_are_none_do_not_reach_the_service(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(odd); i++)
        for (size_t step = 1; step < 20; step += 6) {
            f->calls = 0;
            put_headers(&f->wire, odd[i].data ? END_HEADERS : END_HEADERS | END_STREAM, 1,
                        odd[i].headers);
            if (odd[i].data)
                put_frame(&f->wire, DATA, END_STREAM, 1, odd[i].data, odd[i].len);
            assert_ok(run(f, step), f->err);
            assert_int_equal(f->calls, odd[i].calls);
            again(f);
        }
}

static void
what_breaks_the_rules_ends_the_connection(void **state)
{
    static const uint8_t cancel[4] = {0, 0, 0, 8};
    struct fixture *f = *state;

    for (uint32_t i = 0; i < 200; i++) {
        put_headers(&f->wire, END_HEADERS, 2 * i + 1, HEAD GRPC);
        put_frame(&f->wire, RST, 0, 2 * i + 1, cancel, 4);
    }
    assert_fails(run(f, 1000), f->err, COCO_ERR_LIMIT, "taken back");
    again(f);
    struct coco_buf many = {.limit = 16 << 10};
    assert_ok(coco_buf_append_text(&many, HEAD GRPC, &f->err), f->err);
    for (int i = 0; i < 200; i++)
        assert_ok(coco_buf_append_text(&many, "a: b\n", &f->err), f->err);
    put_headers(&f->wire, END_HEADERS, 1, coco_buf_text(&many));
    coco_buf_done(&many);
    assert_fails(run(f, 1000), f->err, COCO_ERR_LIMIT, "headers without end");
    again(f);
    f->wire.len = 0;
    assert_ok(coco_buf_append_text(&f->wire, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", &f->err), f->err);
    assert_fails(run(f, 1000), f->err, COCO_ERR_PROTO, "HTTP/2");
    assert_int_equal(f->calls, 0);
}

/* More calls at a time than were allowed are refused one by one; the others go on. */
static void
calls_beyond_the_allowed_are_refused(void **state)
{
    struct fixture *f = *state;

    for (uint32_t i = 0; i < 12; i++)
        put_headers(&f->wire, END_HEADERS, 2 * i + 1, HEAD GRPC);
    put_frame(&f->wire, DATA, END_STREAM, 1, "\0\0\0\0\1x", 6);
    assert_ok(run(f, 1 << 20), f->err);
    assert_int_equal(f->calls, 1);
}

static void
messages_are_wiped(void **state)
{
    static const char secret[] = "what a client told to a server";
    struct fixture *f = *state;
    struct coco_buf reply = {.limit = 1024};

    canary_begin(secret, strlen(secret));
    assert_ok(ask(f, "/a.B/Echo", secret, strlen(secret), &reply), f->err);
    coco_buf_done(&reply);
    again(f);
    assert_int_equal(canary_end(), 0);
}

static void
serving_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    close_server(f);
    f->server = NULL;
    for_each_fault()
    {
        struct coco_buf reply = {.limit = 1024};

        coco_status status = coco_grpc_protocol.open(&f->service, f->ctx, &f->server, &f->err);
        if (status == COCO_OK)
            status = ask(f, "/a.B/Echo", "hello", 5, &reply);
        /* That it had no memory for the call is told to the client. */
        if (status == COCO_ERR_LIMIT && strstr(coco_error_message(f->err), "RESOURCE_EXHAUSTED")) {
            coco_error_free(f->err);
            f->err = NULL;
            status = coco_fail_nomem(&f->err);
        }
        fault_expect(status, f->err);
        coco_buf_done(&reply);
        coco_grpc_protocol.close(coco_steal(&f->server));
        coco_error_free(f->err);
        f->err = NULL;
    }
    open_server(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(calls_are_answered),
        TEST(failures_are_told),
        TEST(calls_that_are_none_do_not_reach_the_service),
        TEST(what_breaks_the_rules_ends_the_connection),
        TEST(calls_beyond_the_allowed_are_refused),
        TEST(messages_are_wiped),
        TEST(serving_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
