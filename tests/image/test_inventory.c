/*
 * tests/image/test_inventory.c - lib/image/inventory.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/inventory.h"

#include "base/bytes.h"
#include "base/fd.h"
#include "tests/storekit.h"

static cJSON *
list(struct storekit *kit)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    cJSON *json = NULL;

    assert_ok(coco_store_list(kit->store, kit->ctx, &bytes, &kit->err), kit->err);
    assert_ok(coco_json_parse_object((const char *)coco_bytes_data(bytes), coco_bytes_size(bytes),
                                     &json, &kit->err),
              kit->err);
    return json;
}

static int
count(struct storekit *kit, const char *what)
{
    _cleanup_json_ cJSON *json = list(kit);

    return cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, what));
}

static void
images_are_listed_with_their_layers(void **state)
{
    struct storekit *kit = *state;

    assert_int_equal(count(kit, "images"), 0);
    assert_int_equal(count(kit, "trees"), 0);
    assert_ok(storekit_pull(kit, 2, "a"), kit->err);
    assert_ok(storekit_pull(kit, 3, "b"), kit->err);
    assert_ok(storekit_pull(kit, 3, "c"), kit->err);
    assert_int_equal(count(kit, "images"), 2);
    assert_int_equal(count(kit, "trees"), 3);

    _cleanup_json_ cJSON *json = list(kit);
    const cJSON *image;
    uint64_t content = 0;
    cJSON_ArrayForEach(image, cJSON_GetObjectItemCaseSensitive(json, "images")) {
        const cJSON *layers = cJSON_GetObjectItemCaseSensitive(image, "layers");
        const cJSON *references = cJSON_GetObjectItemCaseSensitive(image, "references");
        char want[20];

        assert_int_equal(cJSON_GetArraySize(references), 1);
        (void)snprintf(want, sizeof(want), "r.test/app:%d", cJSON_GetArraySize(layers));
        assert_string_equal(references->child->valuestring, want);
    }
    cJSON_ArrayForEach(image, cJSON_GetObjectItemCaseSensitive(json, "trees")) {
        uint64_t bytes = 0;
        assert_ok(coco_json_get_u64(image, "content", &bytes, &kit->err), kit->err);
        content += bytes;
    }
    assert_int_equal(content, 13);
}

static void
what_is_not_there_cannot_be_forgotten(void **state)
{
    struct storekit *kit = *state;

    assert_ok(storekit_pull(kit, 1, "a"), kit->err);
    assert_fails(coco_store_forget(kit->store, kit->ctx, "r.test/app:2", &kit->err), kit->err,
                 COCO_ERR_NOTFOUND, "no image 'r.test/app:2'");
    assert_fails(coco_store_forget(kit->store, kit->ctx, "", &kit->err), kit->err,
                 COCO_ERR_NOTFOUND, "");
    assert_fails(coco_store_release(kit->store, kit->ctx, kit->path, &kit->err), kit->err,
                 COCO_ERR_NOTFOUND, "release");
    assert_fails(coco_store_release(kit->store, kit->ctx, "/no/where", &kit->err), kit->err,
                 COCO_ERR_NOTFOUND, "");
    assert_int_equal(count(kit, "images"), 1);
}

/* A record is left where a bundle was, and somebody's directory lies there now. */
static void
what_is_no_overlaid_bundle_is_not_removed(void **state)
{
    struct storekit *kit = *state;
    char path[200];

    assert_ok(storekit_pull(kit, 1, "a"), kit->err);
    storekit_path(kit, path, "a");
    assert_ok(coco_store_add_bundle(kit->store, kit->ctx, path, &kit->image.diff_ids[0], &kit->err),
              kit->err);
    assert_fails(coco_store_release(kit->store, kit->ctx, path, &kit->err), kit->err,
                 COCO_ERR_INVALID, "no bundle over a tree");
    assert_fake_tree(path, "rootfs", 1);
}

