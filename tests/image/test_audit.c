/*
 * tests/image/test_audit.c - lib/image/audit.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/store.h"

#include "base/bytes.h"
#include "tests/storekit.h"

/* How many trees are bad; the first of them is told. */
static int
verify(struct storekit *kit, int *images)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_json_ cJSON *json = NULL;
    uint64_t trees = 0;

    assert_ok(coco_store_verify(kit->store, kit->ctx, &bytes, &kit->err), kit->err);
    assert_ok(coco_json_parse_object((const char *)coco_bytes_data(bytes), coco_bytes_size(bytes),
                                     &json, &kit->err),
              kit->err);
    assert_ok(coco_json_get_u64(json, "trees", &trees, &kit->err), kit->err);
    assert_int_equal(trees, 3);
    const cJSON *bad = cJSON_GetObjectItemCaseSensitive(json, "bad");
    if (images)
        *images = bad->child
                      ? cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(bad->child, "images"))
                      : 0;
    return cJSON_GetArraySize(bad);
}

static void
change(struct storekit *kit, size_t tree, const char *file)
{
    char path[250];
    char name[300];
    struct stat st;

    storekit_tree(kit, tree, path, sizeof(path));
    (void)snprintf(name, sizeof(name), "%s/rootfs/%s", path, file);
    assert_int_equal(stat(name, &st), 0);
    int fd = open(name, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "X", 1, 0), 1);
    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    assert_int_equal(futimens(fd, times), 0);
    (void)close(fd);
}

static void
what_was_not_touched_is_well(void **state)
{
    struct storekit *kit = *state;

    assert_ok(storekit_pull(kit, 3, "a"), kit->err);
    assert_int_equal(verify(kit, NULL), 0);
}

static void
a_changed_byte_is_found_in_the_layer_that_brought_it(void **state)
{
    struct storekit *kit = *state;
    int images = 0;

    assert_ok(storekit_pull(kit, 3, "a"), kit->err);
    assert_ok(storekit_pull(kit, 2, "b"), kit->err);
    change(kit, 3, "keep2");
    assert_int_equal(verify(kit, &images), 1);
    assert_int_equal(images, 2);
    change(kit, 2, "etc/motd");
    assert_int_equal(verify(kit, NULL), 2);
    change(kit, 3, "top");
    assert_int_equal(verify(kit, NULL), 3);
}

/* And it goes with its image, after which all is well again. */
static void
a_broken_record_is_found(void **state)
{
    struct storekit *kit = *state;
    char path[250];
    char name[300];
    uint64_t freed = 0;
    int images = 0;

    assert_ok(storekit_pull(kit, 3, "a"), kit->err);
    storekit_tree(kit, 2, path, sizeof(path));
    (void)snprintf(name, sizeof(name), "%s/tree.json", path);
    assert_int_equal(truncate(name, 5), 0);
    /* The tree itself, and the one that is verified by it. */
    assert_int_equal(verify(kit, &images), 2);
    assert_int_equal(images, 1);
    assert_fails(storekit_pull(kit, 3, "b"), kit->err, COCO_ERR_PROTO, "tree 'sha256-");
    assert_ok(coco_store_forget(kit->store, kit->ctx, "r.test/app:3", &kit->err), kit->err);
    assert_ok(coco_store_collect(kit->store, kit->ctx, &freed, &kit->err), kit->err);
    assert_int_equal(freed, 13 - 3);
    assert_ok(storekit_pull(kit, 3, "b"), kit->err);
    assert_int_equal(verify(kit, NULL), 0);
}

static void
a_cancel_ends_it(void **state)
{
    struct storekit *kit = *state;
    coco_bytes *bytes = NULL;

    assert_ok(storekit_pull(kit, 1, "a"), kit->err);
    coco_ctx_cancel(kit->ctx);
    assert_fails(coco_store_verify(kit->store, kit->ctx, &bytes, &kit->err), kit->err,
                 COCO_ERR_CANCELED, "");
}

static void
verifying_survives_any_failed_allocation(void **state)
{
    struct storekit *kit = *state;

    assert_ok(storekit_pull(kit, 2, "a"), kit->err);
    for_each_fault()
    {
        coco_bytes *bytes = NULL;
        coco_status status = coco_store_verify(kit->store, kit->ctx, &bytes, &kit->err);

        fault_expect(status, kit->err);
        coco_bytes_free(bytes);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, storekit_setup, storekit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_not_touched_is_well),
        TEST(a_changed_byte_is_found_in_the_layer_that_brought_it),
        TEST(a_broken_record_is_found),
        TEST(a_cancel_ends_it),
        TEST(verifying_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/audit", tests, NULL, NULL);
}
