/*
 * tests/ocicrypt/test_chunk_mac.c - lib/ocicrypt/chunk_mac.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/chunk_mac.h"

#include "base/fail.h"
#include "crypto/aead.h"
#include "ocicrypt/layer.h"

#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <string.h>

#define SIZE COCO_CHUNK_SIZE_MIN
#define TAG COCO_CHUNK_TAG_SIZE

/* A layer of two chunks and a bit. */
static uint8_t layer[2 * SIZE + 1000];
static struct coco_secret key;

/* What comes out at the other end. */
struct target {
    struct coco_buf buf;
    bool ended;
};

static coco_status
target_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct target *target = self;

    return coco_buf_append(&target->buf, data, len, err);
}

static coco_status
target_end(void *self, coco_error **err)
{
    struct target *target = self;

    (void)err;
    target->ended = true;
    return COCO_OK;
}

static coco_status
pass(struct coco_chunk_mac *mac, const uint8_t *data, size_t len, size_t step, coco_error **err)
{
    const struct coco_sink sink = coco_chunk_mac_sink(mac);
    coco_status status = COCO_OK;

    for (size_t at = 0; at < len && status == COCO_OK; at += step)
        status = coco_sink_write(&sink, data + at, len - at < step ? len - at : step, err);
    return status == COCO_OK ? coco_sink_end(&sink, err) : status;
}

static coco_status
make(struct coco_chunks *chunks, size_t len, size_t step, struct target *target, coco_error **err)
{
    _cleanup_(coco_chunk_mac_freep) struct coco_chunk_mac *mac = NULL;
    const struct coco_sink next = {.write = target_write, .end = target_end, .self = target};

    target->buf.limit = sizeof(layer);
    coco_status status = coco_chunk_mac_make(&key, chunks, &next, &mac, err);
    return status == COCO_OK ? pass(mac, layer, len, step, err) : status;
}

static coco_status
check(const struct coco_chunks *chunks, const uint8_t *data, size_t len, size_t step,
      struct target *target, coco_error **err)
{
    _cleanup_(coco_chunk_mac_freep) struct coco_chunk_mac *mac = NULL;
    const struct coco_sink next = {.write = target_write, .end = target_end, .self = target};

    target->buf.limit = 2 * sizeof(layer);
    coco_status status = coco_chunk_mac_check(&key, chunks, &next, &mac, err);
    return status == COCO_OK ? pass(mac, data, len, step, err) : status;
}

static int
setup(void **state)
{
    uint8_t bytes[COCO_LAYER_KEY_SIZE];
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(layer); i++)
        layer[i] = (uint8_t)((i * i >> 3) + (i >> 17));
    assert_ok(coco_secret_copy(bytes, sizeof(bytes), &key, &err), err);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coco_secret_done(&key);
    return 0;
}

/* As AES-256-GCM has them for associated data alone. */
static void
tags_are_those_of_gcm(void **state)
{
    static const char info[] = "libcoco encrypted layer chunks v1";
    struct coco_chunks chunks = {.size = SIZE};
    struct target target = {0};
    struct coco_secret derived = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(make(&chunks, sizeof(layer), 777, &target, &err), err);
    assert_true(target.ended);
    assert_int_equal(target.buf.len, sizeof(layer));
    assert_memory_equal(target.buf.data, layer, sizeof(layer));
    assert_int_equal(chunks.tags.len, 3 * TAG);
    assert_ok(coco_hkdf(&key, info, 32, &derived, &err), err);
    for (size_t i = 0; i < 3; i++) {
        _cleanup_buf_ struct coco_buf aad = {.limit = SIZE + 1};
        _cleanup_buf_ struct coco_buf nothing = {.limit = 1};
        const uint8_t iv[COCO_AEAD_IV_SIZE] = {[COCO_AEAD_IV_SIZE - 1] = (uint8_t)i};
        const uint8_t last = i == 2;
        uint8_t tag[TAG];

        assert_ok(coco_buf_append(&aad, layer + i * SIZE, last ? 1000 : SIZE, &err), err);
        assert_ok(coco_buf_append(&aad, &last, 1, &err), err);
        assert_ok(coco_aead_seal(derived.data, iv, &aad, "", 0, &nothing, tag, &err), err);
        assert_memory_equal(chunks.tags.data + i * TAG, tag, TAG);
    }
    coco_secret_done(&derived);
    coco_buf_done(&target.buf);
    coco_chunks_done(&chunks);
}

static void
what_is_made_is_right_in_any_portions(void **state)
{
    static const size_t lens[] = {0, 1, SIZE - 1, SIZE, SIZE + 1, 2 * SIZE, 2 * SIZE + 1000};
    static const size_t steps[] = {1, 4096, SIZE - 1, SIZE, SIZE + 1, sizeof(layer)};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
        for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
            struct coco_chunks chunks = {.size = SIZE};
            struct target there = {0};
            struct target back = {0};
            size_t n = lens[i] == 0 ? 1 : (lens[i] + SIZE - 1) / SIZE;

            assert_ok(make(&chunks, lens[i], steps[j], &there, &err), err);
            assert_int_equal(chunks.tags.len, n * TAG);
            assert_ok(check(&chunks, layer, lens[i], steps[j], &back, &err), err);
            assert_true(back.ended);
            assert_int_equal(back.buf.len, lens[i]);
            if (lens[i] > 0)
                assert_memory_equal(back.buf.data, layer, lens[i]);
            coco_buf_done(&there.buf);
            coco_buf_done(&back.buf);
            coco_chunks_done(&chunks);
        }
}