static void
an_image_goes_with_its_last_reference_or_by_its_digest(void **state)
{
    struct storekit *kit = *state;
    struct coco_digest chain = {0};
    struct coco_digest image = {0};

    assert_ok(storekit_pull(kit, 1, "a"), kit->err);
    assert_ok(coco_digest_parse(coco_image_digest(kit->pulled), &image, &kit->err), kit->err);
    chain = kit->image.diff_ids[0];
    assert_ok(
        coco_store_add_image(kit->store, kit->ctx, &image, "r.test/second:1", &chain, 1, &kit->err),
        kit->err);
    assert_ok(coco_store_forget(kit->store, kit->ctx, "r.test/app:1", &kit->err), kit->err);
    assert_int_equal(count(kit, "images"), 1);
    assert_fails(coco_store_forget(kit->store, kit->ctx, "r.test/app:1", &kit->err), kit->err,
                 COCO_ERR_NOTFOUND, "");
    assert_ok(coco_store_forget(kit->store, kit->ctx, "r.test/second:1", &kit->err), kit->err);
    assert_int_equal(count(kit, "images"), 0);

    assert_ok(storekit_pull(kit, 1, "b"), kit->err);
    assert_int_equal(count(kit, "images"), 1);
    assert_ok(coco_store_forget(kit->store, kit->ctx, coco_image_digest(kit->pulled), &kit->err),
              kit->err);
    assert_int_equal(count(kit, "images"), 0);
}

/* Of the image that was pulled last. */
static void
break_record(struct storekit *kit, const char *record)
{
    struct coco_digest digest;
    char file[COCO_STORE_FILE_SIZE];
    char path[sizeof(kit->path) + sizeof(file) + 16];

    assert_ok(coco_digest_parse(coco_image_digest(kit->pulled), &digest, &kit->err), kit->err);
    coco_store_file(&digest, file);
    (void)snprintf(path, sizeof(path), "%s/images/%s", kit->path, file);
    assert_ok(coco_file_write(path, record, strlen(record), 0600, &kit->err), kit->err);
}

static void
pull(struct storekit *kit, size_t n_layers)
{
    static unsigned n;
    char name[20];

    (void)snprintf(name, sizeof(name), "pull-%u", n++);
    assert_ok(storekit_pull(kit, n_layers, name), kit->err);
}

/* Of one image nobody knows any more what it has; the others go on. */
static void
a_broken_record_is_told_of_and_replaced(void **state)
{
    static const char *const records[] = {"", "{", "[]", "{\"references\":[]}",
                                          "{\"references\":[],\"trees\":7}"};
    struct storekit *kit = *state;
    uint64_t freed = 0;

    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        pull(kit, 1);
        pull(kit, 2);
        break_record(kit, records[i]);
        assert_int_equal(count(kit, "images"), 2);
        _cleanup_json_ cJSON *json = list(kit);
        const cJSON *image;
        const char *broken = NULL;
        cJSON_ArrayForEach(image, cJSON_GetObjectItemCaseSensitive(json, "images"))
            if (cJSON_GetObjectItemCaseSensitive(image, "broken"))
                broken = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(image, "digest"));
        assert_non_null(broken);
        assert_fails(coco_store_collect(kit->store, kit->ctx, &freed, &kit->err), kit->err,
                     COCO_ERR_PROTO, broken);
        assert_fails(coco_store_forget(kit->store, kit->ctx, "r.test/none", &kit->err), kit->err,
                     COCO_ERR_NOTFOUND, "no image");
        if (i % 2) {
            assert_ok(coco_store_forget(kit->store, kit->ctx, broken, &kit->err), kit->err);
        } else {
            pull(kit, 2);
        }
        assert_ok(coco_store_collect(kit->store, kit->ctx, &freed, &kit->err), kit->err);
    }
}

static void
a_canceled_list_ends(void **state)
{
    struct storekit *kit = *state;
    coco_bytes *bytes = NULL;

    assert_ok(storekit_pull(kit, 1, "a"), kit->err);
    coco_ctx_cancel(kit->ctx);
    assert_fails(coco_store_list(kit->store, kit->ctx, &bytes, &kit->err), kit->err,
                 COCO_ERR_CANCELED, "");
}

static void
lists_survive_any_failed_allocation(void **state)
{
    struct storekit *kit = *state;

    assert_ok(storekit_pull(kit, 2, "a"), kit->err);
    for_each_fault()
    {
        coco_bytes *bytes = NULL;
        coco_status status = coco_store_list(kit->store, kit->ctx, &bytes, &kit->err);

        fault_expect(status, kit->err);
        coco_bytes_free(bytes);
    }
    for_each_fault()
    {
        coco_status status = coco_store_forget(kit->store, kit->ctx, "r.test/app:2", &kit->err);

        fault_expect(status, kit->err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, storekit_setup, storekit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(images_are_listed_with_their_layers),
        TEST(what_is_not_there_cannot_be_forgotten),
        TEST(what_is_no_overlaid_bundle_is_not_removed),
        TEST(an_image_goes_with_its_last_reference_or_by_its_digest),
        TEST(a_broken_record_is_told_of_and_replaced),
        TEST(a_canceled_list_ends),
        TEST(lists_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/inventory", tests, NULL, NULL);
}
