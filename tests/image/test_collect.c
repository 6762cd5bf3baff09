/*
 * tests/image/test_collect.c - lib/image/collect.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/chain.h"

#include "tests/storekit.h"

#include <dirent.h>
#include <sys/file.h>

static unsigned
entries(const struct storekit *kit, const char *name)
{
    char path[200];
    unsigned n = 0;

    storekit_path(kit, path, "store/%s", name);
    DIR *stream = opendir(path);
    assert_non_null(stream);
    for (const struct dirent *entry; (entry = readdir(stream));)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 ? 1 : 0;
    (void)closedir(stream);
    return n;
}

static uint64_t
collect(struct storekit *kit)
{
    uint64_t freed = 99;

    assert_ok(coco_store_collect(kit->store, kit->ctx, &freed, &kit->err), kit->err);
    return freed;
}

static void
layers_stay_as_long_as_an_image_has_them(void **state)
{
    struct storekit *kit = *state;
    char path[300];

    assert_int_equal(collect(kit), 0);
    assert_ok(storekit_pull(kit, 2, "a"), kit->err);
    assert_ok(storekit_pull(kit, 3, "b"), kit->err);
    assert_int_equal(collect(kit), 0);
    assert_int_equal(entries(kit, "trees"), 3);
    assert_int_equal(entries(kit, "locks"), 0);
    assert_ok(coco_store_forget(kit->store, kit->ctx, "r.test/app:3", &kit->err), kit->err);
    assert_int_equal(collect(kit), 3); /* "top" */
    assert_int_equal(entries(kit, "trees"), 2);
    assert_ok(coco_store_forget(kit->store, kit->ctx, "r.test/app:2", &kit->err), kit->err);
    assert_int_equal(collect(kit), 10);
    assert_int_equal(entries(kit, "trees"), 0);
    /* Bundles are whole without it. */
    storekit_path(kit, path, "b");
    assert_fake_tree(path, "rootfs", 3);
    assert_ok(storekit_pull(kit, 3, "c"), kit->err);
    assert_int_equal(kit->image.asked, 3);
}

static void
what_the_dead_left_goes_and_what_the_living_make_stays(void **state)
{
    struct storekit *kit = *state;
    char dead[200];
    char living[200];

    storekit_path(kit, dead, "store/trees/.sha256-1.coco-0123456789abcdef");
    storekit_path(kit, living, "store/trees/.sha256-2.coco-0123456789abcdef");
    assert_int_equal(mkdir(dead, 0700), 0);
    assert_int_equal(mkdir(living, 0700), 0);
    int lock = open(living, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(collect(kit), 0);
    assert_int_equal(access(dead, F_OK), -1);
    assert_int_equal(access(living, F_OK), 0);
    (void)close(lock);
}

static void
a_bundle_keeps_its_tree_as_long_as_it_is_there(void **state)
{
    struct storekit *kit = *state;
    char path[200];

    assert_ok(storekit_pull(kit, 1, "a"), kit->err);
    storekit_path(kit, path, "overlaid");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_ok(coco_store_add_bundle(kit->store, kit->ctx, path, &kit->image.diff_ids[0], &kit->err),
              kit->err);
    assert_ok(coco_store_forget(kit->store, kit->ctx, "r.test/app:1", &kit->err), kit->err);
    assert_int_equal(collect(kit), 0);
    assert_int_equal(entries(kit, "trees"), 1);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(collect(kit), 7);
    assert_int_equal(entries(kit, "trees"), 0);
}

/* It is of three layers, and verified by those below; what is pulled later fits them, too. */
static void
the_trees_below_a_bundles_stay_with_it(void **state)
{
    struct storekit *kit = *state;
    struct coco_digest chains[3];
    coco_bytes *report = NULL;
    char path[200];

    assert_ok(storekit_pull(kit, 3, "a"), kit->err);
    assert_ok(coco_chain_ids(kit->image.diff_ids, 3, chains, &kit->err), kit->err);
    storekit_path(kit, path, "overlaid");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_ok(coco_store_add_bundle(kit->store, kit->ctx, path, &chains[2], &kit->err), kit->err);
    assert_ok(coco_store_forget(kit->store, kit->ctx, "r.test/app:3", &kit->err), kit->err);
    assert_int_equal(collect(kit), 0);
    assert_int_equal(entries(kit, "trees"), 3);
    assert_ok(storekit_pull(kit, 2, "b"), kit->err);
    assert_int_equal(kit->image.asked, 0);
    assert_ok(coco_store_verify(kit->store, kit->ctx, &report, &kit->err), kit->err);
    assert_contains((const char *)coco_bytes_data(report), "\"bad\":[]");
    coco_bytes_free(report);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(collect(kit), 3);
    assert_int_equal(entries(kit, "bundles"), 0);
}

static void
give_up(void *user, const coco_progress *progress)
{
    (void)progress;
    coco_ctx_cancel(user);
}

static void
who_uses_the_store_is_waited_for(void **state)
{
    struct storekit *kit = *state;
    uint64_t freed = 0;
    int lock = -1;

    assert_ok(coco_store_use(kit->store, kit->ctx, false, &lock, &kit->err), kit->err);
    coco_ctx_set_progress(kit->ctx, give_up, kit->ctx, NULL);
    assert_fails(coco_store_collect(kit->store, kit->ctx, &freed, &kit->err), kit->err,
                 COCO_ERR_CANCELED, "");
    (void)close(lock);
}

static void
collecting_survives_any_failed_allocation(void **state)
{
    struct storekit *kit = *state;
    uint64_t freed = 0;

    assert_ok(storekit_pull(kit, 2, "a"), kit->err);
    assert_ok(coco_store_forget(kit->store, kit->ctx, "r.test/app:2", &kit->err), kit->err);
    for_each_fault()
    {
        coco_status status = coco_store_collect(kit->store, kit->ctx, &freed, &kit->err);

        fault_expect(status, kit->err);
    }
    assert_int_equal(entries(kit, "trees"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, storekit_setup, storekit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(layers_stay_as_long_as_an_image_has_them),
        TEST(what_the_dead_left_goes_and_what_the_living_make_stays),
        TEST(a_bundle_keeps_its_tree_as_long_as_it_is_there),
        TEST(the_trees_below_a_bundles_stay_with_it),
        TEST(who_uses_the_store_is_waited_for),
        TEST(collecting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/collect", tests, NULL, NULL);
}
