/*
 * tests/image/test_store.c - lib/image/store.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/store.h"

#include "tests/storekit.h"

static void
what_is_no_store_is_left_alone(void **state)
{
    struct storekit *kit = *state;
    coco_store *store = NULL;
    char dir[200];

    storekit_path(kit, dir, "other");
    assert_int_equal(mkdir(dir, 0700), 0);
    write_text_under(dir, "file", "somebody's");
    assert_fails(coco_store_open(dir, &store, &kit->err), kit->err, COCO_ERR_INVALID,
                 "not empty, and no store");
    assert_no_file(dir, "trees");
    storekit_path(kit, dir, "other/file");
    assert_fails(coco_store_open(dir, &store, &kit->err), kit->err, COCO_ERR_INVALID,
                 "not a directory");
    storekit_path(kit, dir, "no/where");
    assert_fails(coco_store_open(dir, &store, &kit->err), kit->err, COCO_ERR_IO, "make it");
    assert_null(store);
}

/* Whoever made it or wrote to it was killed. */
static void
what_a_killed_write_left_goes_with_the_next(void **state)
{
    static const char *const names[] = {"sha256-00.json.0123456789abcdef", "x.0123456789abcdef",
                                        "x.0123456789abcdeg"};
    struct storekit *kit = *state;
    coco_store *store = NULL;
    char dir[200];
    char path[300];

    storekit_path(kit, dir, "begun");
    assert_int_equal(mkdir(dir, 0700), 0);
    write_text_under(dir, "store.json.0123456789abcdef", "{");
    write_text_under(dir, "file.0123456789abcdef", "somebody's");
    assert_fails(coco_store_open(dir, &store, &kit->err), kit->err, COCO_ERR_INVALID,
                 "not empty, and no store");
    (void)snprintf(path, sizeof(path), "%s/file.0123456789abcdef", dir);
    assert_int_equal(unlink(path), 0);
    assert_ok(coco_store_open(dir, &store, &kit->err), kit->err);
    assert_no_file(dir, "store.json.0123456789abcdef");
    coco_store_free(store);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/images", kit->path);
        write_text_under(path, names[i], "{");
    }
    assert_ok(storekit_pull(kit, 1, "a"), kit->err);
    for (size_t i = 0; i + 1 < sizeof(names) / sizeof(names[0]); i++)
        assert_no_file(path, names[i]);
    (void)snprintf(path, sizeof(path), "%s/images/%s", kit->path, names[2]);
    assert_int_equal(access(path, F_OK), 0);
}

static void
a_store_of_another_version_is_not_touched(void **state)
{
    struct storekit *kit = *state;
    static const struct {
        const char *text;
        coco_status status;
    } cases[] = {{"{\"version\":2}", COCO_ERR_NOTSUP},
                 {"{\"version\":0}", COCO_ERR_NOTSUP},
                 {"{}", COCO_ERR_PROTO},
                 {"", COCO_ERR_PROTO},
                 {"[1]", COCO_ERR_PROTO},
                 {"{\"version\":\"1\"}", COCO_ERR_PROTO}};
    coco_store *store = NULL;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_text_under(kit->path, "store.json", cases[i].text);
        assert_fails(coco_store_open(kit->path, &store, &kit->err), kit->err, cases[i].status, "");
    }
}

static void
a_store_that_others_may_write_to_is_none(void **state)
{
    struct storekit *kit = *state;
    coco_store *store = NULL;

    for (mode_t bit = 0; bit < 2; bit++) {
        assert_int_equal(chmod(kit->path, bit ? 0702 : 0720), 0);
        assert_fails(coco_store_open(kit->path, &store, &kit->err), kit->err, COCO_ERR_DENIED,
                     "others may write");
    }
    assert_int_equal(chmod(kit->path, 0755), 0);
    assert_int_equal(chown(kit->path, 5, 5), 0);
    assert_fails(coco_store_open(kit->path, &store, &kit->err), kit->err, COCO_ERR_DENIED,
                 "others may write");
}

static void
it_is_opened_again_and_still_has_everything(void **state)
{
    struct storekit *kit = *state;

    assert_ok(storekit_pull(kit, 2, "a"), kit->err);
    coco_store_free(kit->store);
    kit->store = NULL;
    assert_ok(coco_store_open(kit->path, &kit->store, &kit->err), kit->err);
    coco_image_client_set_store(kit->client, kit->store);
    assert_ok(storekit_pull(kit, 2, "b"), kit->err);
    assert_int_equal(kit->image.asked, 0);
}

/* What is broken there is not used, and not made anew either: verifying tells. */
static void
a_tree_whose_record_is_broken_is_refused(void **state)
{
    struct storekit *kit = *state;
    static const char *const records[] = {
        "",
        "{}",
        "{\"fingerprint\":\"sha256:00\",\"content\":1,\"entries\":1,\"ids_ignored\":0}",
        "{\"fingerprint\":"
        "\"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\","
        "\"content\":-1,\"entries\":1,\"ids_ignored\":0}",
    };
    char tree[250];
    char file[300];

    assert_ok(storekit_pull(kit, 1, "a"), kit->err);
    storekit_tree(kit, 1, tree, sizeof(tree));
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        write_text_under(tree, "tree.json", records[i]);
        assert_fails(storekit_pull(kit, 1, "b"), kit->err, COCO_ERR_PROTO, "tree 'sha256-");
    }
    (void)snprintf(file, sizeof(file), "%s/tree.json", tree);
    assert_int_equal(unlink(file), 0);
    assert_fails(storekit_pull(kit, 1, "b"), kit->err, COCO_ERR_PROTO, "tree 'sha256-");
}

static void
names_are_digests_and_nothing_else(void **state)
{
    static const char *const others[] = {
        "",
        "sha256-",
        "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "sha256-2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b982",
        "sha256-2CF24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "../../../etc",
        "md5-2cf24dba5fb0a30e26e83b2ac5b9e29e"};
    struct coco_digest digest = {0};
    struct coco_digest back = {0};
    char name[COCO_STORE_NAME_SIZE];
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_digest_of(COCO_SHA256, "hello", 5, &digest, &err), err);
    coco_store_name(&digest, name);
    assert_string_equal(name,
                        "sha256-2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_true(coco_store_name_parse(name, &back));
    assert_true(coco_digest_equal(&digest, &back));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(coco_store_name_parse(others[i], &back));
}

static void
opening_survives_any_failed_allocation(void **state)
{
    struct storekit *kit = *state;

    for_each_fault()
    {
        coco_store *store = NULL;

        faults_pause();
        if (access(kit->path, F_OK) == 0)
            remove_temp_dir(kit->path);
        faults_resume();
        coco_status status = coco_store_open(kit->path, &store, &kit->err);
        fault_expect(status, kit->err);
        coco_store_free(store);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, storekit_setup, storekit_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_store_is_left_alone),
        TEST(what_a_killed_write_left_goes_with_the_next),
        TEST(a_store_of_another_version_is_not_touched),
        TEST(a_store_that_others_may_write_to_is_none),
        TEST(it_is_opened_again_and_still_has_everything),
        TEST(a_tree_whose_record_is_broken_is_refused),
        TEST(names_are_digests_and_nothing_else),
        TEST(opening_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/store", tests, NULL, NULL);
}
