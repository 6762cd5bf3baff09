/*
 * tests/rpc/test_grpc_status.c - lib/rpc/grpc_status.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/grpc_status.h"

#include "rpc/code.h"
#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
a_status_is_a_number(void **state)
{
    static const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1000", "1a", "\0001"};
    coco_error *err = NULL;
    uint32_t code = 0;

    (void)state;
    assert_ok(coco_grpc_status_parse("16", 2, &code, &err), err);
    assert_int_equal(code, 16);
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_fails(coco_grpc_status_parse(wrong[i], strlen(wrong[i]), &code, &err), err,
                     COCO_ERR_PROTO, "number");
}

static void
messages_are_read_and_written(void **state)
{
    static const struct {
        const char *wire, *text;
        bool both_ways;
    } cases[] = {
        {"", "", true},
        {"plain text", "plain text", true},
        {"100%25", "100%", true},
        {"%C3%BC%0A", "\xc3\xbc\n", true},
        {"%c3%bc", "\xc3\xbc", false},
        {"%", "%", false},
        {"%4", "%4", false},
        {"%zz", "%zz", false},
        {"%25%", "%%", false},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 100};
        _cleanup_buf_ struct coco_buf wire = {.limit = 100};

        assert_ok(coco_grpc_message_parse(cases[i].wire, strlen(cases[i].wire), &buf, &err), err);
        assert_string_equal(coco_buf_text(&buf), cases[i].text);
        assert_ok(coco_grpc_message_format(cases[i].text, &wire, &err), err);
        if (cases[i].both_ways)
            assert_string_equal(coco_buf_text(&wire), cases[i].wire);
    }
}

static void
long_messages_are_cut(void **state)
{
    static char text[5000];
    _cleanup_buf_ struct coco_buf buf = {.limit = 10};
    _cleanup_buf_ struct coco_buf wire = {.limit = 3 * COCO_GRPC_STATUS_MESSAGE_MAX};
    coco_error *err = NULL;

    (void)state;
    memset(text, '\n', sizeof(text) - 1);
    assert_ok(coco_grpc_message_parse(text, strlen(text), &buf, &err), err);
    assert_int_equal(buf.len, 10);
    assert_ok(coco_grpc_message_format(text, &wire, &err), err);
    assert_int_equal(wire.len, 3 * COCO_GRPC_STATUS_MESSAGE_MAX);
}

static void
statuses_of_http_have_codes(void **state)
{
    (void)state;
    assert_int_equal(coco_grpc_status_of_http(401), COCO_RPC_UNAUTHENTICATED);
    assert_int_equal(coco_grpc_status_of_http(404), COCO_RPC_UNIMPLEMENTED);
    assert_int_equal(coco_grpc_status_of_http(503), COCO_RPC_UNAVAILABLE);
    assert_int_equal(coco_grpc_status_of_http(200), COCO_RPC_UNKNOWN);
    assert_int_equal(coco_grpc_status_of_http(0), COCO_RPC_UNKNOWN);
}

static void
times_are_read_and_written(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
        bool both_ways;
    } cases[] = {
        {"1m", 1, true},
        {"99999999m", 99999999, true},
        {"100000S", 100000000, true},
        {"99999999H", 99999999ULL * 3600000, true},
        {"2M", 120000, false},
        {"1u", 1, false},
        {"0n", 1, false},
        {"5000u", 6, false},
    };
    static const char *const wrong[] = {"", "m", "1", "1x", "-1m", "100000000m", "1 m", "1mm"};
    coco_error *err = NULL;
    uint64_t ms = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 100};

        assert_ok(coco_grpc_timeout_parse(cases[i].text, strlen(cases[i].text), &ms, &err), err);
        assert_true(ms == cases[i].ms);
        assert_ok(coco_grpc_timeout_format(ms, &buf, &err), err);
        if (cases[i].both_ways)
            assert_string_equal(coco_buf_text(&buf), cases[i].text);
    }
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_fails(coco_grpc_timeout_parse(wrong[i], strlen(wrong[i]), &ms, &err), err,
                     COCO_ERR_PROTO, "grpc-timeout");
    assert_fails(coco_grpc_timeout_parse("1\0", 2, &ms, &err), err, COCO_ERR_PROTO, "unit");
    _cleanup_buf_ struct coco_buf buf = {.limit = 100};
    assert_ok(coco_grpc_timeout_format(UINT64_MAX, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), "99999999H");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_is_a_number),
        cmocka_unit_test(messages_are_read_and_written),
        cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(statuses_of_http_have_codes),
        cmocka_unit_test(times_are_read_and_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
