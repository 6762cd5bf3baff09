/*
 * tests/httpd/test_chunked.c - lib/httpd/chunked.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/chunked.h"

#include "base/buf.h"
#include "httpd/limits.h"

#include "tests/support.h"

#include <string.h>

#define LIMIT 64

/* Decodes text in pieces of size bytes, appended to body; how much of it was used. */
static int
decode(const char *text, size_t len, size_t size, struct coco_httpd_chunked *chunked,
       struct coco_buf *body, size_t *used)
{
    const uint8_t *data = (const uint8_t *)text;

    *used = 0;
    while (*used < len && chunked->state != COCO_HTTPD_CHUNKED_END) {
        struct coco_httpd_chunked_step step;
        size_t room = len - *used < size ? len - *used : size;
        int bad = coco_httpd_chunked_read(chunked, data + *used, room, &step);

        if (bad)
            return bad;
        assert_in_range(step.used, 1, room);
        assert_in_range(step.data, 0, step.used);
        assert_in_range(chunked->len, 0, chunked->limit);
        *used += step.used;
        assert_int_equal(coco_buf_append(body, data + *used - step.data, step.data, NULL), COCO_OK);
    }
    return 0;
}

static void
chunks_are_joined(void **state)
{
    static const struct {
        const char *text, *body, *rest;
    } cases[] = {
        {"0\r\n\r\n", "", ""},
        {"5\r\nhello\r\n0\r\n\r\n", "hello", ""},
        {"1\r\nh\r\n004\r\nello\r\n000\r\n\r\n", "hello", ""},
        {"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", ""},
        {"0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n", "hello", ""},
        /* The data may be anything. */
        {"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n", ""},
        /* What follows is another request. */
        {"5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "hello", "GET / HTTP/1.1\r\n"},
        {"0\r\n\r\n\r\n", "", "\r\n"},
        {"0\r\n\r\n0\r\n\r\n", "", "0\r\n\r\n"},
        /* Extensions and trailers mean nothing. */
        {"5;a\r\nhello\r\n0;b=c;d\r\n\r\n", "hello", ""},
        {"5; a = b ;\tc\r\nhello\r\n0\r\n\r\n", "hello", ""},
        {"5;\r\nhello\r\n0;\r\n\r\n", "hello", ""},
        {"0\r\nA: b\r\nContent-Length: 7\r\nC:\r\nD: \xff\t\r\n\r\nx", "", "x"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = strlen(cases[i].text);

        for (size_t size = 1; size <= len; size++) {
            _cleanup_buf_ struct coco_buf body = {.limit = LIMIT};
            struct coco_httpd_chunked chunked = {.limit = LIMIT};
            size_t used = 0;
            int bad = decode(cases[i].text, len, size, &chunked, &body, &used);

            if (bad || chunked.state != COCO_HTTPD_CHUNKED_END)
                fail_msg("case %zu by %zu: %d in state %d", i, size, bad, (int)chunked.state);
            assert_string_equal(coco_buf_text(&body), cases[i].body);
            assert_int_equal(chunked.len, body.len);
            assert_string_equal(cases[i].text + used, cases[i].rest);
        }
    }
}

static void
hostile_chunks_are_refused(void **state)
{
    static const struct {
        int status;
        const char *text;
    } cases[] = {
        /* sizes */
        {400, "\r\n"},
        {400, ";a\r\n"},
        {400, " 5\r\nhello"},
        {400, "5 \r\nhello"},
        {400, "5\t;a\r\nhello"},
        {400, "+5\r\nhello"},
        {400, "-1\r\nhello"},
        {400, "0x5\r\nhello"},
        {400, "5h\r\nhello"},
        {400, "5_0\r\nhello"},
        {400, "g\r\n"},
        {400, "\xd9\xa5\r\nhello"}, /* a five in Arabic */
        {400, "5,5\r\nhello"},
        {400, "00000000000000005\r\nhello"},
        {400, "10000000000000000\r\n"},
        {413, "ffffffffffffffff\r\n"},
        {413, "8000000000000000\r\n"},
        {413, "41\r\n"},
        {413, "1\r\na\r\n40\r\n"},
        {413, "1\r\na\r\nffffffffffffffff\r\n"},
        /* ends of lines */
        {400, "5\nhello"},
        {400, "5\r\rhello"},
        {400, "5\rhello"},
        {400, "5;a\nhello"},
        {400, "5;a\r\r\nhello"},
        {400, "5\r\nhello0\r\n\r\n"},
        {400, "5\r\nhello\n0\r\n\r\n"},
        {400, "5\r\nhello\r0\r\n\r\n"},
        {400, "5\r\nhello!\r\n0\r\n\r\n"},
        {400, "5\r\nhello\r\n\r\n0\r\n\r\n"},
        {400, "0\n\n"},
        {400, "0\r\n\n"},
        {400, "0\r\n\r\r\n"},
        {400, "0\r\n\rGET"},
        /* extensions */
        {400, "5;a=\"b\"\r\nhello"},
        {400, "5;a=\"\r\n0\r\n\r\nGET / HTTP/1.1\r\n\"\r\nhello"},
        {400, "5;\x01\r\nhello"},
        {400, "5;\x7f\r\nhello"},
        {400, "5;\xc3\xa4\r\nhello"},
        /* trailers */
        {400, "0\r\nGET / HTTP/1.1\r\n\r\n"},
        {400, "0\r\nno colon\r\n\r\n"},
        {400, "0\r\nnone\r\n\r\n"},
        {400, "0\r\n: no name\r\n\r\n"},
        {400, "0\r\nspace : x\r\n\r\n"},
        {400, "0\r\n folded: x\r\n\r\n"},
        {400, "0\r\nA: b\r\n folded\r\n\r\n"},
        {400, "0\r\nA: b\nC: d\r\n\r\n"},
        {400, "0\r\nA: b\rC: d\r\n\r\n"},
        {400, "0\r\nA: \x01\r\n\r\n"},
        {400, "0\r\nA: \x7f\r\n\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t len = strlen(cases[i].text);

        for (size_t size = 1; size <= len; size++) {
            _cleanup_buf_ struct coco_buf body = {.limit = LIMIT};
            struct coco_httpd_chunked chunked = {.limit = LIMIT};
            size_t used = 0;
            int bad = decode(cases[i].text, len, size, &chunked, &body, &used);

            if (bad != cases[i].status)
                fail_msg("case %zu by %zu: %d", i, size, bad);
        }
    }
}

static void
no_byte_is_nul_but_of_the_data(void **state)
{
    static const char *const heads[] = {"",      "5",      "5;a",     "5\r\nhello",
                                        "0\r\n", "0\r\nA", "0\r\nA: "};
    _cleanup_buf_ struct coco_buf body = {.limit = LIMIT};
    struct coco_httpd_chunked fine = {.limit = LIMIT};
    size_t used = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct coco_httpd_chunked chunked = {.limit = LIMIT};

        assert_int_equal(decode(heads[i], strlen(heads[i]) + 1, LIMIT, &chunked, &body, &used),
                         400);
    }
    coco_buf_reset(&body);
    assert_int_equal(decode("1\r\n\0\r\n0\r\n\r\n", 11, LIMIT, &fine, &body, &used), 0);
    assert_int_equal(body.len, 1);
    assert_int_equal(fine.state, COCO_HTTPD_CHUNKED_END);
}

/* All of them together, for a peer may send as many chunks and lines as it likes. */
static void
what_means_nothing_is_bounded(void **state)
{
    static const struct {
        const char *first, *again;
        size_t extra; /* of again */
    } cases[] = {
        {"1;", "a", 1},
        {"1", ";a\r\nb\r\n1", 1},
        {"0\r\nA: ", "a", 1},
        {"0\r\n", "Ab: c\r\n", 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf body = {.limit = 2 * COCO_HTTPD_CHUNK_EXTRA};
        struct coco_httpd_chunked chunked = {.limit = body.limit};
        size_t used = 0, n = 0;
        const char *again = cases[i].again;

        assert_int_equal(
            decode(cases[i].first, strlen(cases[i].first), LIMIT, &chunked, &body, &used), 0);
        while (decode(again, strlen(again), LIMIT, &chunked, &body, &used) == 0)
            n++;
        if (n < (COCO_HTTPD_CHUNK_EXTRA - 8) / cases[i].extra
            || n > COCO_HTTPD_CHUNK_EXTRA / cases[i].extra)
            fail_msg("case %zu: %zu times", i, n);
    }
}

static void
a_server_that_takes_no_bodies_takes_none(void **state)
{
    _cleanup_buf_ struct coco_buf body = {0};
    struct coco_httpd_chunked none = {0}, some = {0};
    size_t used = 0;

    (void)state;
    assert_int_equal(decode("0\r\n\r\n", 5, LIMIT, &none, &body, &used), 0);
    assert_int_equal(none.state, COCO_HTTPD_CHUNKED_END);
    assert_int_equal(decode("1\r\n", 3, LIMIT, &some, &body, &used), 413);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_joined),
        cmocka_unit_test(hostile_chunks_are_refused),
        cmocka_unit_test(no_byte_is_nul_but_of_the_data),
        cmocka_unit_test(what_means_nothing_is_bounded),
        cmocka_unit_test(a_server_that_takes_no_bodies_takes_none),
    };

    return cmocka_run_group_tests_name("httpd/chunked", tests, NULL, NULL);
}
