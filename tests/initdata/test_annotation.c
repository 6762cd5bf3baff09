/*
 * tests/initdata/test_annotation.c - lib/initdata/annotation.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/base64.h"
#include "base/bytes.h"
#include "initdata/initdata.h"
#include "tests/faults.h"

#include <string.h>
#include <zlib.h>

#define DOCUMENT "version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\na = \"b\"\n"

/* As Python's gzip.compress() packs DOCUMENT. */
#define PACKED                                                                                     \
    "H4sIAAAAAAACAytLLSrOzM9TsFVQMtAz1DNQ4krMSc8vyizJyAWJFWckGpmaKXFFpySWJM"                       \
    "ZyJYLEkpS4APr+5xY2AAAA"

static void
what_others_packed_is_read(void **state)
{
    static const char *const texts[] = {PACKED, PACKED "\n", PACKED "\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        _cleanup_initdata_ coco_initdata *initdata = NULL;
        coco_error *err = NULL;

        assert_ok(coco_initdata_parse(texts[i], &initdata, &err), err);
        assert_string_equal(coco_initdata_text(initdata), DOCUMENT);
    }
}

static void
what_is_packed_is_read_and_is_always_the_same(void **state)
{
    _cleanup_initdata_ coco_initdata *initdata = NULL;
    _cleanup_initdata_ coco_initdata *again = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *packed = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *second = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_initdata_parse(DOCUMENT, &initdata, &err), err);
    assert_ok(coco_initdata_annotation(initdata, &packed, &err), err);
    assert_ok(coco_initdata_parse((const char *)coco_bytes_data(packed), &again, &err), err);
    assert_string_equal(coco_initdata_text(again), DOCUMENT);
    assert_ok(coco_initdata_annotation(again, &second, &err), err);
    assert_string_equal((const char *)coco_bytes_data(packed),
                        (const char *)coco_bytes_data(second));
}

static void
what_was_not_packed_whole_is_refused(void **state)
{
    static const char *const texts[] = {
        "H4sI",
        "H4sIAAAA",
        PACKED "=",
        PACKED " ",
        /* cut, with a byte behind, with another checksum, with a NUL in it */
        "H4sIAAAAAAACAytLLSrOzM9TsFVQMtAz1DNQ4krMSc8vyizJyAWJFWckGpmaKXFFpySWJM"
        "ZyJYLEkpS4APr+5xY=",
        "H4sIAAAAAAACAytLLSrOzM9TsFVQMtAz1DNQ4krMSc8vyizJyAWJFWckGpmaKXFFpySWJM"
        "ZyJYLEkpS4APr+5xY2AAAAeA==",
        "H4sIAAAAAAACAytLLSrOzM9TsFVQMtAz1DNQ4krMSc8vyizJyAWJFWckGpmaKXFFpySWJM"
        "ZyJYLEkpS4APr+5hY2AAAA",
        "H4sIAAAAAAACAytLLSrOzM9TsFVQMtAz1DNQ4krMSc8vyizJyAWJFWckGpmaKXFFpySWJM"
        "ZyJYLEkpS4GABxE3yPNwAAAA==",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        _cleanup_initdata_ coco_initdata *initdata = NULL;

        if (coco_initdata_parse(texts[i], &initdata, NULL) != COCO_ERR_PROTO)
            fail_msg("case %zu is not refused", i);
        assert_null(initdata);
    }
}

/* A few kilobytes that would become megabytes. */
static void
a_bomb_is_a_limit(void **state)
{
    size_t size = COCO_INITDATA_MAX + 1;
    _cleanup_free_ uint8_t *content = malloc(size);
    _cleanup_free_ uint8_t *packed = malloc(1 << 16);
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 17};
    _cleanup_initdata_ coco_initdata *initdata = NULL;
    z_stream stream = {0};
    coco_error *err = NULL;

    (void)state;
    assert_non_null(content);
    assert_non_null(packed);
    memset(content, '#', size);
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = content;
    stream.avail_in = (uInt)size;
    stream.next_out = packed;
    stream.avail_out = 1 << 16;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_ok(coco_base64_encode(COCO_BASE64, packed, stream.total_out, &text, &err), err);
    (void)deflateEnd(&stream);
    assert_fails(coco_initdata_parse(coco_buf_text(&text), &initdata, &err), err, COCO_ERR_LIMIT,
                 "packed init data");
}

static void
a_broker_reads_toml_alone(void **state)
{
    _cleanup_initdata_ coco_initdata *initdata = NULL;

    (void)state;
    assert_int_equal(coco_initdata_read(PACKED, &initdata, NULL), COCO_ERR_PROTO);
}

static void
packing_survives_every_failing_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_initdata_ coco_initdata *initdata = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *packed = NULL;
        coco_error *err = NULL;

        coco_status status = coco_initdata_parse(PACKED, &initdata, &err);
        if (status == COCO_OK)
            status = coco_initdata_annotation(initdata, &packed, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_packed_is_read),
        cmocka_unit_test(what_is_packed_is_read_and_is_always_the_same),
        cmocka_unit_test(what_was_not_packed_whole_is_refused),
        cmocka_unit_test(a_bomb_is_a_limit),
        cmocka_unit_test(a_broker_reads_toml_alone),
        cmocka_unit_test(packing_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests_name("initdata/annotation", tests, NULL, NULL);
}
