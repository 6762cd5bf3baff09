/*
 * tests/rpc/test_h2.c - lib/rpc/h2.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/h2.h"

#include "tests/support.h"

static nghttp2_vec
vec(const char *text, size_t len)
{
    union {
        const char *text;
        uint8_t *bytes;
    } u = {text};

    return (nghttp2_vec){u.bytes, len};
}

static coco_status
count(struct coco_h2_headers *headers, size_t name_len, size_t value_len, coco_error **err)
{
    return coco_h2_count(headers, vec("", name_len), vec("", value_len), err);
}

static void
headers_are_counted_by_number_and_size(void **state)
{
    struct coco_h2_headers headers = {0};
    coco_error *err = NULL;

    (void)state;
    for (int i = 0; i < COCO_H2_HEADERS_MAX; i++)
        assert_ok(count(&headers, 1, 1, &err), err);
    assert_fails(count(&headers, 1, 1, &err), err, COCO_ERR_LIMIT, "without end");
    headers = (struct coco_h2_headers){0};
    assert_ok(count(&headers, COCO_H2_HEADER_BYTES_MAX - 1, 1, &err), err);
    assert_fails(count(&headers, 0, 1, &err), err, COCO_ERR_LIMIT, "without end");
}

static void
failures_are_told_by_their_kind(void **state)
{
    struct coco_rpc_memory memory = {0};
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_h2_fail(NGHTTP2_ERR_BAD_CLIENT_MAGIC, &memory, &err), err, COCO_ERR_PROTO,
                 "HTTP/2: ");
    assert_fails(coco_h2_fail(NGHTTP2_ERR_FLOODED, &memory, &err), err, COCO_ERR_LIMIT, "HTTP/2");
    assert_fails(coco_h2_fail(NGHTTP2_ERR_NOMEM, &memory, &err), err, COCO_ERR_LIMIT, "HTTP/2");
    memory.failed = true;
    assert_fails(coco_h2_fail(NGHTTP2_ERR_NOMEM, &memory, &err), err, COCO_ERR_NOMEM, "");
}

static void
headers_are_kept_in_no_table(void **state)
{
    nghttp2_nv nv = coco_h2_header("name", "value");

    (void)state;
    assert_memory_equal(nv.name, "name", nv.namelen);
    assert_memory_equal(nv.value, "value", nv.valuelen);
    assert_int_equal(nv.flags, NGHTTP2_NV_FLAG_NO_INDEX);
}

static void
a_content_type_is_grpcs_or_not(void **state)
{
    (void)state;
    assert_true(coco_h2_is_grpc(vec("application/grpc", 16)));
    assert_true(coco_h2_is_grpc(vec("application/grpc+proto", 22)));
    assert_true(coco_h2_is_grpc(vec("application/grpc;a=b", 20)));
    assert_false(coco_h2_is_grpc(vec("application/grpc-web", 20)));
    assert_false(coco_h2_is_grpc(vec("application/grp", 15)));
    assert_false(coco_h2_is_grpc(vec("text/application/grpc", 21)));
    assert_true(coco_h2_is(vec("te", 2), "te"));
    assert_false(coco_h2_is(vec("tex", 3), "te"));
    assert_false(coco_h2_is(vec("t", 1), "te"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_counted_by_number_and_size),
        cmocka_unit_test(a_content_type_is_grpcs_or_not),
        cmocka_unit_test(failures_are_told_by_their_kind),
        cmocka_unit_test(headers_are_kept_in_no_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
