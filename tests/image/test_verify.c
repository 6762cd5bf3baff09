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
check(const struct coco_digest *want, const char *first, const char *second)
{
    _cleanup_(coco_verify_sink_freep) struct coco_verify_sink *verify = NULL;

    coco_status status = coco_verify_sink_new(want, &verify, &err);
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
the_digest_is_checked_at_the_end(void **state)
{
    struct coco_digest want;

    (void)state;
    for (enum coco_hash_alg alg = COCO_SHA256; alg <= COCO_SHA512; alg++) {
        assert_ok(coco_digest_of(alg, "hello", 5, &want, &err), err);
        assert_ok(check(&want, "hel", "lo"), err);
        assert_fails(check(&want, "hel", "l0"), err, COCO_ERR_VERIFY, "want sha");
        assert_fails(check(&want, "hel", ""), err, COCO_ERR_VERIFY, "want sha");
    }
}

static void
checking_survives_any_failed_allocation(void **state)
{
    struct coco_digest want;

    (void)state;
    assert_ok(coco_digest_of(COCO_SHA256, "hello", 5, &want, &err), err);
    for_each_fault()
    {
        coco_status status = check(&want, "hel", "lo");
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_digest_is_checked_at_the_end),
        cmocka_unit_test(checking_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/verify", tests, NULL, NULL);
}