static void
assert_refused(const struct coco_chunks *chunks, const uint8_t *data, size_t len, size_t seen)
{
    struct target target = {0};
    coco_error *err = NULL;

    assert_fails(check(chunks, data, len, 4096, &target, &err), err, COCO_ERR_VERIFY,
                 COCO_LAYER_NOT_AUTHENTIC);
    assert_false(target.ended);
    /* Chunks before the first wrong one were seen, and nothing of that one. */
    assert_int_equal(target.buf.len, seen);
    coco_buf_done(&target.buf);
}

static void
nothing_of_a_changed_chunk_is_passed_on(void **state)
{
    static uint8_t data[sizeof(layer) + 1];
    struct coco_chunks chunks = {.size = SIZE};
    struct target target = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(make(&chunks, sizeof(layer), SIZE, &target, &err), err);
    memcpy(data, layer, sizeof(layer));
    for (size_t at = 0; at < sizeof(layer); at += 9973) {
        data[at] ^= 1;
        assert_refused(&chunks, data, sizeof(layer), at / SIZE * SIZE);
        data[at] ^= 1;
    }
    for (size_t at = 0; at < chunks.tags.len; at++) {
        chunks.tags.data[at] ^= 0x80;
        assert_refused(&chunks, data, sizeof(layer), at / TAG * SIZE);
        chunks.tags.data[at] ^= 0x80;
    }
    /* The same chunks in another order. */
    memcpy(data, layer + SIZE, SIZE);
    memcpy(data + SIZE, layer, SIZE);
    assert_refused(&chunks, data, sizeof(layer), 0);
    coco_buf_done(&target.buf);
    coco_chunks_done(&chunks);
}

static void
a_layer_that_ends_elsewhere_is_refused(void **state)
{
    static uint8_t data[sizeof(layer) + 1];
    struct coco_chunks chunks = {.size = SIZE};
    struct target target = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(make(&chunks, sizeof(layer), SIZE, &target, &err), err);
    memcpy(data, layer, sizeof(layer));
    assert_refused(&chunks, data, sizeof(data), 2 * SIZE);
    assert_refused(&chunks, data, sizeof(layer) - 1, 2 * SIZE);
    /* Where a chunk ends: its tag says that it is not the last. */
    assert_refused(&chunks, data, 2 * SIZE, SIZE);
    assert_refused(&chunks, data, 0, 0);
    /* And with the list as short as the layer. */
    chunks.tags.len = 2 * TAG;
    assert_refused(&chunks, data, 2 * SIZE, SIZE);
    assert_refused(&chunks, data, sizeof(layer), SIZE);
    chunks.tags.len = 3 * TAG;
    coco_buf_done(&target.buf);
    coco_chunks_done(&chunks);
}

static void
another_key_or_size_is_refused(void **state)
{
    struct coco_chunks chunks = {.size = SIZE};
    struct target target = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(make(&chunks, sizeof(layer), SIZE, &target, &err), err);
    key.data[0] ^= 1;
    assert_refused(&chunks, layer, sizeof(layer), 0);
    key.data[0] ^= 1;
    chunks.size = 2 * SIZE;
    assert_refused(&chunks, layer, sizeof(layer), 0);
    coco_buf_done(&target.buf);
    coco_chunks_done(&chunks);
}

static void
more_chunks_than_a_list_holds_are_refused(void **state)
{
    _cleanup_(coco_chunk_mac_freep) struct coco_chunk_mac *mac = NULL;
    struct coco_chunks chunks = {.size = 1};
    struct target target = {.buf = {.limit = sizeof(layer)}};
    const struct coco_sink next = {.write = target_write, .end = target_end, .self = &target};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_chunk_mac_make(&key, &chunks, &next, &mac, &err), err);
    assert_fails(pass(mac, layer, COCO_CHUNKS_MAX + 2, 4096, &err), err, COCO_ERR_LIMIT, "");
    coco_buf_done(&target.buf);
    coco_chunks_done(&chunks);
}

static void
no_key_stays_behind(void **state)
{
    struct coco_chunks chunks = {.size = SIZE};
    struct coco_secret derived = {0};
    struct target target = {0};
    uint8_t bytes[32];
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_hkdf(&key, "libcoco encrypted layer chunks v1", 32, &derived, &err), err);
    memcpy(bytes, derived.data, sizeof(bytes));
    coco_secret_done(&derived);
    canary_begin(bytes, sizeof(bytes));
    assert_ok(make(&chunks, sizeof(layer), SIZE, &target, &err), err);
    coco_buf_done(&target.buf);
    assert_ok(check(&chunks, layer, sizeof(layer), SIZE, &target, &err), err);
    coco_buf_done(&target.buf);
    assert_int_equal(canary_end(), 0);
    coco_chunks_done(&chunks);
}

static void
every_failed_allocation_is_told(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        struct coco_chunks chunks = {.size = SIZE};
        struct target there = {0};
        struct target back = {0};

        coco_status status = make(&chunks, 2 * SIZE, SIZE, &there, &err);
        if (status == COCO_OK)
            status = check(&chunks, layer, 2 * SIZE, SIZE, &back, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
        coco_buf_done(&there.buf);
        coco_buf_done(&back.buf);
        coco_chunks_done(&chunks);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_those_of_gcm),
        cmocka_unit_test(what_is_made_is_right_in_any_portions),
        cmocka_unit_test(nothing_of_a_changed_chunk_is_passed_on),
        cmocka_unit_test(a_layer_that_ends_elsewhere_is_refused),
        cmocka_unit_test(another_key_or_size_is_refused),
        cmocka_unit_test(more_chunks_than_a_list_holds_are_refused),
        cmocka_unit_test(no_key_stays_behind),
        cmocka_unit_test(every_failed_allocation_is_told),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
