/*
 * tests/tee/test_eventlog_format.c - lib/tee/eventlog_format.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/faults.h"
#include "tests/tee/logs.h"

#define END "\xff\xff\xff\xff\xff\xff\xff\xff"

static const uint16_t sha384[] = {COCO_TCG_SHA384};

static void
what_is_written_is_read(void **state)
{
    static const uint16_t algs[] = {COCO_TCG_SHA1, COCO_TCG_SHA256, COCO_TCG_SHA384,
                                    COCO_TCG_SHA512, COCO_TCG_SM3};
    _cleanup_buf_ struct coco_buf bytes = {.limit = 4096};
    struct coco_event event = {
        .index = 3, .type = COCO_EV_IPL, .data = (const uint8_t *)"data", .len = 4};
    struct coco_event_digests digests;
    struct coco_eventlog log = {0};
    struct coco_event read;
    coco_error *err = NULL;
    size_t at = 0;

    (void)state;
    add_head(&bytes, algs, COCO_TCG_HASHES);
    assert_ok(coco_event_measure(&event, algs, COCO_TCG_HASHES, &digests, &err), err);
    assert_ok(coco_eventlog_format_event(&event, &bytes, &err), err);
    assert_ok(coco_eventlog_format_end(&bytes, &err), err);
    assert_ok(coco_eventlog_parse(bytes.data, bytes.len, &log, &err), err);
    assert_int_equal(log.end + 8, bytes.len);
    assert_int_equal(log.alg_count, COCO_TCG_HASHES);
    assert_true(coco_eventlog_next(&log, &at, &read));
    assert_int_equal(read.index, 3);
    assert_int_equal(read.type, COCO_EV_IPL);
    assert_int_equal(read.digest_count, COCO_TCG_HASHES);
    for (size_t i = 0; i < COCO_TCG_HASHES; i++)
        assert_memory_equal(coco_event_digest(&read, algs[i]), digests.bytes[i],
                            coco_tcg_hash_size(algs[i]));
    assert_memory_equal(read.data, "data", 4);
    assert_false(coco_eventlog_next(&log, &at, &read));
}

static void
no_digest_and_too_many_cannot_be_written(void **state)
{
    static const uint16_t algs[COCO_TCG_HASHES + 1] = {COCO_TCG_SHA384};
    _cleanup_buf_ struct coco_buf bytes = {.limit = 4096};
    struct coco_event event = {0};
    struct coco_event_digests digests;
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_eventlog_format_head(algs, 0, &bytes, &err), err, COCO_ERR_INVALID,
                 "0 algorithms");
    assert_fails(coco_eventlog_format_head(algs, 6, &bytes, &err), err, COCO_ERR_INVALID,
                 "6 algorithms");
    assert_fails(coco_event_measure(&event, algs, 0, &digests, &err), err, COCO_ERR_INVALID,
                 "0 digests");
    assert_fails(coco_event_measure(&event, algs, 6, &digests, &err), err, COCO_ERR_INVALID,
                 "6 digests");
    assert_fails(coco_event_measure(&event, algs, 2, &digests, &err), err, COCO_ERR_NOTSUP,
                 "hash algorithm 0x0000");
}

/* ---- what a guest sends ---- */

static struct coco_buf
some_ccel(const char *tail, size_t len)
{
    struct coco_buf bytes = {.limit = 4096};
    coco_error *err = NULL;

    add_head(&bytes, sha384, 1);
    add_event(&bytes, 1, COCO_EV_SEPARATOR, COCO_TCG_SHA384, "firmware", 8);
    assert_ok(coco_buf_append(&bytes, tail, len, &err), err);
    return bytes;
}

static struct coco_buf
some_aael(void)
{
    struct coco_buf bytes = {.limit = 4096};

    add_event(&bytes, 4, COCO_EV_EVENT_TAG, COCO_TCG_SHA384, "guest", 5);
    return bytes;
}

