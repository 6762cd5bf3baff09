/*
 * tests/kbs/test_seal.c - lib/kbs/seal.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/seal.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <string.h>

static const char secret[] = "what nobody else may see";

static struct coco_secret
make_key(void)
{
    struct coco_secret key = {0};
    coco_error *err = NULL;

    assert_ok(coco_secret_random(COCO_AEAD_KEY_SIZE, &key, &err), err);
    return key;
}

static void
a_value_opens_under_its_label_alone(void **state)
{
    static const struct coco_kbs_label label = {"", 1, "a/b/c"};
    static const struct coco_kbs_label others[] = {
        {"t", 1, "a/b/c"}, {"", 2, "a/b/c"}, {"", 1, "a/b/d"}, {"", 1, "a/b/"}};
    _cleanup_secret_ struct coco_secret key = make_key();
    _cleanup_secret_ struct coco_secret other = make_key();
    _cleanup_secret_ struct coco_secret opened = {0};
    _cleanup_buf_ struct coco_buf sealed = {.limit = 256};
    struct coco_secret got = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_seal(&key, &label, secret, sizeof(secret), &sealed, &err), err);
    assert_int_equal(sealed.len, sizeof(secret) + COCO_KBS_SEAL_OVERHEAD);
    assert_null(memmem(sealed.data, sealed.len, secret, 8));
    assert_ok(coco_kbs_unseal(&key, &label, sealed.data, sealed.len, &opened, &err), err);
    assert_true(coco_secret_equal(&opened, secret, sizeof(secret)));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_fails(coco_kbs_unseal(&key, &others[i], sealed.data, sealed.len, &got, &err), err,
                     COCO_ERR_VERIFY, others[i].name);
    assert_fails(coco_kbs_unseal(&other, &label, sealed.data, sealed.len, &got, &err), err,
                 COCO_ERR_VERIFY, "a/b/c");
}

static void
no_bit_of_it_may_differ(void **state)
{
    static const struct coco_kbs_label label = {"t", 4, "k"};
    _cleanup_secret_ struct coco_secret key = make_key();
    _cleanup_buf_ struct coco_buf sealed = {.limit = 256};
    struct coco_secret got = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_seal(&key, &label, "abc", 3, &sealed, &err), err);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        sealed.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_fails(coco_kbs_unseal(&key, &label, sealed.data, sealed.len, &got, &err), err,
                     COCO_ERR_VERIFY, "k");
        sealed.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_fails(coco_kbs_unseal(&key, &label, sealed.data, len, &got, &err), err,
                     COCO_ERR_VERIFY, "k");
}

static void
it_survives_failed_allocations(void **state)
{
    static const struct coco_kbs_label label = {"t", 4, "k"};
    _cleanup_secret_ struct coco_secret key = make_key();

    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf sealed = {.limit = 256};
        _cleanup_secret_ struct coco_secret got = {0};
        coco_error *err = NULL;

        coco_status status = coco_kbs_seal(&key, &label, "abc", 3, &sealed, &err);
        if (status == COCO_OK)
            status = coco_kbs_unseal(&key, &label, sealed.data, sealed.len, &got, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

static void
the_newest_key_of_a_ring_seals(void **state)
{
    _cleanup_ring_ struct coco_kbs_ring ring = {0};
    struct coco_secret key = make_key();
    coco_error *err = NULL;

    (void)state;
    assert_int_equal(coco_kbs_ring_newest(&ring), 0);
    assert_null(coco_kbs_ring_find(&ring, 0));
    assert_ok(coco_kbs_ring_add(&ring, 7, &key, &err), err);
    assert_null(key.data);
    key = make_key();
    assert_ok(coco_kbs_ring_add(&ring, 3, &key, &err), err);
    assert_int_equal(coco_kbs_ring_newest(&ring), 7);
    assert_ok(coco_kbs_ring_renew(&ring, &err), err);
    assert_int_equal(coco_kbs_ring_newest(&ring), 8);
    assert_non_null(coco_kbs_ring_find(&ring, 3));
    assert_ok(coco_kbs_ring_renew(&ring, &err), err);
    assert_ok(coco_kbs_ring_renew(&ring, &err), err);
    assert_int_equal(ring.n, COCO_KBS_RING_MAX);
    assert_null(coco_kbs_ring_find(&ring, 3));
    assert_non_null(coco_kbs_ring_find(&ring, 7));
    assert_int_equal(coco_kbs_ring_newest(&ring), 10);
}

static void
what_is_no_key_is_not_taken(void **state)
{
    _cleanup_ring_ struct coco_kbs_ring ring = {0};
    _cleanup_secret_ struct coco_secret key = make_key();
    _cleanup_secret_ struct coco_secret half = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_secret_random(16, &half, &err), err);
    assert_fails(coco_kbs_ring_add(&ring, 1, &half, &err), err, COCO_ERR_VERIFY, "none");
    assert_fails(coco_kbs_ring_add(&ring, 0, &key, &err), err, COCO_ERR_VERIFY, "none");
    assert_fails(coco_kbs_ring_add(&ring, UINT64_MAX, &key, &err), err, COCO_ERR_VERIFY, "none");
    for (unsigned i = 0; i < COCO_KBS_RING_MAX; i++)
        assert_ok(coco_kbs_ring_renew(&ring, &err), err);
    assert_fails(coco_kbs_ring_add(&ring, 2, &key, &err), err, COCO_ERR_VERIFY, "none");
    assert_fails(coco_kbs_ring_add(&ring, 9, &key, &err), err, COCO_ERR_LIMIT, "more than");
    assert_int_equal(key.len, COCO_AEAD_KEY_SIZE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_opens_under_its_label_alone),
        cmocka_unit_test(no_bit_of_it_may_differ),
        cmocka_unit_test(the_newest_key_of_a_ring_seals),
        cmocka_unit_test(what_is_no_key_is_not_taken),
        cmocka_unit_test(it_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/seal", tests, NULL, NULL);
}
