/*
 * tests/image/test_inflate.c - lib/image/inflate.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/unpack.h"

#include "tests/faults.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define PLAIN_SIZE ((size_t)1 << 20)
#define PACKED_SIZE ((size_t)4 << 20)

static coco_error *err;
static uint8_t plain[PLAIN_SIZE];
static uint8_t packed[PACKED_SIZE];
static size_t packed_len;

/* Half noise, half text, so that there are blocks of all kinds. */
static int
fill(void **state)
{
    uint32_t x = 1;

    (void)state;
    for (size_t i = 0; i < PLAIN_SIZE; i++) {
        x = x * 1664525 + 1013904223;
        plain[i] = (i >> 16) % 2 == 0 ? (uint8_t)(x >> 24) : (uint8_t)('a' + i % 17);
    }
    packed_len = 0;
    return 0;
}

static void
add_gzip(const void *data, size_t len)
{
    z_stream z = {0};

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (uint8_t *)(uintptr_t)data;
    z.avail_in = (uInt)len;
    z.next_out = packed + packed_len;
    z.avail_out = (uInt)(PACKED_SIZE - packed_len);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    packed_len = PACKED_SIZE - z.avail_out;
    (void)deflateEnd(&z);
}

static void
add_zstd(const void *data, size_t len, int window_log)
{
    ZSTD_CCtx *zstd = ZSTD_createCCtx();

    assert_non_null(zstd);
    (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
    (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
    if (window_log > 0)
        (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, window_log);
    ZSTD_inBuffer in = {data, len, 0};
    ZSTD_outBuffer out = {packed, PACKED_SIZE, packed_len};
    /* Two calls, so that the frame does not know its size and states its window. */
    (void)ZSTD_compressStream2(zstd, &out, &in, ZSTD_e_flush);
    assert_int_equal(ZSTD_compressStream2(zstd, &out, &in, ZSTD_e_end), 0);
    packed_len = out.pos;
    (void)ZSTD_freeCCtx(zstd);
}

static void
add(enum coco_compression compression, const void *data, size_t len)
{
    if (compression == COCO_GZIP)
        add_gzip(data, len);
    else if (compression == COCO_ZSTD)
        add_zstd(data, len, 0);
    else {
        memcpy(packed + packed_len, data, len);
        packed_len += len;
    }
}

static struct coco_inflate_limits limits = {.max_ratio = 1100, .max_window = 8 << 20};

static coco_status
inflate_all(enum coco_compression compression, size_t step, struct coco_buf *out)
{
    _cleanup_(coco_inflate_freep) struct coco_inflate *inflate = NULL;
    const struct coco_sink next = coco_sink_to_buf(out);

    coco_status status = coco_inflate_new(compression, &limits, &next, &inflate, &err);
    if (status != COCO_OK)
        return status;
    const struct coco_sink sink = coco_inflate_sink(inflate);
    for (size_t at = 0; at < packed_len && status == COCO_OK; at += step) {
        size_t left = packed_len - at;
        status = coco_sink_write(&sink, packed + at, step < left ? step : left, &err);
    }
    if (status == COCO_OK)
        status = coco_sink_end(&sink, &err);
    return status;
}

static const enum coco_compression all[] = {COCO_UNCOMPRESSED, COCO_GZIP, COCO_ZSTD};

static void
what_was_packed_comes_out_in_pieces_of_any_size(void **state)
{
    static const size_t steps[] = {1, 7, 4096, 131072, PACKED_SIZE};

    for (size_t i = 0; i < 3; i++) {
        fill(state);
        add(all[i], plain, PLAIN_SIZE);
        for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
            _cleanup_buf_ struct coco_buf out = {.limit = 2 * PLAIN_SIZE};

            assert_ok(inflate_all(all[i], steps[k], &out), err);
            assert_int_equal(out.len, PLAIN_SIZE);
            assert_memory_equal(out.data, plain, PLAIN_SIZE);
        }
    }
}

static void
members_and_frames_follow_one_another(void **state)
{
    for (size_t i = 1; i < 3; i++) {
        fill(state);
        add(all[i], "", 0);
        add(all[i], plain, 300000);
        add(all[i], "", 0);
        add(all[i], plain + 300000, PLAIN_SIZE - 300000);
        for (size_t step = 1; step < PACKED_SIZE; step = step * 61 + 3) {
            _cleanup_buf_ struct coco_buf out = {.limit = 2 * PLAIN_SIZE};

            assert_ok(inflate_all(all[i], step, &out), err);
            assert_int_equal(out.len, PLAIN_SIZE);
            assert_memory_equal(out.data, plain, PLAIN_SIZE);
        }
    }
}

static void
a_cut_stream_is_refused_wherever_it_is_cut(void **state)
{
    for (size_t i = 1; i < 3; i++) {
        fill(state);
        add(all[i], "hello, hello, hello", 19);
        size_t whole = packed_len;
        for (packed_len = 0; packed_len < whole; packed_len++) {
            _cleanup_buf_ struct coco_buf out = {.limit = PLAIN_SIZE};

            assert_fails(inflate_all(all[i], 5, &out), err, COCO_ERR_PROTO, "is cut");
        }
    }
}

static void
bytes_after_the_end_are_refused(void **state)
{
    static const char *const behind[] = {"x", "\x1f\x8b", "garbage that is longer", "\x28\xb5\x2f"};

    for (size_t i = 1; i < 3; i++) {
        for (size_t k = 0; k < sizeof(behind) / sizeof(behind[0]); k++) {
            _cleanup_buf_ struct coco_buf out = {.limit = PLAIN_SIZE};

            fill(state);
            add(all[i], "hello", 5);
            add(COCO_UNCOMPRESSED, behind[k], strlen(behind[k]));
            assert_fails(inflate_all(all[i], 4096, &out), err, COCO_ERR_PROTO, "");
        }
        /* zero bytes, which gzip(1) itself passes over */
        _cleanup_buf_ struct coco_buf out = {.limit = PLAIN_SIZE};
        fill(state);
        add(all[i], "hello", 5);
        add(COCO_UNCOMPRESSED, "\0\0\0\0", 4);
        assert_fails(inflate_all(all[i], 1, &out), err, COCO_ERR_PROTO, "");
    }
}

static void
a_changed_checksum_or_length_is_fatal(void **state)
{
    for (size_t i = 1; i < 3; i++) {
        /* gzip ends in CRC-32 and length, zstd in 4 bytes of XXH64 */
        for (size_t back = 1; back <= (all[i] == COCO_GZIP ? 8 : 4); back++) {
            _cleanup_buf_ struct coco_buf out = {.limit = 2 * PLAIN_SIZE};

            fill(state);
            add(all[i], plain, 100000);
            packed[packed_len - back] ^= 1;
            coco_status status = inflate_all(all[i], 4096, &out);
            if (status != COCO_ERR_PROTO)
                fail_msg("byte %zu from the end of kind %zu can be changed", back, i);
            coco_error_free(err);
            err = NULL;
        }
    }
}

static void
what_is_not_compressed_is_refused(void **state)
{
    for (size_t i = 1; i < 3; i++) {
        _cleanup_buf_ struct coco_buf out = {.limit = PLAIN_SIZE};

        fill(state);
        add(COCO_UNCOMPRESSED, "plain text, not compressed at all", 33);
        assert_fails(inflate_all(all[i], 4096, &out), err, COCO_ERR_PROTO, "");
        packed_len = 0;
        assert_fails(inflate_all(all[i], 4096, &out), err, COCO_ERR_PROTO, "is cut");
    }
}

static coco_status
count(void *self, const uint8_t *data, size_t len, coco_error **error)
{
    (void)data;
    (void)error;
    *(uint64_t *)self += len;
    return COCO_OK;
}

static coco_status
count_end(void *self, coco_error **error)
{
    (void)self;
    (void)error;
    return COCO_OK;
}

static void
a_bomb_is_stopped_by_its_ratio(void **state)
{
    static uint8_t zeros[(size_t)64 << 20];

    for (size_t i = 1; i < 3; i++) {
        const struct coco_inflate_limits few = {.max_ratio = 100, .max_window = 8 << 20};
        _cleanup_(coco_inflate_freep) struct coco_inflate *inflate = NULL;
        uint64_t seen = 0;
        const struct coco_sink next = {.write = count, .end = count_end, .self = &seen};

        fill(state);
        add(all[i], zeros, sizeof(zeros));
        assert_ok(coco_inflate_new(all[i], &few, &next, &inflate, &err), err);
        const struct coco_sink sink = coco_inflate_sink(inflate);
        assert_fails(coco_sink_write(&sink, packed, packed_len, &err), err, COCO_ERR_LIMIT,
                     "more than 100 to 1");
        assert_true(seen < 100 * packed_len + ((uint64_t)4 << 20));
        assert_true(seen < sizeof(zeros));
    }
}

static void
a_zstd_window_has_a_limit(void **state)
{
    _cleanup_buf_ struct coco_buf out = {.limit = 2 * PLAIN_SIZE};

    (void)state;
    for (int log = 17; log <= 24; log++) {
        char text[80];

        limits.beside = 5;
        limits.max_window = (UINT64_C(2) << log) - 1; /* of no use beyond 1 << log */
        packed_len = 0;
        add_zstd(plain, PLAIN_SIZE, log);
        assert_ok(inflate_all(COCO_ZSTD, 4096, &out), err);
        packed_len = 0;
        add_zstd(plain, PLAIN_SIZE, log + 1);
        (void)snprintf(text, sizeof(text),
                       "a window of %d KiB, for which max_memory has to be %d bytes",
                       2 << (log - 10), (2 << log) + 5);
        assert_fails(inflate_all(COCO_ZSTD, 4096, &out), err, COCO_ERR_LIMIT, text);
        coco_buf_reset(&out);
    }
    limits.max_window = 8 << 20;
}

static void
a_failure_behind_is_passed_up(void **state)
{
    _cleanup_buf_ struct coco_buf out = {.limit = 10};

    (void)state;
    add_gzip(plain, PLAIN_SIZE);
    assert_fails(inflate_all(COCO_GZIP, 4096, &out), err, COCO_ERR_LIMIT, "more than 10 bytes");
}

static void
inflating_survives_any_failed_allocation(void **state)
{
    for (size_t i = 0; i < 3; i++) {
        fill(state);
        add(all[i], "hello", 5);
        for_each_fault()
        {
            _cleanup_buf_ struct coco_buf out = {.limit = PLAIN_SIZE};

            coco_status status = inflate_all(all[i], 4096, &out);
            fault_expect(status, err);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_comes_out_in_pieces_of_any_size),
        cmocka_unit_test(members_and_frames_follow_one_another),
        cmocka_unit_test(a_cut_stream_is_refused_wherever_it_is_cut),
        cmocka_unit_test(bytes_after_the_end_are_refused),
        cmocka_unit_test(a_changed_checksum_or_length_is_fatal),
        cmocka_unit_test(what_is_not_compressed_is_refused),
        cmocka_unit_test(a_bomb_is_stopped_by_its_ratio),
        cmocka_unit_test_setup(a_zstd_window_has_a_limit, fill),
        cmocka_unit_test_setup(a_failure_behind_is_passed_up, fill),
        cmocka_unit_test(inflating_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/inflate", tests, NULL, NULL);
}
