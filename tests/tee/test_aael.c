/*
 * tests/tee/test_aael.c - lib/tee/aael.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/aael.h"

#include "base/text.h"
#include "tee/tcghash.h"
#include "tests/faults.h"

#include <string.h>

static const struct coco_aael some = {"domain", "operation", "content"};

/* Upstream's attestation agent has the same three in its tests. */
static void
an_event_has_upstreams_bytes_and_digests(void **state)
{
    static const struct {
        uint16_t alg;
        const char *want;
    } digests[] = {
        {COCO_TCG_SHA256, "46df8dacf00a07d34a83cdf56d7978697790787cf2ba1432ef7c38f22cd96351"},
        {COCO_TCG_SHA384, "dad5f0e226318ffa9839b75a472c6aa7fdb5834949d0a0a22990cf04d5692440"
                          "fb00f3aa0609db7e49cd8d793f670d02"},
        {COCO_TCG_SHA512, "b708d222ca8bd44dfe6ba0c4ca2cbb72379276fba8091025217064be45a813e5"
                          "d6124ccf073219edb617d1faf007d55061465bdf34b7437dbdc9a7405bd4e9c0"},
    };
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_aael_format(&some, &buf, &err), err);
    assert_int_equal(buf.len, 32);
    assert_memory_equal(buf.data, "LEAA\x18\0\0\0domain operation content", 32);
    for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
        uint8_t digest[COCO_TCG_HASH_SIZE_MAX];
        char hex[2 * COCO_TCG_HASH_SIZE_MAX + 1];

        assert_ok(coco_tcg_hash(digests[i].alg, buf.data, buf.len, digest, &err), err);
        coco_hex(digest, coco_tcg_hash_size(digests[i].alg), hex);
        assert_string_equal(hex, digests[i].want);
    }
}

static void
an_event_is_read_as_it_was_written(void **state)
{
    static const struct coco_aael events[] = {
        {"d", "o", ""},
        {"d", "o", "more than one word"},
        {"d", "o", " "},
        {"github.com/confidential-containers", "PullImage", "{\"image\":\"alpine \xc3\xa4\"}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
        _cleanup_aael_text_ struct coco_aael_text read = {0};
        const uint8_t *text = NULL;
        coco_error *err = NULL;
        uint32_t tag = 0;
        size_t len = 0;

        assert_ok(coco_aael_format(&events[i], &buf, &err), err);
        assert_ok(coco_tagged_event_parse(buf.data, buf.len, &tag, &text, &len, &err), err);
        assert_int_equal(tag, COCO_AAEL_TAG);
        assert_ok(coco_aael_parse_text(text, len, &read, &err), err);
        assert_string_equal(read.event.domain, events[i].domain);
        assert_string_equal(read.event.operation, events[i].operation);
        assert_string_equal(read.event.content, events[i].content);
    }
}

/* Two events that look alike in the log would be one to whoever reads it. */
static void
events_that_would_be_read_as_others_are_refused(void **state)
{
    static const struct coco_aael cases[] = {
        {"", "o", "c"},
        {"d", "", "c"},
        {"a b", "o", "c"},
        {"d", "a b", "c"},
        {"a\tb", "o", "c"},
        {"d", "o\n", "c"},
        {"d", "o", "c\n"},
        {"d", "o", "a\r\nb"},
        {"d", "o", "\x1b"},
        {"d", "o", "\x7f"},
        {"\xff", "o", "c"},
        {"d", "\xc3", "c"},
        {"d", "o", "\xed\xa0\x80"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 4096};

        assert_int_equal(coco_aael_format(&cases[i], &buf, NULL), COCO_ERR_INVALID);
        assert_int_equal(buf.len, 0);
    }
}

static void
events_are_bounded(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 4 * COCO_AAEL_TEXT_MAX};
    _cleanup_free_ char *content = calloc(1, COCO_AAEL_TEXT_MAX + 1);
    _cleanup_aael_text_ struct coco_aael_text read = {0};
    coco_error *err = NULL;

    (void)state;
    assert_non_null(content);
    memset(content, 'x', COCO_AAEL_TEXT_MAX - 4);
    assert_ok(coco_aael_format(&(struct coco_aael){"d", "o", content}, &buf, &err), err);
    assert_int_equal(buf.len, 8 + COCO_AAEL_TEXT_MAX);
    assert_memory_equal(buf.data + 4, "\0\0\1\0", 4);
    assert_ok(coco_aael_parse_text(buf.data + 8, buf.len - 8, &read, &err), err);
    assert_string_equal(read.event.content, content);
    content[COCO_AAEL_TEXT_MAX - 4] = 'x';
    assert_fails(coco_aael_format(&(struct coco_aael){"d", "o", content}, &buf, &err), err,
                 COCO_ERR_LIMIT, "more than 65536 bytes");
    assert_fails(coco_aael_parse_text(content, COCO_AAEL_TEXT_MAX + 1, &read, &err), err,
                 COCO_ERR_LIMIT, "65537 bytes");
}

static void
hostile_events_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } tagged[] = {
        {"", 0},
        {"LEAA", 4},
        {"LEAA\1\0\0\0", 8},
        {"LEAA\xff\xff\xff\xff", 8},
        {"LEAA\x09\0\0\0a b c", 13},
    };
    static const struct {
        const char *text;
        size_t len;
    } texts[] = {{"", 0}, {"a", 1}, {"a b", 3}, {"a b\0 c", 6}, {"a b \xff", 5}, {"\xc3 b c", 5}};

    (void)state;
    for (size_t i = 0; i < sizeof(tagged) / sizeof(tagged[0]); i++) {
        const uint8_t *text = NULL;
        uint32_t tag = 0;
        size_t len = 0;

        assert_int_equal(
            coco_tagged_event_parse(tagged[i].bytes, tagged[i].len, &tag, &text, &len, NULL),
            COCO_ERR_PROTO);
        assert_null(text);
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        _cleanup_aael_text_ struct coco_aael_text read = {0};

        assert_int_equal(coco_aael_parse_text(texts[i].text, texts[i].len, &read, NULL),
                         COCO_ERR_PROTO);
        assert_null(read.text);
    }
}

static void
reading_and_writing_survive_every_failing_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
        _cleanup_aael_text_ struct coco_aael_text read = {0};
        coco_error *err = NULL;

        coco_status status = coco_aael_format(&some, &buf, &err);
        if (status == COCO_OK)
            status = coco_aael_parse_text(buf.data + 8, buf.len - 8, &read, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_has_upstreams_bytes_and_digests),
        cmocka_unit_test(an_event_is_read_as_it_was_written),
        cmocka_unit_test(events_that_would_be_read_as_others_are_refused),
        cmocka_unit_test(events_are_bounded),
        cmocka_unit_test(hostile_events_are_refused),
        cmocka_unit_test(reading_and_writing_survive_every_failing_allocation),
    };

    return cmocka_run_group_tests_name("tee/aael", tests, NULL, NULL);
}
