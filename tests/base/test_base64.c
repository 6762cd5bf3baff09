/*
 * tests/base/test_base64.c - lib/base/base64.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/base64.h"

#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* RFC 4648 section 10, and bytes whose two alphabets differ. */
static const struct {
    const char *data, *base64, *base64url, *base64url_padded;
} vectors[] = {
    {"", "", "", ""},
    {"f", "Zg==", "Zg", "Zg=="},
    {"fo", "Zm8=", "Zm8", "Zm8="},
    {"foo", "Zm9v", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg", "Zm9vYg=="},
    {"fooba", "Zm9vYmE=", "Zm9vYmE", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/", "-_-_", "-_-_"},
    {"\xff", "/w==", "_w", "_w=="},
    {"\xff\xef", "/+8=", "_-8", "_-8="},
};

static void
encoding_gives_the_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(vectors); i++) {
        _cleanup_buf_ struct coco_buf padded = {.limit = 64};
        _cleanup_buf_ struct coco_buf url = {.limit = 64};
        _cleanup_buf_ struct coco_buf url_padded = {.limit = 64};
        size_t len = strlen(vectors[i].data);
        coco_error *err = NULL;

        assert_ok(coco_base64_encode(COCO_BASE64, vectors[i].data, len, &padded, &err), err);
        assert_string_equal(coco_buf_text(&padded), vectors[i].base64);
        assert_ok(coco_base64_encode(COCO_BASE64URL, vectors[i].data, len, &url, &err), err);
        assert_string_equal(coco_buf_text(&url), vectors[i].base64url);
        assert_ok(
            coco_base64_encode(COCO_BASE64URL_PADDED, vectors[i].data, len, &url_padded, &err),
            err);
        assert_string_equal(coco_buf_text(&url_padded), vectors[i].base64url_padded);
    }
}

static void
assert_decodes(enum coco_base64 kind, const char *text, const char *want)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 64};
    coco_error *err = NULL;

    assert_ok(coco_base64_decode(kind, text, strlen(text), &buf, &err), err);
    assert_int_equal(buf.len, strlen(want));
    assert_string_equal(coco_buf_text(&buf), want);
}

static void
decoding_gives_the_vectors_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(vectors); i++) {
        assert_decodes(COCO_BASE64, vectors[i].base64, vectors[i].data);
        assert_decodes(COCO_BASE64URL, vectors[i].base64url, vectors[i].data);
        assert_decodes(COCO_BASE64URL_PADDED, vectors[i].base64url_padded, vectors[i].data);
    }
}

static void
every_byte_goes_both_ways(void **state)
{
    uint8_t bytes[1600]; /* more than two blocks */

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};
        _cleanup_buf_ struct coco_buf back = {.limit = 4096};
        enum coco_base64 kind = len % 2 ? COCO_BASE64 : COCO_BASE64URL;
        coco_error *err = NULL;

        assert_ok(coco_base64_encode(kind, bytes, len, &text, &err), err);
        assert_ok(coco_base64_decode(kind, coco_buf_text(&text), text.len, &back, &err), err);
        assert_int_equal(back.len, len);
        if (len > 0)
            assert_memory_equal(back.data, bytes, len);
    }
}

/* In each place of a text that is longer than a block, every byte but the 64 is refused where it
 * is. */
static void
a_bad_character_is_found_wherever_it_is(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[1100];
    coco_error *err = NULL;

    (void)state;
    memset(text, 'A', sizeof(text));
    for (size_t at = 0; at < sizeof(text) - 2; at += 7) { /* where "=" is no padding */
        for (unsigned c = 0; c < 256; c++) {
            _cleanup_buf_ struct coco_buf buf = {.limit = sizeof(text)};
            char where[32];

            text[at] = (char)c;
            coco_status status = coco_base64_decode(COCO_BASE64, text, sizeof(text), &buf, &err);
            (void)snprintf(where, sizeof(where), "character at %zu", at);
            if (c && strchr(alphabet, (int)c))
                assert_ok(status, err);
            else
                assert_fails(status, err, COCO_ERR_PROTO, where);
        }
        text[at] = 'A';
    }
}

static void
decoding_appends(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 64};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_base64_decode(COCO_BASE64, "Zm9v", 4, &buf, &err), err);
    assert_ok(coco_base64_decode(COCO_BASE64, "YmFy", 4, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), "foobar");
}

