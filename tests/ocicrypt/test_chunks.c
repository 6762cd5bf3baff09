/*
 * tests/ocicrypt/test_chunks.c - lib/ocicrypt/chunks.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/chunks.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <string.h>

#define TAG "qKjS0LajtSCr5GLwrnJsgg=="

static void
what_is_written_is_read(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for (size_t size = COCO_CHUNK_SIZE_MIN; size <= COCO_CHUNK_SIZE_MAX; size *= 2) {
        struct coco_chunks chunks = {.size = size, .tags = {.limit = 1 << 10}};
        _cleanup_buf_ struct coco_buf text = {.limit = 1 << 10};
        struct coco_chunks back = {0};

        assert_ok(coco_buf_append(&chunks.tags, "0123456789abcdefghijklmnopqrstuv", 32, &err), err);
        assert_ok(coco_chunks_write(&chunks, &text, &err), err);
        assert_ok(coco_chunks_read(coco_buf_text(&text), &back, &err), err);
        assert_true(coco_chunks_same(&chunks, &back));
        back.tags.data[31] ^= 1;
        assert_false(coco_chunks_same(&chunks, &back));
        back.tags.data[31] ^= 1;
        back.tags.len = COCO_CHUNK_TAG_SIZE;
        assert_false(coco_chunks_same(&chunks, &back));
        coco_chunks_done(&chunks);
        assert_false(coco_chunks_same(&chunks, &back));
        coco_chunks_done(&back);
        assert_true(coco_chunks_same(&chunks, &back));
    }
}

static void
the_text_is_the_published_one(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 10};
    struct coco_chunks chunks = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_chunks_read("AES-256-GMAC:131072:" TAG, &chunks, &err), err);
    assert_int_equal(chunks.size, 131072);
    assert_int_equal(chunks.tags.len, COCO_CHUNK_TAG_SIZE);
    assert_int_equal(chunks.tags.data[0], 0xa8);
    assert_ok(coco_chunks_write(&chunks, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), "AES-256-GMAC:131072:" TAG);
    coco_chunks_done(&chunks);
}

static void
whatever_else_is_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
    } hostile[] = {
        {"", COCO_ERR_NOTSUP},
        {"AES-256-GMAC", COCO_ERR_NOTSUP},
        {"HMAC-SHA256:131072:" TAG, COCO_ERR_NOTSUP},
        {"aes-256-gmac:131072:" TAG, COCO_ERR_NOTSUP},
        {" AES-256-GMAC:131072:" TAG, COCO_ERR_NOTSUP},
        {"AES-256-GMAC:", COCO_ERR_PROTO},
        {"AES-256-GMAC:131072", COCO_ERR_PROTO},
        {"AES-256-GMAC:131072:", COCO_ERR_PROTO},
        {"AES-256-GMAC::" TAG, COCO_ERR_PROTO},
        {"AES-256-GMAC:0:" TAG, COCO_ERR_PROTO},
        {"AES-256-GMAC:1:" TAG, COCO_ERR_PROTO},
        {"AES-256-GMAC:65536:" TAG, COCO_ERR_PROTO},
        {"AES-256-GMAC:131071:" TAG, COCO_ERR_PROTO},
        {"AES-256-GMAC:0131072:" TAG, COCO_ERR_PROTO},
        {"AES-256-GMAC:+131072:" TAG, COCO_ERR_PROTO},
        {"AES-256-GMAC:131072 :" TAG, COCO_ERR_PROTO},
        {"AES-256-GMAC:0x20000:" TAG, COCO_ERR_PROTO},
        {"AES-256-GMAC:33554432:" TAG, COCO_ERR_PROTO},
        {"AES-256-GMAC:18446744073709682688:" TAG, COCO_ERR_PROTO},
        {"AES-256-GMAC:131072:" TAG " ", COCO_ERR_PROTO},
        {"AES-256-GMAC:131072:" TAG TAG, COCO_ERR_PROTO},
        {"AES-256-GMAC:131072:qKjS0LajtSCr5GLwrnJs", COCO_ERR_PROTO},
        {"AES-256-GMAC:131072:qKjS0LajtSCr5GLwrnJsgg", COCO_ERR_PROTO},
        {"AES-256-GMAC:131072:qKjS0LajtSCr5GLwrnJsgh==", COCO_ERR_PROTO},
        {"AES-256-GMAC:131072:qKjS0LajtSCr5GLwrnJsgi4=", COCO_ERR_PROTO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        struct coco_chunks chunks = {0};
        coco_error *err = NULL;

        assert_fails(coco_chunks_read(hostile[i].text, &chunks, &err), err, hostile[i].status,
                     "chunks of the layer");
        assert_int_equal(chunks.size, 0);
        assert_null(chunks.tags.data);
    }
}

static void
more_chunks_than_a_manifest_holds_are_refused(void **state)
{
    enum { TAGS = COCO_CHUNKS_MAX * COCO_CHUNK_TAG_SIZE };
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 20};
    struct coco_chunks chunks = {.size = COCO_CHUNK_SIZE_MIN, .tags = {.limit = 1 << 20}};
    static const uint8_t zeros[TAGS];
    struct coco_chunks back = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_buf_append(&chunks.tags, zeros, TAGS, &err), err);
    assert_ok(coco_chunks_write(&chunks, &text, &err), err);
    assert_ok(coco_chunks_read(coco_buf_text(&text), &back, &err), err);
    assert_int_equal(back.tags.len, TAGS);
    coco_chunks_done(&back);
    coco_buf_reset(&text);
    assert_ok(coco_buf_append(&chunks.tags, zeros, COCO_CHUNK_TAG_SIZE, &err), err);
    assert_ok(coco_chunks_write(&chunks, &text, &err), err);
    assert_fails(coco_chunks_read(coco_buf_text(&text), &back, &err), err, COCO_ERR_LIMIT,
                 "chunks of the layer");
    coco_chunks_done(&chunks);
}

static void
the_size_grows_with_the_image(void **state)
{
    const uint64_t gib = UINT64_C(1) << 30;
    const size_t mib = (size_t)1 << 20;

    (void)state;
    assert_int_equal(coco_chunk_size_for(0), mib);
    assert_int_equal(coco_chunk_size_for(8 * gib - 1), mib);
    assert_int_equal(coco_chunk_size_for(8 * gib), 2 * mib);
    assert_int_equal(coco_chunk_size_for(16 * gib), 4 * mib);
    assert_int_equal(coco_chunk_size_for(128 * gib - 1), 16 * mib);
    assert_int_equal(coco_chunk_size_for(128 * gib), 0);
    assert_int_equal(coco_chunk_size_for(UINT64_MAX), 0);
}

static void
every_failed_allocation_is_told(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        struct coco_buf text = {.limit = 1 << 10};
        struct coco_chunks chunks = {0};

        coco_status status = coco_chunks_read("AES-256-GMAC:131072:" TAG, &chunks, &err);
        if (status == COCO_OK)
            status = coco_chunks_write(&chunks, &text, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
        coco_chunks_done(&chunks);
        coco_buf_done(&text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_text_is_the_published_one),
        cmocka_unit_test(whatever_else_is_refused),
        cmocka_unit_test(more_chunks_than_a_manifest_holds_are_refused),
        cmocka_unit_test(the_size_grows_with_the_image),
        cmocka_unit_test(every_failed_allocation_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
