/*
 * tests/rpc/test_resolve.c - lib/rpc/resolve.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/resolve.h"

#include "base/context.h"
#include "tests/faults.h"

struct fixture {
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    fixture.err = NULL;
    assert_ok(coco_ctx_new(&fixture.ctx, &fixture.err), fixture.err);
    *state = &fixture;
    return 0;
}

static int
teardown(void **state)
{
    coco_ctx_free(((struct fixture *)*state)->ctx);
    return 0;
}

static void
assert_resolves(struct fixture *f, const char *host, const char *want)
{
    struct coco_address addresses[COCO_RESOLVE_MAX];
    _cleanup_buf_ struct coco_buf text = {.limit = 100};
    size_t n = 0;

    assert_ok(coco_resolve(host, "8080", f->ctx, 30000, addresses, &n, &f->err), f->err);
    assert_in_range(n, 1, COCO_RESOLVE_MAX);
    assert_ok(coco_address_format(&addresses[0], &text, &f->err), f->err);
    if (want)
        assert_string_equal(coco_buf_text(&text), want);
}

static void
an_address_is_its_own(void **state)
{
    assert_resolves(*state, "127.0.0.1", "127.0.0.1:8080");
    assert_resolves(*state, "::1", "[::1]:8080");
}

static void
a_name_of_this_machine_is_found(void **state)
{
    assert_resolves(*state, "localhost", NULL);
}

static void
a_name_that_is_nobodys_is_told(void **state)
{
    struct fixture *f = *state;
    struct coco_address addresses[COCO_RESOLVE_MAX];
    size_t n = 7;

    assert_fails(coco_resolve("nobody.invalid", "1", f->ctx, 30000, addresses, &n, &f->err), f->err,
                 COCO_ERR_NET, "nobody.invalid");
    assert_int_equal(n, 7);
}

/* The thread that asks is left to itself, and frees what it has. */
static void
who_loses_patience_goes(void **state)
{
    struct fixture *f = *state;
    struct coco_address addresses[COCO_RESOLVE_MAX];
    size_t n = 0;

    coco_ctx_cancel(f->ctx);
    assert_fails(coco_resolve("nobody.invalid", "1", f->ctx, 30000, addresses, &n, &f->err), f->err,
                 COCO_ERR_CANCELED, "");
    assert_ok(coco_resolve("127.0.0.1", "1", f->ctx, 0, addresses, &n, &f->err), f->err);
}

static void
resolving_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        struct coco_address addresses[COCO_RESOLVE_MAX];
        size_t n = 0;

        coco_status status = coco_resolve("localhost", "1", f->ctx, 30000, addresses, &n, &f->err);
        fault_expect(status, f->err);
        coco_error_free(f->err);
        f->err = NULL;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_address_is_its_own),
        TEST(a_name_of_this_machine_is_found),
        TEST(a_name_that_is_nobodys_is_told),
        TEST(who_loses_patience_goes),
        TEST(resolving_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
