/*
 * tests/rpc/test_grpc_exchange.c - lib/rpc/grpc_exchange.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/grpc_exchange.h"

#include "base/fail.h"
#include "rpc/message.h"
#include "tests/faults.h"
#include "tests/rpc/frames.h"

#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define HEAD ":status: 200\ncontent-type: application/grpc\n"
#define OK_TRAILER "grpc-status: 0\n"

static const struct coco_grpc_request request = {
    .method = "/a.B/C",
    .authority = "localhost",
    .message = "ask",
    .len = 3,
    .timeout_ms = 1000,
    .reply_max = 1024,
};

struct fixture {
    struct coco_grpc_exchange *exchange;
    struct coco_buf wire; /* from the server */
    struct coco_buf reply;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){.wire.limit = 16 << 20, .reply.limit = 1 << 20};
    assert_ok(coco_grpc_exchange_new(&request, &f->exchange, &f->err), f->err);
    put_frame(&f->wire, SETTINGS, 0, 0, NULL, 0);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_grpc_exchange_free(f->exchange);
    coco_buf_done(&f->wire);
    coco_buf_done(&f->reply);
    return 0;
}

static void
again(struct fixture *f)
{
    void *state = f;

    (void)teardown(&state);
    (void)setup(&state);
}

/* All that the client has to send, into nothing. */
static coco_status
drain(struct fixture *f)
{
    coco_status status = COCO_OK;
    const uint8_t *data = NULL;
    size_t len = 1;

    while (status == COCO_OK && len > 0)
        status = coco_grpc_exchange_pending(f->exchange, &data, &len, &f->err);
    return status;
}

/* The server's bytes, step by step, and what the client makes of them. */
static coco_status
run(struct fixture *f, size_t step)
{
    coco_status status = drain(f);

    for (size_t at = 0; at < f->wire.len && status == COCO_OK; at += step) {
        size_t n = f->wire.len - at < step ? f->wire.len - at : step;

        if (coco_grpc_exchange_is_over(f->exchange))
            break;
        status = coco_grpc_exchange_feed(f->exchange, f->wire.data + at, n, &f->err);
        if (status == COCO_OK)
            status = drain(f);
    }
    if (status == COCO_OK)
        status = coco_grpc_exchange_finish(f->exchange, &f->reply, &f->err);
    return status;
}

static void
put_message(struct fixture *f, uint8_t flag, uint32_t len, const char *text, int flags)
{
    struct coco_buf data = {.limit = 1 << 20};
    const uint8_t head[] = {flag, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                            (uint8_t)len};

    (void)coco_buf_append(&data, head, sizeof(head), NULL);
    (void)coco_buf_append_text(&data, text, NULL);
    put_frame(&f->wire, DATA, flags, 1, data.data, data.len);
    coco_buf_done(&data);
}

static void
an_answer_is_read_however_it_is_cut(void **state)
{
    struct fixture *f = *state;

    for (size_t step = 1; step < 40; step++) {
        put_headers(&f->wire, END_HEADERS, 1, ":status: 103\nlink: x\n");
        put_headers(&f->wire, END_HEADERS, 1,
                    ":status: 200\ncontent-type: application/grpc+proto\n");
        put_message(f, 0, 6, "answer", 0);
        put_headers(&f->wire, END_HEADERS | END_STREAM, 1, OK_TRAILER "grpc-message: \n");
        assert_ok(run(f, step), f->err);
        assert_string_equal(coco_buf_text(&f->reply), "answer");
        again(f);
    }
}

