/*
 * tests/httpd/test_http.c - lib/httpd/http.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/http.h"

#include "tests/support.h"

#include <string.h>

static int
parse(const char *head, char *buf, size_t size, struct coco_httpd_request *ret)
{
    assert_true(strlen(head) < size);
    strcpy(buf, head);
    return coco_httpd_parse(buf, strlen(head), ret);
}

static void
a_request_is_taken_apart(void **state)
{
    char buf[512];
    struct coco_httpd_request r;

    (void)state;
    assert_int_equal(parse("POST /kbs/v0/auth?a=b&c HTTP/1.1\r\nhOST: x:1\r\nCookie:  a=b; c \r\n"
                           "Authorization:Bearer x\r\nX-Any: \xff\r\ncontent-length: 012\r\n\r\n",
                           buf, sizeof(buf), &r),
                     0);
    assert_string_equal(r.method, "POST");
    assert_string_equal(r.path, "/kbs/v0/auth");
    assert_string_equal(r.query, "a=b&c");
    assert_string_equal(r.cookie, "a=b; c");
    assert_string_equal(r.authorization, "Bearer x");
    assert_int_equal(r.body_len, 12);
    assert_true(r.keep_alive);
    assert_false(r.expects_continue);
}

static void
a_body_may_come_in_chunks(void **state)
{
    char buf[512];
    struct coco_httpd_request r;

    (void)state;
    assert_int_equal(parse("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \tChunked \r\n"
                           "Expect: 100-Continue\r\nTE: trailers\r\n\r\n",
                           buf, sizeof(buf), &r),
                     0);
    assert_true(r.chunked);
    assert_true(r.expects_continue);
    assert_int_equal(r.body_len, 0);
    assert_int_equal(parse("GET / HTTP/1.1\r\nHost: x\r\n\r\n", buf, sizeof(buf), &r), 0);
    assert_false(r.chunked);
}

static void
a_connection_ends_when_either_says_so(void **state)
{
    static const struct {
        const char *head;
        bool keep;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: te, close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: closed\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
    };
    char buf[512];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_httpd_request r;

        assert_int_equal(parse(cases[i].head, buf, sizeof(buf), &r), 0);
        if (r.keep_alive != cases[i].keep)
            fail_msg("case %zu", i);
    }
}

#define GET "GET / HTTP/1.1\r\nHost: x\r\n"

static void
hostile_heads_are_refused(void **state)
{
    static const struct {
        int status;
        const char *head;
    } cases[] = {
        {400, "\r\n"},
        {400, "GET\r\n\r\n"},
        {400, "GET /\r\n\r\n"},
        {400, "GET / FTP/1.1\r\nHost: x\r\n\r\n"},
        {400, " / HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "G@T / HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "AVERYVERYLONGMETHOD / HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "GET /#f HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"},
        {505, "GET / HTTP/2.0\r\nHost: x\r\n\r\n"},
        {505, "GET / HTTP/1.11\r\nHost: x\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n\r\n"}, /* no Host */
        {400, GET "Host: y\r\n\r\n"},
        {400, GET "no colon\r\n\r\n"},
        {400, GET ": no name\r\n\r\n"},
        {400, GET "space : x\r\n\r\n"},
        {400, GET " folded: x\r\n\r\n"},
        {400, GET "A: b\r\n folded\r\n\r\n"},
        {400, GET "A: b\nC: d\r\n\r\n"},
        {400, GET "A: b\rC: d\r\n\r\n"},
        {400, GET "Cookie: a\r\nCookie: b\r\n\r\n"},
        {400, GET "Authorization: a\r\nauthorization: b\r\n\r\n"},
        {400, GET "Cookie: \x7f\r\n\r\n"},
        {400, GET "Range: bytes=0-1\r\nRange: bytes=0-1\r\n\r\n"},
        {400, GET "If-Range: a\r\nIf-Range: a\r\n\r\n"},
        {400, GET "Accept: \x80\r\n\r\n"},
        {400, GET "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"},
        {400, GET "Content-Length: 1, 1\r\n\r\n"},
        {400, GET "Content-Length: -1\r\n\r\n"},
        {400, GET "Content-Length: +1\r\n\r\n"},
        {400, GET "Content-Length: 0x1\r\n\r\n"},
        {400, GET "Content-Length: \r\n\r\n"},
        {400, GET "Content-Length: 1 1\r\n\r\n"},
        {400, GET "Content-Length: 18446744073709551616\r\n\r\n"},
        {400, GET "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {400, GET "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"},
        {400, GET "Transfer-Encoding: gzip\r\nContent-Length: 3\r\n\r\n"},
        {400, GET "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {400, GET "Transfer-Encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n"},
        {400, GET "Transfer-Encoding : chunked\r\n\r\n"},
        {400, GET "Transfer-Encoding: \x0b"
                  "chunked\r\n\r\n"},
        {400, GET "Transfer-Encoding:\r\n chunked\r\n\r\n"},
        {400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {501, GET "Transfer-Encoding: gzip, chunked\r\n\r\n"},
        {501, GET "Transfer-Encoding: chunked, chunked\r\n\r\n"},
        {501, GET "Transfer-Encoding: chunked, identity\r\n\r\n"},
        {501, GET "Transfer-Encoding: chunked;q=1\r\n\r\n"},
        {501, GET "Transfer-Encoding: identity\r\n\r\n"},
        {501, GET "Transfer-Encoding: xchunked\r\n\r\n"},
        {501, GET "Transfer-Encoding: ,chunked\r\n\r\n"},
        {501, GET "Transfer-Encoding: \"chunked\"\r\n\r\n"},
        {501, GET "Transfer-Encoding:\r\n\r\n"},
        {417, GET "Expect: tea\r\n\r\n"},
        {400, GET "A: b\r\n\r\nmore\r\n\r\n"},
    };
    char buf[512];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_httpd_request r;
        int status = parse(cases[i].head, buf, sizeof(buf), &r);

        if (status != cases[i].status)
            fail_msg("case %zu gives %d", i, status);
    }
    memcpy(buf, GET "A: \0b\r\n\r\n", sizeof(GET "A: \0b\r\n\r\n"));
    struct coco_httpd_request r;
    assert_int_equal(coco_httpd_parse(buf, sizeof(GET "A: \0b\r\n\r\n") - 1, &r), 400);
}

