/*
 * tests/base/test_text.c - lib/base/text.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"

#include "tests/support.h"

#include <string.h>

static void
utf8_accepts(void **state)
{
    /* First and last of each length (RFC 3629 section 4). */
    static const char *const cases[] = {
        "",
        "a",
        "\x7f",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_true(coco_utf8_valid(cases[i], strlen(cases[i])));
}

static void
utf8_refuses(void **state)
{
    static const char *const cases[] = {
        "\x80",             /* continuation alone */
        "\xc0\x80",         /* overlong NUL */
        "\xc1\xbf",         /* overlong, two bytes */
        "\xe0\x9f\xbf",     /* overlong, three bytes */
        "\xf0\x8f\xbf\xbf", /* overlong, four bytes */
        "\xed\xa0\x80",     /* first surrogate */
        "\xed\xbf\xbf",     /* last surrogate */
        "\xf4\x90\x80\x80", /* past U+10FFFF */
        "\xf5\x80\x80\x80", /* past every plane */
        "\xc2",             /* cut after one */
        "\xe2\x82",         /* cut after two */
        "\xf0\x9f\x98",     /* cut after three */
        "\xe2\x28\xa1",     /* second byte no continuation */
        "\xe2\x82\x28",     /* third byte no continuation */
        "\xff",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (coco_utf8_valid(cases[i], strlen(cases[i])))
            fail_msg("case %zu is accepted", i);
}

static void
utf8_put_is_valid_up_to_the_last_character(void **state)
{
    static const struct {
        uint32_t code;
        const char *want;
    } cases[] = {
        {0x41, "A"},
        {0x7f, "\x7f"},
        {0x80, "\xc2\x80"},
        {0x7ff, "\xdf\xbf"},
        {0x800, "\xe0\xa0\x80"},
        {0xffff, "\xef\xbf\xbf"},
        {0x10000, "\xf0\x90\x80\x80"},
        {0x10ffff, "\xf4\x8f\xbf\xbf"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char buf[4];
        size_t n = coco_utf8_put(cases[i].code, buf);

        assert_int_equal(n, strlen(cases[i].want));
        assert_memory_equal(buf, cases[i].want, n);
    }
}

static void
escape_spares_text_and_disarms_the_rest(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"größe", "größe"},
        {"\033[2J", "\\x1b[2J"},
        {"two\nlines\r", "two\\x0alines\\x0d"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b"
         "2J",
         "\\xc2\\x9b2J"}, /* CSI as a C1 control */
        {"\xff"
         "a",
         "\\xffa"},
        /* What is not seen, at both ends of each range and beside it. */
        {"\u00a0", "\u00a0"},
        {"\u00ad", "\\xc2\\xad"},
        {"\u00ae", "\u00ae"},
        {"\u061c", "\\xd8\\x9c"},
        {"\u180e", "\\xe1\\xa0\\x8e"},
        {"\u200a", "\u200a"},
        {"\u200b", "\\xe2\\x80\\x8b"},
        {"\u200c\u200d", "\u200c\u200d"},
        {"\u200e\u200f", "\\xe2\\x80\\x8e\\xe2\\x80\\x8f"},
        {"\u2010\u2027", "\u2010\u2027"},
        {"\u2028\u2029", "\\xe2\\x80\\xa8\\xe2\\x80\\xa9"},
        {"\u202a\u202e", "\\xe2\\x80\\xaa\\xe2\\x80\\xae"},
        {"\u202f\u205f", "\u202f\u205f"},
        {"\u2060\u2066", "\\xe2\\x81\\xa0\\xe2\\x81\\xa6"},
        {"\u2069\u206f", "\\xe2\\x81\\xa9\\xe2\\x81\\xaf"},
        {"\u2070", "\u2070"},
        {"\ufeff", "\\xef\\xbb\\xbf"},
        {"\ufff8\ufffc\ufffd", "\ufff8\ufffc\ufffd"},
        {"\ufff9\ufffb", "\\xef\\xbf\\xb9\\xef\\xbf\\xbb"},
        {"\U000e0041", "\\xf3\\xa0\\x81\\x81"},
        {"\U000e0080", "\U000e0080"},
        {"access\u202e\u2066// denied\u2069", "access\\xe2\\x80\\xae\\xe2\\x81\\xa6// "
                                              "denied\\xe2\\x81\\xa9"},
        /* What is read by people stays so. */
        {"naïve Straße, Ελληνικά, русский, 日本語, עברית, العربية, हिन्दी, ไทย, 한국어, 😀",
         "naïve Straße, Ελληνικά, русский, 日本語, עברית, العربية, हिन्दी, ไทย, 한국어, 😀"},
        {"می\u200cخواهم", "می\u200cخواهم"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char buf[192];

        coco_text_escape(cases[i].text, strlen(cases[i].text), buf, sizeof(buf));
        assert_string_equal(buf, cases[i].want);
    }
}

static void
escape_cuts_between_characters(void **state)
{
    char buf[6];

    (void)state;
    coco_text_escape("abcdeü", 7, buf, sizeof(buf));
    assert_string_equal(buf, "abcde");
    coco_text_escape("abcdü", 6, buf, sizeof(buf));
    assert_string_equal(buf, "abcd");
    coco_text_escape("ab\n", 3, buf, sizeof(buf));
    assert_string_equal(buf, "ab");
    coco_text_escape("abc", 3, buf, 1);
    assert_string_equal(buf, "");
}

static void
hex_goes_both_ways(void **state)
{
    const uint8_t bytes[] = {0x00, 0x1f, 0xa0, 0xff};
    uint8_t back[4];
    char text[9];

    (void)state;
    coco_hex(bytes, sizeof(bytes), text);
    assert_string_equal(text, "001fa0ff");
    assert_true(coco_unhex("001FA0fF", 8, back, sizeof(back)));
    assert_memory_equal(back, bytes, sizeof(bytes));
    assert_false(coco_unhex("001fa0f", 7, back, sizeof(back)));
    assert_false(coco_unhex("001fa0ff0", 9, back, sizeof(back)));
    assert_int_equal(coco_hex_value('A'), 10);
    assert_int_equal(coco_hex_value('g'), -1);
    assert_false(coco_unhex("001fa0fg", 8, back, sizeof(back)));
    assert_false(coco_unhex(" 01fa0ff", 8, back, sizeof(back)));
}

static void
is_all_wants_one_to_max_allowed_bytes(void **state)
{
    (void)state;
    assert_true(coco_text_is_all("aba", "ab", 3));
    assert_false(coco_text_is_all("", "ab", 3));
    assert_false(coco_text_is_all("abab", "ab", 3));
    assert_false(coco_text_is_all("abc", "ab", 3));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_accepts),
        cmocka_unit_test(utf8_refuses),
        cmocka_unit_test(utf8_put_is_valid_up_to_the_last_character),
        cmocka_unit_test(escape_spares_text_and_disarms_the_rest),
        cmocka_unit_test(escape_cuts_between_characters),
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(is_all_wants_one_to_max_allowed_bytes),
    };

    return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
