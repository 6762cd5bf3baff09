/*
 * tests/attester/test_cca.c - lib/attester/cca.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/cca.h"

#include "attester/paths.h"
#include "base/bytes.h"
#include "base/context.h"
#include "tests/fakekernel.h"
#include "tests/faults.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
    struct fake_kernel fake;
    coco_ctx *ctx;
    coco_attester *attester;
    coco_error *err;
};

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    void *self = NULL;

    f->err = NULL;
    fake_kernel_init(&f->fake);
    f->fake.provider = "arm_cca_guest\n";
    f->fake.out = (const uint8_t *)"\xd9\x01\x8f\xa0";
    f->fake.out_len = 4;
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_machine_new(&f->fake.table, &self, &f->err), f->err);
    assert_ok(coco_attester_wrap(&coco_cca_attester, self, &f->attester, &f->err), f->err);
    *state = f;
    return unsetenv(COCO_TEE_ROOT_VARIABLE);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_attester_free(f->attester);
    coco_ctx_free(f->ctx);
    assert_int_equal(f->fake.entries, 0);
    assert_int_equal(fake_kernel_open(&f->fake), 0);
    return 0;
}

static void
evidence_is_upstreams(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;

    assert_ok(
        coco_attester_collect(f->attester, f->ctx, (const uint8_t *)"bound", 5, &evidence, &f->err),
        f->err);
    assert_string_equal((const char *)coco_bytes_data(evidence), "{\"token\":[217,1,143,160]}");
    assert_int_equal(f->fake.inblob_len, 64);
    assert_memory_equal(f->fake.inblob, "bound\0", 6);
}

static void
another_machine_is_no_realm(void **state)
{
    struct fixture *f = *state;
    coco_bytes *evidence = NULL;

    f->fake.provider = "tdx_guest\n";
    assert_fails(
        coco_attester_collect(f->attester, f->ctx, (const uint8_t *)"bound", 5, &evidence, &f->err),
        f->err, COCO_ERR_NOTSUP, "not arm_cca_guest");
    assert_null(evidence);
}

static void
collecting_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        coco_bytes *evidence = NULL;

        coco_status status = coco_attester_collect(f->attester, f->ctx, (const uint8_t *)"bound", 5,
                                                   &evidence, &f->err);
        fault_expect(status, f->err);
        coco_error_free(f->err);
        f->err = NULL;
        coco_bytes_free(evidence);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(evidence_is_upstreams),
        TEST(another_machine_is_no_realm),
        TEST(collecting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
