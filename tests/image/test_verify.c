/*
 * tests/image/test_verify.c - lib/image/verify.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/unpack.h"

#include "tests/faults.h"

#include <string.h>

static coco_error *err;

static coco_status
pass(const struct coco_digest *want, const char *first, const char *second, struct coco_buf *out)
{
    _cleanup_(coco_verify_sink_freep) struct coco_verify_sink *verify = NULL;
    const struct coco_sink next = coco_sink_to_buf(out);

    coco_status status = coco_verify_sink_new(want, &next, &verify, &err);
    if (status != COCO_OK)
        return status;
    struct coco_sink sink = coco_verify_sink_sink(verify);
    status = coco_sink_write(&sink, first, strlen(first), &err);
    if (status == COCO_OK)
        status = coco_sink_write(&sink, second, strlen(second), &err);
    if (status == COCO_OK)
        status = coco_sink_end(&sink, &err);
    return status;
}

static void
bytes_pass_unchanged_and_their_digest_is_checked(void **state)
{
    _cleanup_buf_ struct coco_buf out = {.limit = 64};
    struct coco_digest want;

    (void)state;
    for (enum coco_hash_alg alg = COCO_SHA256; alg <= COCO_SHA512; alg++) {
        coco_buf_reset(&out);
        assert_ok(coco_digest_of(alg, "hello", 5, &want, &err), err);
        assert_ok(pass(&want, "hel", "lo", &out), err);
        assert_string_equal(coco_buf_text(&out), "hello");
        assert_fails(pass(&want, "hel", "l0", &out), err, COCO_ERR_VERIFY, "want sha");
        assert_fails(pass(&want, "hel", "", &out), err, COCO_ERR_VERIFY, "want sha");
    }
}

static void
passing_survives_any_failed_allocation(void **state)
{
    struct coco_digest want;

    (void)state;
    assert_ok(coco_digest_of(COCO_SHA256, "hello", 5, &want, &err), err);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf out = {.limit = 64};

        coco_status status = pass(&want, "hel", "lo", &out);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_pass_unchanged_and_their_digest_is_checked),
        cmocka_unit_test(passing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/verify", tests, NULL, NULL);
}
