/*
 * tests/tee/test_utf16.c - lib/tee/utf16.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/utf16.h"

#include "tests/faults.h"

#include <string.h>

#define CASE(text, want)                                                                           \
    {                                                                                              \
        text, sizeof(text) - 1, want                                                               \
    }

static const struct {
    const char *text;
    size_t len;
    const char *want;
} good[] = {
    CASE("", ""),
    CASE("a\0b\0", "ab"),
    CASE("\xe4\0", "\xc3\xa4"),
    CASE("\xac\x20", "\xe2\x82\xac"),
    CASE("\x3d\xd8\x00\xde", "\xf0\x9f\x98\x80"),
    CASE("a\0b", "a"),
};

static void
text_becomes_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 64};
        coco_error *err = NULL;

        assert_ok(coco_utf16_to_utf8((const uint8_t *)good[i].text, good[i].len, false, &buf, &err),
                  err);
        assert_string_equal(coco_buf_text(&buf), good[i].want);
    }
}

static void
surrogates_alone_are_refused_or_replaced(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *want;
    } cases[] = {
        CASE("\x3d\xd8", "\xef\xbf\xbd"),
        CASE("\x00\xde", "\xef\xbf\xbd"),
        CASE("\x3d\xd8"
             "a\0",
             "\xef\xbf\xbd"
             "a"),
        CASE("\x3d\xd8\x3d\xd8\x00\xde", "\xef\xbf\xbd\xf0\x9f\x98\x80"),
        CASE("a\0\x3d\xd8\x00", "a\xef\xbf\xbd"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint8_t *text = (const uint8_t *)cases[i].text;
        _cleanup_buf_ struct coco_buf buf = {.limit = 64};
        coco_error *err = NULL;

        assert_fails(coco_utf16_to_utf8(text, cases[i].len, false, &buf, &err), err, COCO_ERR_PROTO,
                     "not UTF-16");
        coco_buf_reset(&buf);
        assert_ok(coco_utf16_to_utf8(text, cases[i].len, true, &buf, &err), err);
        assert_string_equal(coco_buf_text(&buf), cases[i].want);
    }
}

static void
a_nul_is_refused(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 64};
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_utf16_to_utf8((const uint8_t *)"a\0\0\0", 4, true, &buf, &err), err,
                 COCO_ERR_PROTO, "a NUL");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_becomes_utf8),
        cmocka_unit_test(surrogates_alone_are_refused_or_replaced),
        cmocka_unit_test(a_nul_is_refused),
    };

    return cmocka_run_group_tests_name("tee/utf16", tests, NULL, NULL);
}
