/*
 * tests/base/test_bytes.c - lib/base/bytes.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"

#include "tests/canary.h"
#include "tests/faults.h"

#include <string.h>

static void
new_copies(void **state)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    char data[] = "a\0b";
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_bytes_new(data, 3, &bytes, &err), err);
    data[0] = 'x';
    assert_int_equal(coco_bytes_size(bytes), 3);
    assert_memory_equal(coco_bytes_data(bytes), "a\0b", 4); /* a NUL stands behind */
}

static void
nothing_is_a_result_too(void **state)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *taken = NULL;
    struct coco_buf buf = {.limit = 8};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_bytes_new(NULL, 0, &bytes, &err), err);
    assert_int_equal(coco_bytes_size(bytes), 0);
    assert_string_equal((const char *)coco_bytes_data(bytes), "");
    assert_ok(coco_bytes_take(&buf, &taken, &err), err);
    assert_non_null(coco_bytes_data(taken));
    coco_bytes_free(NULL);
}

static void
take_empties_the_buffer(void **state)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    struct coco_buf buf = {.limit = 8};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_buf_append_text(&buf, "12345678", &err), err);
    const uint8_t *data = buf.data;
    assert_ok(coco_bytes_take(&buf, &bytes, &err), err);
    assert_ptr_equal(coco_bytes_data(bytes), data);
    assert_null(buf.data);
    assert_int_equal(buf.limit, 8);
    assert_ok(coco_buf_append_text(&buf, "again", &err), err);
    coco_buf_done(&buf);
}

static void
bytes_are_wiped(void **state)
{
    coco_bytes *bytes = NULL;
    coco_error *err = NULL;

    (void)state;
    canary_begin("a canary", 8);
    assert_ok(coco_bytes_new("a canary", 8, &bytes, &err), err);
    coco_bytes_free(bytes);
    assert_int_equal(canary_end(), 0);
}

static void
bytes_survive_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        coco_bytes *bytes = NULL;
        coco_error *err = NULL;
        coco_status status = coco_bytes_new("x", 1, &bytes, &err);

        fault_expect(status, err);
        assert_true(status == COCO_OK || bytes == NULL);
        coco_error_free(err);
        coco_bytes_free(bytes);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_copies),
        cmocka_unit_test(nothing_is_a_result_too),
        cmocka_unit_test(take_empties_the_buffer),
        cmocka_unit_test(bytes_are_wiped),
        cmocka_unit_test(bytes_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("base/bytes", tests, NULL, NULL);
}