static void
a_reply_is_written(void **state)
{
    _cleanup_reply_ struct coco_httpd_reply reply = {
        .status = 401,
        .type = "application/json",
        .body = {.limit = 16},
        .cookie = {.limit = 64},
    };
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_buf_append_text(&reply.body, "{}", &err), err);
    assert_ok(coco_buf_append_text(&reply.cookie, "a=b", &err), err);
    assert_ok(coco_httpd_reply_add(&reply, "ETag", "\"x\"", &err), err);
    assert_ok(coco_httpd_format(&reply, false, 1795467926, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), "HTTP/1.1 401 Unauthorized\r\n"
                                             "Content-Length: 2\r\n"
                                             "Cache-Control: no-store\r\n"
                                             "X-Content-Type-Options: nosniff\r\n"
                                             "Date: Mon, 23 Nov 2026 21:05:26 GMT\r\n"
                                             "Content-Type: application/json\r\n"
                                             "Set-Cookie: a=b\r\n"
                                             "ETag: \"x\"\r\n"
                                             "Connection: close\r\n"
                                             "\r\n");
}

static coco_status
add(const char *name, const char *value)
{
    _cleanup_reply_ struct coco_httpd_reply reply = {0};

    return coco_httpd_reply_add(&reply, name, value, NULL);
}

