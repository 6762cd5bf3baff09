/*
 * tests/base/test_secret.c - lib/base/secret.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/secret.h"

#include "tests/canary.h"
#include "tests/faults.h"

#include <string.h>

#define CANARY "a canary in the mine"

static void
copy_is_a_copy(void **state)
{
    _cleanup_secret_ struct coco_secret secret = {0};
    char data[] = "key";
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_secret_copy(data, 3, &secret, &err), err);
    data[0] = 'x';
    assert_int_equal(secret.len, 3);
    assert_memory_equal(secret.data, "key", 3);
}

static void
nothing_is_a_secret_too(void **state)
{
    _cleanup_secret_ struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_secret_copy(NULL, 0, &secret, &err), err);
    assert_non_null(secret.data);
    assert_int_equal(secret.len, 0);
    assert_true(coco_secret_equal(&secret, "", 0));
}

static void
alloc_gives_zeros(void **state)
{
    static const uint8_t zeros[1000];
    _cleanup_secret_ struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_secret_alloc(sizeof(zeros), &secret, &err), err);
    assert_memory_equal(secret.data, zeros, sizeof(zeros));
    struct coco_secret huge = {0};
    assert_int_equal(coco_secret_alloc(SIZE_MAX, &huge, &err), COCO_ERR_NOMEM);
    assert_null(huge.data);
    coco_error_free(err);
}

static void
random_differs_each_time(void **state)
{
    _cleanup_secret_ struct coco_secret a = {0};
    _cleanup_secret_ struct coco_secret b = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_secret_random(32, &a, &err), err);
    assert_ok(coco_secret_random(32, &b, &err), err);
    assert_int_equal(a.len, 32);
    assert_false(coco_secret_equal(&a, b.data, b.len));
    assert_fails(coco_random(NULL, (size_t)INT32_MAX + 1, &err), err, COCO_ERR_IO, "random");
}

static void
equal_wants_length_and_every_byte(void **state)
{
    _cleanup_secret_ struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_secret_copy("0123456789", 10, &secret, &err), err);
    assert_true(coco_secret_equal(&secret, "0123456789", 10));
    assert_false(coco_secret_equal(&secret, "0123456789", 9));
    assert_false(coco_secret_equal(&secret, "01234567890", 11));
    for (size_t i = 0; i < 10; i++) {
        char other[] = "0123456789";

        other[i] ^= 1;
        assert_false(coco_secret_equal(&secret, other, 10));
    }
}

static void
take_empties_the_buffer(void **state)
{
    _cleanup_secret_ struct coco_secret secret = {0};
    struct coco_buf buf = {.limit = 8};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_buf_append_text(&buf, "key", &err), err);
    const uint8_t *data = buf.data;
    assert_ok(coco_secret_take(&buf, &secret, &err), err);
    assert_ptr_equal(secret.data, data);
    assert_int_equal(secret.len, 3);
    assert_null(buf.data);
    assert_int_equal(buf.limit, 8);
    coco_secret_done(&secret);

    assert_ok(coco_secret_take(&buf, &secret, &err), err);
    assert_non_null(secret.data);
    assert_int_equal(secret.len, 0);
}

static void
steal_leaves_none(void **state)
{
    _cleanup_secret_ struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_secret_copy("key", 3, &secret, &err), err);
    _cleanup_secret_ struct coco_secret stolen = coco_secret_steal(&secret);
    assert_null(secret.data);
    assert_int_equal(secret.len, 0);
    assert_true(coco_secret_equal(&stolen, "key", 3));
}

static void
done_wipes(void **state)
{
    struct coco_secret secret = {0};
    struct coco_buf buf = {.limit = 64};
    coco_error *err = NULL;

    (void)state;
    canary_begin(CANARY, strlen(CANARY));
    assert_ok(coco_secret_copy(CANARY, strlen(CANARY), &secret, &err), err);
    coco_secret_done(&secret);
    assert_null(secret.data);
    assert_ok(coco_buf_append_text(&buf, CANARY, &err), err);
    assert_ok(coco_secret_take(&buf, &secret, &err), err);
    coco_secret_done(&secret);
    assert_int_equal(canary_end(), 0);
    coco_secret_done(&secret);
}

static void
secrets_survive_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        struct coco_secret copy = {0};
        struct coco_secret random = {0};
        coco_error *err = NULL;
        coco_status status = coco_secret_copy("key", 3, &copy, &err);

        if (status == COCO_OK)
            status = coco_secret_random(16, &random, &err);
        fault_expect(status, err);
        assert_true(status == COCO_OK || random.data == NULL);
        coco_error_free(err);
        coco_secret_done(&copy);
        coco_secret_done(&random);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_is_a_copy),
        cmocka_unit_test(nothing_is_a_secret_too),
        cmocka_unit_test(alloc_gives_zeros),
        cmocka_unit_test(random_differs_each_time),
        cmocka_unit_test(equal_wants_length_and_every_byte),
        cmocka_unit_test(take_empties_the_buffer),
        cmocka_unit_test(steal_leaves_none),
        cmocka_unit_test(done_wipes),
        cmocka_unit_test(secrets_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("base/secret", tests, NULL, NULL);
}