static void
the_server_says_how_it_ended(void **state)
{
    static const struct {
        const char *trailers;
        coco_status status;
        const char *says;
    } cases[] = {
        {"grpc-status: 5\ngrpc-message: no such%20thing%0a\n", COCO_ERR_NOTFOUND,
         "the peer says NOT_FOUND: no such thing\\x0a"},
        {"grpc-status: 7\n", COCO_ERR_DENIED, "PERMISSION_DENIED"},
        {"grpc-status: 16\ngrpc-message: %\n", COCO_ERR_DENIED, "UNAUTHENTICATED: %"},
        {"grpc-status: 12\n", COCO_ERR_NOTSUP, "UNIMPLEMENTED"},
        {"grpc-status: 14\n", COCO_ERR_NET, "UNAVAILABLE"},
        {"grpc-status: 99\n", COCO_ERR_PROTO, "UNKNOWN"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        char all[256];

        /* Trailers alone, and behind headers. */
        (void)snprintf(all, sizeof(all), HEAD "%s", cases[i].trailers);
        put_headers(&f->wire, END_HEADERS | END_STREAM, 1, all);
        assert_fails(run(f, 7), f->err, cases[i].status, cases[i].says);
        again(f);
        put_headers(&f->wire, END_HEADERS, 1, HEAD);
        put_headers(&f->wire, END_HEADERS | END_STREAM, 1, cases[i].trailers);
        assert_fails(run(f, 7), f->err, cases[i].status, cases[i].says);
        again(f);
    }
}

/* What a server sends instead of an answer; the message's flag, length and text. */
static const struct {
    const char *headers;
    int flag;
    uint32_t len;
    const char *text;
    const char *trailers; /* NULL: the stream ends with the data */
    coco_status status;
    const char *says;
} wrong[] = {
    {":status: 404\ncontent-type: text/html\n", 0, 1, "x", OK_TRAILER, COCO_ERR_NOTSUP, "no gRPC"},
    {":status: 503\n", 0, 1, "x", OK_TRAILER, COCO_ERR_NET, "UNAVAILABLE"},
    {":status: 403\n", 0, 1, "x", NULL, COCO_ERR_DENIED, "PERMISSION_DENIED"},
    {":status: 200\n", 0, 1, "x", OK_TRAILER, COCO_ERR_PROTO, "not gRPC's"},
    {":status: 200\ncontent-type: text/plain\n", 0, 1, "x", OK_TRAILER, COCO_ERR_PROTO,
     "not gRPC's"},
    {":status: 200\ncontent-type: application/grpcx\n", 0, 1, "x", OK_TRAILER, COCO_ERR_PROTO,
     "not gRPC's"},
    {HEAD "grpc-encoding: gzip\n", 0, 1, "x", OK_TRAILER, COCO_ERR_NOTSUP, "compressed"},
    {HEAD, 1, 1, "x", OK_TRAILER, COCO_ERR_NOTSUP, "compressed"},
    {HEAD, 2, 1, "x", OK_TRAILER, COCO_ERR_PROTO, "begins with"},
    {HEAD, 0, 2, "x", OK_TRAILER, COCO_ERR_PROTO, "ends after 1 of 2"},
    {HEAD, 0, 0, "x", OK_TRAILER, COCO_ERR_PROTO, "behind the message"},
    {HEAD, 0, 1025, "x", OK_TRAILER, COCO_ERR_LIMIT, "message of 1025"},
    {HEAD, 0, 0xffffffff, "x", OK_TRAILER, COCO_ERR_LIMIT, "message of 4294967295"},
    {HEAD, 0, 1, "x", NULL, COCO_ERR_PROTO, "no grpc-status"},
    {HEAD, 0, 1, "x", "grpc-message: x\n", COCO_ERR_PROTO, "no grpc-status"},
    {HEAD, 0, 1, "x", "grpc-status: \n", COCO_ERR_PROTO, "no number"},
    {HEAD, 0, 1, "x", "grpc-status: 0000\n", COCO_ERR_PROTO, "no number"},
    {HEAD, 0, 1, "x", "grpc-status: -1\n", COCO_ERR_PROTO, "no number"},
    {HEAD, 0, 1, "x", "grpc-status: 0\ngrpc-status: 0\n", COCO_ERR_PROTO, "two grpc-status"},
    {HEAD "grpc-status: 0\n", 0, 1, "x", OK_TRAILER, COCO_ERR_PROTO, "two grpc-status"},
    {HEAD, 0, 1, "x", ":status: 200\n", COCO_ERR_NET, "PROTOCOL_ERROR"},
};

static void
wrong_answers_are_refused(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(wrong); i++) {
        put_headers(&f->wire, END_HEADERS, 1, wrong[i].headers);
        put_message(f, (uint8_t)wrong[i].flag, wrong[i].len, wrong[i].text,
                    wrong[i].trailers ? 0 : END_STREAM);
        if (wrong[i].trailers)
            put_headers(&f->wire, END_HEADERS | END_STREAM, 1, wrong[i].trailers);
        assert_fails(run(f, 11), f->err, wrong[i].status, wrong[i].says);
        assert_int_equal(f->reply.len, 0);
        again(f);
    }
}

