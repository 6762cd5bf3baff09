/*
 * tests/image/test_lock.c - lib/image/lock.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/lock.h"

#include "base/context.h"
#include "tests/support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char top[64];
    int dir;
    int held; /* what the progress callback lets go */
    unsigned reports;
    coco_ctx *ctx;
    coco_error *err;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    make_temp_dir(f->top, sizeof(f->top));
    f->dir = open(f->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    f->held = -1;
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    (void)close(f->dir);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->top);
    free(f);
    return 0;
}

static void
let_go(void *user, const coco_progress *progress)
{
    struct fixture *f = user;

    assert_string_equal(progress->what, "it");
    assert_int_equal(progress->phase, COCO_PHASE_WAIT);
    assert_int_equal(progress->done + progress->total + progress->files, 0);
    f->reports++;
    (void)close(f->held);
}

static void
give_up(void *user, const coco_progress *progress)
{
    struct fixture *f = user;

    (void)progress;
    coco_ctx_cancel(f->ctx);
}

static void
many_may_have_it_or_one(void **state)
{
    struct fixture *f = *state;
    int a = -1;
    int b = -1;
    int alone = -1;

    assert_ok(coco_lock(f->ctx, f->dir, "it", false, &a, &f->err), f->err);
    assert_ok(coco_lock(f->ctx, f->dir, "it", false, &b, &f->err), f->err);
    (void)close(a);
    f->held = b;
    coco_ctx_set_progress(f->ctx, let_go, f, NULL);
    assert_ok(coco_lock(f->ctx, f->dir, "it", true, &alone, &f->err), f->err);
    assert_int_equal(f->reports, 1);
    f->held = alone;
    assert_ok(coco_lock(f->ctx, f->dir, "it", false, &a, &f->err), f->err);
    assert_int_equal(f->reports, 2);
    (void)close(a);
}

static void
waiting_can_be_canceled(void **state)
{
    struct fixture *f = *state;
    int a = -1;
    int b = -1;

    assert_ok(coco_lock(f->ctx, f->dir, "it", true, &a, &f->err), f->err);
    coco_ctx_set_progress(f->ctx, give_up, f, NULL);
    assert_fails(coco_lock(f->ctx, f->dir, "it", true, &b, &f->err), f->err, COCO_ERR_CANCELED,
                 "canceled");
    assert_int_equal(b, -1);
    (void)close(a);
}

static void
what_is_no_file_is_an_error(void **state)
{
    struct fixture *f = *state;
    int a = -1;

    assert_int_equal(symlinkat("elsewhere", f->dir, "link"), 0);
    assert_fails(coco_lock(f->ctx, f->dir, "link", true, &a, &f->err), f->err, COCO_ERR_IO,
                 "open the lock 'link'");
    assert_int_equal(mkdirat(f->dir, "dir", 0700), 0);
    assert_fails(coco_lock(f->ctx, f->dir, "dir", true, &a, &f->err), f->err, COCO_ERR_IO,
                 "open the lock 'dir'");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(many_may_have_it_or_one),
        TEST(waiting_can_be_canceled),
        TEST(what_is_no_file_is_an_error),
    };

    return cmocka_run_group_tests_name("image/lock", tests, NULL, NULL);
}
