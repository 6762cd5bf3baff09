/*
 * tests/image/test_chain.c - lib/image/chain.c, by pulls with a store
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/chain.h"

#include "tests/storekit.h"

#include <sys/file.h>

static void
a_pull_makes_a_bundle_of_what_the_store_then_has(void **state)
{
    struct storekit *kit = *state;
    char path[300];
    char tree[250];

    assert_ok(storekit_pull(kit, 3, "bundle"), kit->err);
    storekit_path(kit, path, "bundle");
    assert_fake_tree(path, "rootfs", 3);
    for (size_t n = 1; n <= 3; n++) {
        storekit_tree(kit, n, tree, sizeof(tree));
        assert_fake_tree(tree, "rootfs", n);
    }
    assert_int_equal(kit->image.asked, 3);
    /* one + kept + two + top, and what is copied: two + kept + top */
    assert_int_equal(coco_image_bytes_written(kit->pulled), 13 + 10);
}

static void
layers_that_are_there_are_not_asked_for(void **state)
{
    struct storekit *kit = *state;
    char path[300];
    uint64_t first;

    assert_ok(storekit_pull(kit, 2, "a"), kit->err);
    assert_int_equal(kit->image.asked, 2);
    first = coco_image_bytes_read(kit->pulled);
    assert_ok(storekit_pull(kit, 3, "b"), kit->err);
    assert_int_equal(kit->image.asked, 1);
    assert_true(coco_image_bytes_read(kit->pulled) < first);
    assert_ok(storekit_pull(kit, 3, "c"), kit->err);
    assert_int_equal(kit->image.asked, 0);
    assert_ok(storekit_pull(kit, 1, "d"), kit->err);
    assert_int_equal(kit->image.asked, 0);
    storekit_path(kit, path, "a");
    assert_fake_tree(path, "rootfs", 2);
    storekit_path(kit, path, "b");
    assert_fake_tree(path, "rootfs", 3);
    storekit_path(kit, path, "c");
    assert_fake_tree(path, "rootfs", 3);
    storekit_path(kit, path, "d");
    assert_fake_tree(path, "rootfs", 1);
}

static void
what_is_written_to_a_bundle_is_its_own(void **state)
{
    struct storekit *kit = *state;
    char path[300];

    assert_ok(storekit_pull(kit, 3, "a"), kit->err);
    storekit_path(kit, path, "a/rootfs/keep2");
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "gone", 4), 4);
    (void)close(fd);
    assert_ok(storekit_pull(kit, 3, "b"), kit->err);
    storekit_path(kit, path, "b");
    assert_fake_tree(path, "rootfs", 3);
}

static void
a_wrong_layer_costs_but_that_layer(void **state)
{
    struct storekit *kit = *state;
    char path[300];

    kit->image.lies = 2;
    assert_ok(storekit_pull(kit, 3, "bundle"), kit->err);
    storekit_path(kit, path, "bundle");
    assert_fake_tree(path, "rootfs", 3);
    /* The first once, the second three times, the third once. */
    assert_int_equal(kit->image.asked, 5);
}

static void
limits_count_what_is_there_already(void **state)
{
    struct storekit *kit = *state;

    assert_ok(storekit_pull(kit, 3, "a"), kit->err);
    kit->opts.max_content = 12;
    assert_fails(storekit_pull(kit, 3, "b"), kit->err, COCO_ERR_LIMIT, "than allowed");
    kit->opts.max_content = 13;
    kit->opts.max_entries = 8;
    assert_fails(storekit_pull(kit, 3, "b"), kit->err, COCO_ERR_LIMIT, "than allowed");
    kit->opts.max_entries = 9;
    assert_ok(storekit_pull(kit, 3, "b"), kit->err);
}

static void
an_image_without_layers_is_refused(void **state)
{
    struct storekit *kit = *state;

    assert_fails(storekit_pull(kit, 0, "bundle"), kit->err, COCO_ERR_NOTSUP, "without layers");
}

/* Somebody else makes the image, and is waited for; who is canceled does not wait. */
static void
give_up(void *user, const coco_progress *progress)
{
    struct storekit *kit = user;

    if (progress->phase == COCO_PHASE_WAIT)
        coco_ctx_cancel(kit->ctx);
}

static void
who_makes_it_already_is_waited_for(void **state)
{
    struct storekit *kit = *state;
    char name[250];
    char tree[250];
    struct stat st;

    assert_ok(storekit_pull(kit, 1, "a"), kit->err);
    storekit_tree(kit, 3, tree, sizeof(tree));
    (void)snprintf(name, sizeof(name), "%s/locks/%s", kit->path, strrchr(tree, '/') + 1);
    int held = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(held, LOCK_EX | LOCK_NB), 0);
    coco_ctx_set_progress(kit->ctx, give_up, kit, NULL);
    assert_fails(storekit_pull(kit, 3, "b"), kit->err, COCO_ERR_CANCELED, "canceled");
    assert_int_equal(kit->image.asked, 0);
    (void)close(held);
    storekit_path(kit, tree, "b");
    assert_int_equal(stat(tree, &st), -1);
}

static void
a_pull_with_a_store_survives_any_failed_allocation(void **state)
{
    struct storekit *kit = *state;
    int n = 0;

    for_each_fault()
    {
        char name[16];

        faults_pause();
        coco_store_free(kit->store);
        kit->store = NULL;
        remove_temp_dir(kit->path);
        assert_ok(coco_store_open(kit->path, &kit->store, &kit->err), kit->err);
        coco_image_client_set_store(kit->client, kit->store);
        (void)snprintf(name, sizeof(name), "%d", n++);
        faults_resume();
        coco_status status = storekit_pull(kit, 2, name);
        fault_expect(status, kit->err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, storekit_setup, storekit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pull_makes_a_bundle_of_what_the_store_then_has),
        TEST(layers_that_are_there_are_not_asked_for),
        TEST(what_is_written_to_a_bundle_is_its_own),
        TEST(a_wrong_layer_costs_but_that_layer),
        TEST(limits_count_what_is_there_already),
        TEST(an_image_without_layers_is_refused),
        TEST(who_makes_it_already_is_waited_for),
        TEST(a_pull_with_a_store_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/chain", tests, NULL, NULL);
}