static void
decoding_refuses(void **state)
{
    static const struct {
        enum coco_base64 kind;
        const char *text;
    } cases[] = {
        /* Padding missing, too much or misplaced */
        {COCO_BASE64, "Zg"},
        {COCO_BASE64, "Zg="},
        {COCO_BASE64, "Zg==="},
        {COCO_BASE64, "Z==="},
        {COCO_BASE64, "===="},
        {COCO_BASE64, "="},
        {COCO_BASE64, "Zm9v===="},
        {COCO_BASE64, "Zg==Zg=="},
        {COCO_BASE64, "Z=g="},
        {COCO_BASE64, "=Zg="},
        {COCO_BASE64, "Zm8"},
        {COCO_BASE64URL_PADDED, "_w"},
        {COCO_BASE64URL_PADDED, "_w="},
        {COCO_BASE64URL_PADDED, "/w=="},
        {COCO_BASE64URL_PADDED, "Zg==Zg=="},
        {COCO_BASE64URL, "Zg=="},
        {COCO_BASE64URL, "Zm8="},
        {COCO_BASE64URL, "Z"},
        {COCO_BASE64URL, "Zm9vY"},
        /* Bits behind the last byte: "Zh" says the same as "Zg" (RFC 4648 section 3.5) */
        {COCO_BASE64, "Zh=="},
        {COCO_BASE64, "Zm9="},
        {COCO_BASE64, "Zv=="},
        {COCO_BASE64URL, "Zh"},
        {COCO_BASE64URL, "Zm9"},
        /* The other alphabet */
        {COCO_BASE64, "-_-_"},
        {COCO_BASE64URL, "+/+/"},
        /* Bytes of none */
        {COCO_BASE64, "Zm9v\n"},
        {COCO_BASE64, "Zm9v\n\r\n "},
        {COCO_BASE64, "Zm 9"},
        {COCO_BASE64, " Zm9"},
        {COCO_BASE64, "Zm.9"},
        {COCO_BASE64, "Zm9\xc3"},
        {COCO_BASE64URL, "Zm9v\n"},
        {COCO_BASE64URL, "Zm9~"},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 64};
        coco_error *err = NULL;

        if (coco_base64_decode(cases[i].kind, cases[i].text, strlen(cases[i].text), &buf, &err)
            == COCO_OK)
            fail_msg("case %zu is accepted: %s", i, cases[i].text);
        assert_fails(coco_error_status(err), err, COCO_ERR_PROTO, "not base64");
    }
}

static void
line_ends_count_for_nothing(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: refused */
    } cases[] = {
        {"", ""},
        {"\n", ""},
        {"Zm9v", "foo"},
        {"Zm9v\nYmFy\n", "foobar"},
        {"\r\nZ\nm9v", "foo"},
        {"Zg\n==\n", "f"},
        {"Zm9v Zm9v", NULL},
        {"Zm9v\tZm9v", NULL},
        {"Zm9\n", NULL},
        {"Zg\n=", NULL},
        {"Zm_v\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 64};
        const char *text = cases[i].text;
        coco_error *err = NULL;

        coco_status status = coco_base64_decode_lines(text, strlen(text), &buf, &err);
        if (cases[i].want) {
            assert_ok(status, err);
            assert_string_equal(coco_buf_text(&buf), cases[i].want);
        } else {
            assert_fails(status, err, COCO_ERR_PROTO, "not base64");
        }
    }
}

static void
decoding_refuses_a_nul(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 64};
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_base64_decode(COCO_BASE64, "Zm9\0", 4, &buf, &err), err, COCO_ERR_PROTO,
                 "bad character");
    assert_fails(coco_base64_decode(COCO_BASE64URL, "\0\0", 2, &buf, &err), err, COCO_ERR_PROTO,
                 "bad character");
}

static void
both_stop_at_the_limit_of_the_buffer(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 5};
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_base64_encode(COCO_BASE64, "foob", 4, &buf, &err), err, COCO_ERR_LIMIT, "5");
    coco_buf_reset(&buf);
    assert_fails(coco_base64_decode(COCO_BASE64, "Zm9vYmFy", 8, &buf, &err), err, COCO_ERR_LIMIT,
                 "5");
}

static void
both_survive_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = 64};
        coco_error *err = NULL;
        coco_status status = coco_base64_encode(COCO_BASE64, "foobar", 6, &buf, &err);

        if (status == COCO_OK)
            status = coco_base64_decode(COCO_BASE64, "Zm9v", 4, &buf, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoding_gives_the_vectors),
        cmocka_unit_test(decoding_gives_the_vectors_back),
        cmocka_unit_test(every_byte_goes_both_ways),
        cmocka_unit_test(a_bad_character_is_found_wherever_it_is),
        cmocka_unit_test(decoding_appends),
        cmocka_unit_test(decoding_refuses),
        cmocka_unit_test(line_ends_count_for_nothing),
        cmocka_unit_test(decoding_refuses_a_nul),
        cmocka_unit_test(both_stop_at_the_limit_of_the_buffer),
        cmocka_unit_test(both_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("base/base64", tests, NULL, NULL);
}