static void
an_answer_without_a_message_is_none(void **state)
{
    struct fixture *f = *state;

    put_headers(&f->wire, END_HEADERS, 1, HEAD);
    put_headers(&f->wire, END_HEADERS | END_STREAM, 1, OK_TRAILER);
    assert_fails(run(f, 100), f->err, COCO_ERR_PROTO, "no message");
}

static void
streams_that_are_reset_and_connections_that_end_fail(void **state)
{
    static const uint8_t cancel[4] = {0, 0, 0, 8}, nothing[4] = {0};
    static const uint8_t goaway[8] = {0}; /* no stream was looked at */
    struct fixture *f = *state;

    put_frame(&f->wire, RST, 0, 1, cancel, 4);
    assert_fails(run(f, 100), f->err, COCO_ERR_NET, "CANCEL");
    again(f);
    put_headers(&f->wire, END_HEADERS, 1, HEAD);
    put_message(f, 0, 1, "x", 0);
    put_frame(&f->wire, RST, 0, 1, cancel, 4);
    assert_fails(run(f, 100), f->err, COCO_ERR_NET, "CANCEL");
    again(f);
    put_frame(&f->wire, RST, 0, 1, nothing, 4);
    assert_fails(run(f, 100), f->err, COCO_ERR_NET, "ended");
    again(f);
    put_frame(&f->wire, GOAWAY, 0, 0, goaway, 8);
    assert_fails(run(f, 100), f->err, COCO_ERR_NET, "REFUSED_STREAM");
    again(f);
    put_headers(&f->wire, END_HEADERS, 1, HEAD);
    put_message(f, 0, 1, "x", 0);
    assert_fails(run(f, 100), f->err, COCO_ERR_NET, "closed the connection");
    again(f);
    assert_fails(run(f, 100), f->err, COCO_ERR_NET, "closed the connection");
}

/* A server that goes away after the call in hand still answers it. */
static void
a_goodbye_that_is_not_meant_for_the_call_is_fine(void **state)
{
    static const uint8_t goaway[8] = {0, 0, 0, 1};
    struct fixture *f = *state;

    put_frame(&f->wire, GOAWAY, 0, 0, goaway, 8);
    put_headers(&f->wire, END_HEADERS, 1, HEAD);
    put_message(f, 0, 1, "x", 0);
    put_headers(&f->wire, END_HEADERS | END_STREAM, 1, OK_TRAILER);
    assert_ok(run(f, 100), f->err);
    assert_string_equal(coco_buf_text(&f->reply), "x");
}

/* An answer of which what follows is repeated a thousand times. */
static void
what_has_no_end_is_ended(void **state)
{
    static const uint8_t ping[8] = {0}, zeros[16384] = {0};
    struct fixture *f = *state;

    for (int i = 0; i < 1000; i++)
        put_headers(&f->wire, END_HEADERS, 1, ":status: 100\nx: y\n");
    assert_fails(run(f, 100), f->err, COCO_ERR_LIMIT, "headers without end");
    again(f);
    put_headers(&f->wire, 0, 1, HEAD);
    for (int i = 0; i < 5000; i++)
        put_frame(&f->wire, MORE, 0, 1, "\0\001x\001y\0\001x\001y", 10);
    assert_fails(run(f, 100), f->err, COCO_ERR_PROTO, "HTTP/2: ");
    again(f);
    for (int i = 0; i < 400000; i++)
        put_frame(&f->wire, PING, 0, 0, ping, 8);
    assert_fails(run(f, 4096), f->err, COCO_ERR_LIMIT, "without end");
    again(f);
    put_headers(&f->wire, END_HEADERS, 1, ":status: 500\n");
    for (int i = 0; i < 700; i++)
        put_frame(&f->wire, DATA, 0, 1, zeros, sizeof(zeros));
    assert_fails(run(f, 4096), f->err, COCO_ERR_LIMIT, "without end");
}

