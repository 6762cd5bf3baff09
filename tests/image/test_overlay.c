/*
 * tests/image/test_overlay.c - lib/image/overlay.c, where overlays may be mounted
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/overlay.h"

#include "base/bytes.h"
#include "tests/storekit.h"

static void
overlay_without_a_store_is_refused(void **state)
{
    struct storekit *kit = *state;

    coco_image_client_set_store(kit->client, NULL);
    kit->opts.flags = COCO_IMAGE_OVERLAY;
    assert_fails(storekit_pull(kit, 2, "a"), kit->err, COCO_ERR_INVALID, "not there");
}

/* Pulls with an overlay, or skips the test where there can be none, as is told then. */
static void
pull_overlaid(struct storekit *kit, const char *name)
{
    kit->opts.flags = COCO_IMAGE_OVERLAY;
    coco_status status = storekit_pull(kit, 3, name);
    if (status == COCO_ERR_NOTSUP) {
        char path[200];

        print_message("# %s\n", coco_error_message(kit->err));
        storekit_path(kit, path, "%s", name);
        assert_int_equal(access(path, F_OK), -1);
        skip();
    }
    assert_ok(status, kit->err);
}

static void
what_is_written_to_it_is_the_bundles(void **state)
{
    struct storekit *kit = *state;
    char path[300];
    char tree[250];

    pull_overlaid(kit, "a");
    storekit_path(kit, path, "a");
    assert_fake_tree(path, "rootfs", 3);
    assert_int_equal(coco_image_bytes_written(kit->pulled), 13);
    storekit_path(kit, path, "a/rootfs/keep2");
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "gone", 4), 4);
    (void)close(fd);
    storekit_tree(kit, 3, tree, sizeof(tree));
    assert_fake_tree(tree, "rootfs", 3);
    storekit_path(kit, path, "a/upper");
    assert_file(path, "keep2", "gone");
    storekit_path(kit, path, "a");
    assert_ok(coco_store_release(kit->store, kit->ctx, path, &kit->err), kit->err);
    assert_int_equal(access(path, F_OK), -1);
    assert_fake_tree(tree, "rootfs", 3);
}

static void
a_bundle_in_use_is_not_released(void **state)
{
    struct storekit *kit = *state;
    uint64_t freed = 0;
    char path[300];

    pull_overlaid(kit, "a");
    assert_ok(coco_store_forget(kit->store, kit->ctx, "r.test/app:3", &kit->err), kit->err);
    assert_ok(coco_store_collect(kit->store, kit->ctx, &freed, &kit->err), kit->err);
    storekit_path(kit, path, "a/rootfs/keep2");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    storekit_path(kit, path, "a");
    assert_fails(coco_store_release(kit->store, kit->ctx, path, &kit->err), kit->err, COCO_ERR_IO,
                 "unmount");
    assert_fake_tree(path, "rootfs", 3);
    (void)close(fd);
    assert_ok(coco_store_release(kit->store, kit->ctx, path, &kit->err), kit->err);
    assert_ok(coco_store_collect(kit->store, kit->ctx, &freed, &kit->err), kit->err);
    assert_true(freed > 0);
}

/* Whether anything is mounted beneath the kit's top; the path is in the mount's line. */
static bool
is_mounted(const struct storekit *kit)
{
    FILE *mounts = fopen("/proc/self/mounts", "re");
    char line[1024];
    bool found = false;

    assert_non_null(mounts);
    while (fgets(line, sizeof(line), mounts))
        found = found || strstr(line, kit->top);
    (void)fclose(mounts);
    return found;
}

/* Bundles that the store knows of. */
static int
n_bundles(struct storekit *kit)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_json_ cJSON *json = NULL;

    assert_ok(coco_store_list(kit->store, kit->ctx, &bytes, &kit->err), kit->err);
    assert_ok(coco_json_parse_object((const char *)coco_bytes_data(bytes), coco_bytes_size(bytes),
                                     &json, &kit->err),
              kit->err);
    return cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "bundles"));
}

/* Who shall run it is looked up when all is mounted already. */
static void
a_pull_that_fails_leaves_no_mount(void **state)
{
    struct storekit *kit = *state;
    char path[300];

    pull_overlaid(kit, "a");
    assert_true(is_mounted(kit));
    assert_int_equal(n_bundles(kit), 1);
    storekit_path(kit, path, "a");
    assert_ok(coco_store_release(kit->store, kit->ctx, path, &kit->err), kit->err);
    kit->image.user = "nobody-here";
    assert_fails(storekit_pull(kit, 3, "b"), kit->err, COCO_ERR_NOTFOUND, "no user 'nobody-here'");
    assert_false(is_mounted(kit));
    assert_int_equal(n_bundles(kit), 0);
    storekit_path(kit, path, "b");
    assert_int_equal(access(path, F_OK), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, storekit_setup, storekit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(overlay_without_a_store_is_refused),
        TEST(what_is_written_to_it_is_the_bundles),
        TEST(a_bundle_in_use_is_not_released),
        TEST(a_pull_that_fails_leaves_no_mount),
    };

    return cmocka_run_group_tests_name("image/overlay", tests, NULL, NULL);
}