static void
a_ccel_is_cut_at_its_end_and_aael_follows(void **state)
{
    static const struct {
        const char *tail;
        size_t len;
    } tails[] = {
        {"", 0},
        {END, 8},
        {"\0\0\0\0\0\0\0\0\0\0", 10},
        {END "what was there before", 29},
    };
    _cleanup_buf_ struct coco_buf aael = some_aael();

    (void)state;
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        _cleanup_buf_ struct coco_buf ccel = some_ccel(tails[i].tail, tails[i].len);
        _cleanup_buf_ struct coco_buf joined = {.limit = 4096};
        size_t kept = ccel.len - tails[i].len;
        coco_error *err = NULL;

        assert_ok(coco_eventlog_join(&ccel, &aael, &joined, &err), err);
        assert_int_equal(joined.len, kept + aael.len + 8);
        assert_memory_equal(joined.data, ccel.data, kept);
        assert_memory_equal(joined.data + kept, aael.data, aael.len);
        assert_memory_equal(joined.data + kept + aael.len, END, 8);
        coco_buf_reset(&joined);
        assert_ok(coco_eventlog_join(&ccel, NULL, &joined, &err), err);
        assert_int_equal(joined.len, kept + 8);
    }
}

/* The 69 bytes that upstream's attester has in their place. */
static void
a_head_stands_in_for_a_ccel(void **state)
{
    static const char head[69] =
        "\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x25\0\0\0"
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\x0c\0\x30"
        "\0\x12\0\x20\0\0";
    _cleanup_buf_ struct coco_buf aael = some_aael();
    _cleanup_buf_ struct coco_buf joined = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_eventlog_join(NULL, &aael, &joined, &err), err);
    assert_int_equal(joined.len, sizeof(head) + aael.len + 8);
    assert_memory_equal(joined.data, head, sizeof(head));
    coco_buf_reset(&joined);
    assert_ok(coco_eventlog_join(NULL, NULL, &joined, &err), err);
    assert_int_equal(joined.len, 0);
}

static void
what_no_verifier_would_read_is_not_sent(void **state)
{
    _cleanup_buf_ struct coco_buf ccel = some_ccel(END, 8);
    _cleanup_buf_ struct coco_buf aael = some_aael();
    _cleanup_buf_ struct coco_buf joined = {.limit = 2 * COCO_EVENTLOG_MAX};
    coco_error *err = NULL;

    (void)state;
    aael.len--;
    assert_fails(coco_eventlog_join(&ccel, &aael, &joined, &err), err, COCO_ERR_PROTO,
                 "event 2 has 0 digests");
    aael.len++;
    ccel.len = 40;
    coco_buf_reset(&joined);
    assert_fails(coco_eventlog_join(&ccel, &aael, &joined, &err), err, COCO_ERR_PROTO, "CCEL: ");
    coco_buf_reset(&joined);
    assert_ok(coco_buf_append(&aael, END END, 16, &err), err);
    assert_fails(coco_eventlog_join(NULL, &aael, &joined, &err), err, COCO_ERR_PROTO,
                 "before its last event");
    coco_buf_reset(&joined);
    aael.limit = 2 * COCO_EVENTLOG_MAX;
    while (aael.len <= COCO_EVENTLOG_MAX)
        assert_ok(coco_buf_append(&aael, END, 8, &err), err);
    assert_fails(coco_eventlog_join(NULL, &aael, &joined, &err), err, COCO_ERR_LIMIT, "event log");
}

static void
a_full_buffer_is_a_limit(void **state)
{
    _cleanup_buf_ struct coco_buf ccel = some_ccel(END, 8);
    _cleanup_buf_ struct coco_buf aael = some_aael();
    _cleanup_buf_ struct coco_buf all = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_eventlog_join(&ccel, &aael, &all, &err), err);
    for (size_t limit = 0; limit < all.len; limit++) {
        _cleanup_buf_ struct coco_buf joined = {.limit = limit};

        assert_int_equal(coco_eventlog_join(&ccel, &aael, &joined, NULL), COCO_ERR_LIMIT);
        coco_buf_reset(&joined);
        assert_int_equal(coco_eventlog_join(NULL, &aael, &joined, NULL),
                         limit < 69 + aael.len + 8 ? COCO_ERR_LIMIT : COCO_OK);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(no_digest_and_too_many_cannot_be_written),
        cmocka_unit_test(a_ccel_is_cut_at_its_end_and_aael_follows),
        cmocka_unit_test(a_head_stands_in_for_a_ccel),
        cmocka_unit_test(what_no_verifier_would_read_is_not_sent),
        cmocka_unit_test(a_full_buffer_is_a_limit),
    };

    return cmocka_run_group_tests_name("tee/eventlog_format", tests, NULL, NULL);
}