static void
what_is_no_http_2_is_refused(void **state)
{
    static const uint8_t promise[] = {0, 0, 0, 2, 0x82};
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", 28},
        {"\0\0\0\0\0\0\0\0\1", 9},          /* DATA first */
        {"\xff\xff\xff\4\0\0\0\0\0", 9},    /* SETTINGS of 16 MiB */
        {"\0\0\1\4\0\0\0\0\0x", 10},        /* of one byte */
        {"\0\0\4\3\0\0\0\0\0\0\0\0\0", 13}, /* RST of the connection */
        {"\0\0\0\1\4\0\0\0\2", 9},          /* HEADERS of a stream that there is not */
        {"\0\0\1\1\5\0\0\0\1\xff", 10},     /* a header that is cut */
        {"\0\0\2\1\5\0\0\0\1\xff\xff", 11}, /* an index that is nowhere */
        {"\0\0\0\t\4\0\0\0\1", 9},          /* CONTINUATION of nothing */
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        if (i < 2)
            f->wire.len = 0;
        assert_int_equal(coco_buf_append(&f->wire, cases[i].bytes, cases[i].len, NULL), COCO_OK);
        coco_status status = run(f, 100);
        assert_true(status == COCO_ERR_PROTO || status == COCO_ERR_NET);
        assert_int_equal(coco_error_status(f->err), status);
        coco_error_free(f->err);
        again(f);
    }
    put_frame(&f->wire, PUSH, END_HEADERS, 1, promise, sizeof(promise));
    coco_status status = run(f, 100);
    assert_int_not_equal(status, COCO_OK);
    coco_error_free(f->err);
    f->err = NULL;
}

static void
what_is_sent_is_what_grpc_has(void **state)
{
    struct fixture *f = *state;
    struct coco_buf sent = {.limit = 1 << 20};
    const uint8_t *data = NULL;
    size_t len = 0;

    do {
        assert_ok(coco_grpc_exchange_pending(f->exchange, &data, &len, &f->err), f->err);
        assert_ok(coco_buf_append(&sent, data, len, &f->err), f->err);
    } while (len > 0);
    assert_true(sent.len > 24 && memcmp(sent.data, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24) == 0);
    /* The message in its frame, in the last frame, which ends the stream. */
    static const uint8_t end[] = {0, 0, 8, DATA, END_STREAM, 0,   0,   0,  1,
                                  0, 0, 0, 0,    3,          'a', 's', 'k'};
    assert_memory_equal(sent.data + sent.len - sizeof(end), end, sizeof(end));
    coco_buf_done(&sent);
}

static void
an_exchange_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    put_headers(&f->wire, END_HEADERS, 1, HEAD);
    put_message(f, 0, 6, "answer", 0);
    put_headers(&f->wire, END_HEADERS | END_STREAM, 1, OK_TRAILER "grpc-message: x\n");
    coco_grpc_exchange_free(coco_steal(&f->exchange));
    for_each_fault()
    {
        coco_status status = coco_grpc_exchange_new(&request, &f->exchange, &f->err);
        if (status == COCO_OK)
            status = run(f, 20);
        fault_expect(status, f->err);
        coco_grpc_exchange_free(coco_steal(&f->exchange));
        coco_buf_done(&f->reply);
        f->reply = (struct coco_buf){.limit = 1 << 20};
        coco_error_free(f->err);
        f->err = NULL;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_is_read_however_it_is_cut),
        TEST(the_server_says_how_it_ended),
        TEST(wrong_answers_are_refused),
        TEST(an_answer_without_a_message_is_none),
        TEST(streams_that_are_reset_and_connections_that_end_fail),
        TEST(a_goodbye_that_is_not_meant_for_the_call_is_fine),
        TEST(what_has_no_end_is_ended),
        TEST(what_is_no_http_2_is_refused),
        TEST(what_is_sent_is_what_grpc_has),
        TEST(an_exchange_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