static void
a_field_cannot_be_two(void **state)
{
    (void)state;
    assert_int_equal(add("A", "b c"), COCO_OK);
    assert_int_equal(add("A", "b\r\nC: d"), COCO_ERR_INVALID);
    assert_int_equal(add("A", "b\n"), COCO_ERR_INVALID);
    assert_int_equal(add("A", "\x7f"), COCO_ERR_INVALID);
    assert_int_equal(add("A: b\r\nC", "d"), COCO_ERR_INVALID);
    assert_int_equal(add("", "d"), COCO_ERR_INVALID);
}

static void
what_was_not_modified_has_no_length(void **state)
{
    const struct coco_httpd_reply reply = {.status = 304};
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_httpd_format(&reply, true, 1795467926, &buf, &err), err);
    assert_int_equal(strncmp(coco_buf_text(&buf), "HTTP/1.1 304 Not Modified\r\nCache-", 33), 0);
}

static void
free_nothing(void *self)
{
    (void)self;
}

static void
the_length_of_a_stream_is_told_when_it_is_known(void **state)
{
    static const struct {
        bool sized, chunked;
        const char *want;
    } cases[] = {
        {true, false,
         "HTTP/1.1 206 Partial Content\r\nContent-Length: 18446744073709551615\r\nCache"},
        {false, true, "HTTP/1.1 206 Partial Content\r\nTransfer-Encoding: chunked\r\nCache"},
        {false, false, "HTTP/1.1 206 Partial Content\r\nCache"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
        _cleanup_reply_ struct coco_httpd_reply reply = {
            .status = 206,
            .stream =
                {
                    .free = free_nothing,
                    .self = &state,
                    .sized = cases[i].sized,
                    .size = UINT64_MAX,
                    .chunked = cases[i].chunked,
                },
        };
        coco_error *err = NULL;

        assert_ok(coco_httpd_format(&reply, true, 0, &buf, &err), err);
        assert_int_equal(strncmp(coco_buf_text(&buf), cases[i].want, strlen(cases[i].want)), 0);
    }
}

static void
what_a_range_needs_is_read(void **state)
{
    char buf[512];
    struct coco_httpd_request r;

    (void)state;
    assert_int_equal(parse("GET / HTTP/1.0\r\nRange: bytes=0-1\r\nIf-Range: \"x\"\r\n"
                           "Accept: a, b\r\nACCEPT: c\r\n\r\n",
                           buf, sizeof(buf), &r),
                     0);
    assert_string_equal(r.range, "bytes=0-1");
    assert_string_equal(r.if_range, "\"x\"");
    assert_int_equal(r.n_accept, 2);
    assert_string_equal(r.accept[0], "a, b");
    assert_string_equal(r.accept[1], "c");
    assert_true(r.http_1_0);
}

static void
a_traceparent_that_comes_twice_is_none(void **state)
{
    char once[] = "GET / HTTP/1.1\r\nHost: x\r\nTraceparent: a\r\n\r\n";
    char twice[] = "GET / HTTP/1.1\r\nHost: x\r\ntraceparent: a\r\ntraceparent: a\r\n\r\n";
    struct coco_httpd_request r = {0};

    (void)state;
    assert_int_equal(coco_httpd_parse(once, strlen(once), &r), 0);
    assert_string_equal(r.traceparent, "a");
    r = (struct coco_httpd_request){0};
    assert_int_equal(coco_httpd_parse(twice, strlen(twice), &r), 0);
    assert_null(r.traceparent);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart),
        cmocka_unit_test(a_body_may_come_in_chunks),
        cmocka_unit_test(a_connection_ends_when_either_says_so),
        cmocka_unit_test(hostile_heads_are_refused),
        cmocka_unit_test(a_reply_is_written),
        cmocka_unit_test(a_field_cannot_be_two),
        cmocka_unit_test(what_was_not_modified_has_no_length),
        cmocka_unit_test(the_length_of_a_stream_is_told_when_it_is_known),
        cmocka_unit_test(a_traceparent_that_comes_twice_is_none),
        cmocka_unit_test(what_a_range_needs_is_read),
    };

    return cmocka_run_group_tests_name("httpd/http", tests, NULL, NULL);
}
