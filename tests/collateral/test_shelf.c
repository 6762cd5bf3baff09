/*
 * tests/collateral/test_shelf.c - lib/collateral/shelf.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/shelf.h"

#include "base/context.h"
#include "tests/collateral/kit.h"
#include "tests/faults.h"

#define CRL "amd/Milan/vcek.crl"

static struct pki_cert ca;
static coco_ctx *ctx;
static struct coco_shelf shelf;
static uint8_t crl[4096];
static size_t crl_len;
static int64_t now;
static coco_error *err;

static int64_t
fake_now(void *self)
{
    (void)self;
    return now;
}

static const struct coco_clock fake_clock = {.now = fake_now};

static int
setup(void **state)
{
    (void)state;
    pki_make_ca(&ca, NULL, "CA");
    crl_len = kit_crl(&ca, 20, crl, sizeof(crl));
    now = (int64_t)time(NULL);
    assert_ok(coco_ctx_new(&ctx, &err), err);
    coco_shelf_init(&shelf, ctx);
    shelf.clock = &fake_clock;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coco_shelf_done(&shelf);
    coco_ctx_free(ctx);
    pki_done(&ca);
    return 0;
}

static coco_status
put(const char *name, const void *data, size_t len, int64_t expires)
{
    _cleanup_items_ struct coco_items items = {0};
    struct coco_item *item = NULL;

    coco_status status = coco_items_put(&items, name, data, len, &item, &err);
    if (status != COCO_OK)
        return status;
    item->expires = expires;
    return coco_shelf_put(&shelf, &items, &err);
}

static bool
is_given(const char *name, bool must_be_good)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_COLLATERAL_MAX};
    bool given = false;

    assert_ok(coco_shelf_give(&shelf, name, must_be_good, &buf, &given, &err), err);
    return given;
}

static void
things_are_good_for_as_long_as_they_may_change(void **state)
{
    static const struct {
        const char *name;
        int64_t good; /* seconds */
    } cases[] = {
        {CRL, COCO_SHELF_FRESH},
        {"intel/tdx/tcb-info/00a06d080000.pem", COCO_SHELF_FRESH},
        {"amd/Milan/vcek/chain.pem", COCO_SHELF_FRESH_CHAIN},
        {"amd/Turin/vcek/0011223344556677/bl01_tee01_snp01_ucode70_fmc00.der", 1000 * KIT_DAY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_ok(put(cases[i].name, "x", 1, now + 1000 * KIT_DAY), err);
        now += cases[i].good - 1;
        assert_true(is_given(cases[i].name, true));
        assert_true(coco_shelf_has(&shelf, cases[i].name));
        now++;
        assert_false(is_given(cases[i].name, true));
        assert_false(coco_shelf_has(&shelf, cases[i].name));
        assert_int_equal(is_given(cases[i].name, false), cases[i].good < 1000 * KIT_DAY);
    }
}

static void
what_has_ended_is_neither_put_nor_given(void **state)
{
    (void)state;
    assert_fails(put(CRL, "x", 1, now), err, COCO_ERR_PROTO, "expired");
    assert_ok(put(CRL, "x", 1, now + 5), err);
    now += 5;
    assert_false(is_given(CRL, false));
    assert_false(is_given("amd/Genoa/vcek.crl", false));
}

/* However many there are, what was used last stays. */
static void
what_was_not_used_for_longest_goes_first(void **state)
{
    char *large = calloc(1, COCO_COLLATERAL_MAX);
    char name[32];

    (void)state;
    assert_non_null(large);
    assert_ok(put("kept", large, COCO_COLLATERAL_MAX, 0), err);
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "large/%u", i);
        assert_ok(put(name, large, COCO_COLLATERAL_MAX, 0), err);
        assert_true(is_given("kept", false));
    }
    assert_true(shelf.items.bytes <= COCO_ITEMS_BYTES_MAX);
    assert_false(is_given("large/0", false));
    assert_true(is_given("large/99", false));
    free(large);
}

static void
files_are_looked_at_once(void **state)
{
    char dir[64];
    char path[128];

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(path, sizeof(path), "%s/cache", dir);
    assert_ok(coco_shelf_set_cache(&shelf, path, &err), err);
    assert_ok(put(CRL, crl, crl_len, now + 20 * KIT_DAY - 60), err);
    coco_shelf_done(&shelf);
    coco_shelf_init(&shelf, ctx);
    shelf.clock = &fake_clock;
    assert_false(is_given(CRL, true));
    assert_ok(coco_shelf_set_cache(&shelf, path, &err), err);
    assert_true(is_given(CRL, true));
    remove_temp_dir(dir);
    assert_true(is_given(CRL, true));
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    char dir[64];

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = COCO_COLLATERAL_MAX};
        bool given = false;

        coco_status status = coco_shelf_set_cache(&shelf, dir, &err);
        if (status == COCO_OK)
            status = put(CRL, crl, crl_len, now + KIT_DAY);
        if (status == COCO_OK)
            status = coco_shelf_give(&shelf, CRL, true, &buf, &given, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
    remove_temp_dir(dir);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(things_are_good_for_as_long_as_they_may_change),
        TEST(what_has_ended_is_neither_put_nor_given),
        TEST(what_was_not_used_for_longest_goes_first),
        TEST(files_are_looked_at_once),
        TEST(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
