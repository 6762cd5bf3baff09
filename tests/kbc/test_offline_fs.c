/*
 * tests/kbc/test_offline_fs.c - lib/kbc/offline_fs.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/offline_fs.h"

#include "tests/canary.h"
#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static coco_status
parse(const char *text, struct coco_offline_fs **ret, coco_error **err)
{
    return coco_offline_fs_parse(text, strlen(text), ret, err);
}

static void
secrets_are_found_by_their_whole_name(void **state)
{
    _cleanup_(coco_offline_fs_freep) struct coco_offline_fs *fs = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse("{\"a/b/c\":\"c2VjcmV0\",\"key_id1\":\"\"}", &fs, &err), err);
    const struct coco_secret *secret = coco_offline_fs_find(fs, "a/b/c");
    assert_non_null(secret);
    assert_true(coco_secret_equal(secret, "secret", 6));
    secret = coco_offline_fs_find(fs, "key_id1");
    assert_non_null(secret);
    assert_int_equal(secret->len, 0);
    assert_null(coco_offline_fs_find(fs, "a/b"));
    assert_null(coco_offline_fs_find(fs, "A/b/c"));
    assert_null(coco_offline_fs_find(fs, ""));
    assert_null(coco_offline_fs_find(NULL, "a/b/c"));
}

static void
an_empty_file_of_secrets_is_fine(void **state)
{
    _cleanup_(coco_offline_fs_freep) struct coco_offline_fs *fs = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse("{}", &fs, &err), err);
    assert_null(coco_offline_fs_find(fs, "a/b/c"));
}

static void
what_is_no_file_of_secrets_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "[]",
        "null",
        "{",
        "{\"a/b/c\":1}",
        "{\"a/b/c\":null}",
        "{\"a/b/c\":{}}",
        "{\"a/b/c\":[\"AA==\"]}",
        "{\"a/b/c\":\"AA\"}",
        "{\"a/b/c\":\"AB==\"}",
        "{\"a/b/c\":\"AA==\\n\"}",
        "{\"a/b/c\":\"-_==\"}",
        "{\"a/b/c\":\"AA==\",\"a/b/c\":\"AA==\"}",
        "{\"a/b/c\":\"AA==\",\"a/B/c\":\"AA==\"}",
        "{\"a/b/c\":\"AA==\"} ,",
        "\xef\xbb\xbf{}",
    };
    struct coco_offline_fs *fs = NULL;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(parse(cases[i], &fs, &err), err, COCO_ERR_PROTO, "");
    assert_null(fs);
}

static void
the_number_of_secrets_is_bounded(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 20};
    struct coco_offline_fs *fs = NULL;
    coco_error *err = NULL;

    (void)state;
    for (int i = 0; i <= COCO_OFFLINE_FS_MAX; i++)
        assert_ok(coco_buf_printf(&text, &err, "%s\"%d\":\"\"", i == 0 ? "{" : ",", i), err);
    assert_ok(coco_buf_append_text(&text, "}", &err), err);
    assert_fails(parse(coco_buf_text(&text), &fs, &err), err, COCO_ERR_LIMIT, "secrets");
}

static void
recorded_files_are_read(void **state)
{
    static const struct {
        const char *file;
        const char *name;
        size_t len;
    } cases[] = {
        {"imagers_aa-offline_fs_kbc-keys.json", "default/key/key_id1", 32},
        {"imagers_aa-offline_fs_kbc-resources.json", "default/security-policy/test", 0},
        {"imagers_aa-offline_fs_kbc-resources-for-icr.json", "default/security-policy/test", 0},
        {"kbc_aa-offline_fs_kbc-keys.json", "default/key/key_id8", 32},
        {"kbc_aa-offline_fs_kbc-resources.json", "default/security-policy/test", 0},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_(coco_offline_fs_freep) struct coco_offline_fs *fs = NULL;
        char path[128];
        size_t len = 0;

        (void)snprintf(path, sizeof(path), "ocicrypt/offline_fs_kbc/%s", cases[i].file);
        _cleanup_free_ char *text = read_fixture(path, &len);
        assert_ok(coco_offline_fs_parse(text, len, &fs, &err), err);
        const struct coco_secret *secret = coco_offline_fs_find(fs, cases[i].name);
        assert_non_null(secret);
        assert_true(cases[i].len == 0 ? secret->len > 0 : secret->len == cases[i].len);
    }
}

static void
secrets_are_wiped_in_both_forms(void **state)
{
    static const char plain[] = "a secret of thirty-two bytes ...";
    static const char encoded[] = "YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcyAuLi4=";
    const char *const canaries[] = {plain, encoded};
    coco_error *err = NULL;
    char text[128];

    (void)state;
    (void)snprintf(text, sizeof(text), "{\"a/b/c\":\"%s\",\"x\":\"?\"}", encoded);
    for (size_t i = 0; i < COUNT(canaries); i++)
        for (int good = 0; good < 2; good++) {
            struct coco_offline_fs *fs = NULL;

            /* Also when the file is refused behind the secret. */
            text[strlen(text) - 3] = good ? '\"' : '?';
            text[strlen(text) - 2] = good ? ' ' : '\"';
            canary_begin(canaries[i], strlen(canaries[i]));
            assert_int_equal(parse(text, &fs, NULL), good ? COCO_OK : COCO_ERR_PROTO);
            coco_offline_fs_free(fs);
            assert_int_equal(canary_end(), 0);
        }
    assert_null(err);
}

static void
parsing_survives_any_failed_allocation(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        struct coco_offline_fs *fs = NULL;

        coco_status status = parse("{\"a/b/c\":\"c2VjcmV0\",\"d/e/f\":\"AA==\"}", &fs, &err);
        fault_expect(status, err);
        coco_offline_fs_free(fs);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_found_by_their_whole_name),
        cmocka_unit_test(an_empty_file_of_secrets_is_fine),
        cmocka_unit_test(what_is_no_file_of_secrets_is_refused),
        cmocka_unit_test(the_number_of_secrets_is_bounded),
        cmocka_unit_test(recorded_files_are_read),
        cmocka_unit_test(secrets_are_wiped_in_both_forms),
        cmocka_unit_test(parsing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
