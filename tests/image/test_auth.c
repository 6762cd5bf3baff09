/*
 * tests/image/test_auth.c - lib/image/auth.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/auth.h"

#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
find_prefers_the_longest_key(void **state)
{
    /* a:1 is YTox, b:2 is Yjoy, c:3 is Yzoz, d:4 is ZDo0, e:5\n is ZTo1Cg== */
    static const char text[] = "{\"auths\":{"
                               "\"h.test\":{\"auth\":\"YTox\"},"
                               "\"h.test/ns\":{\"auth\":\"Yjoy\"},"
                               "\"h.test/ns/app\":{\"auth\":\"Yzoz\"},"
                               "\"https://index.docker.io/v1/\":{\"auth\":\"ZDo0\"},"
                               "\"https://k.test:5000\":{\"auth\":\"ZTo1Cg==\"},"
                               "\"empty.test\":{},"
                               "\"empty.test/x\":{\"auth\":\"\"}},"
                               "\"detachKeys\":\"ctrl-e,e\"}";
    static const struct {
        const char *host, *repository, *user, *password;
    } cases[] = {
        {"h.test", "x", "a", "1"},           {"h.test", "nsx/app", "a", "1"},
        {"h.test", "ns/other", "b", "2"},    {"h.test", "ns/app", "c", "3"},
        {"h.test", "ns/app/more", "c", "3"}, {"docker.io", "library/x", "d", "4"},
        {"k.test:5000", "x", "e", "5"},      {"k.test", "x", NULL, NULL},
        {"empty.test", "x", NULL, NULL},     {"other.test", "x", NULL, NULL},
    };
    struct coco_auth auth = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_auth_parse(text, strlen(text), &auth, &err), err);
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_credentials_ struct coco_credentials found = {0};

        assert_ok(coco_auth_find(&auth, cases[i].host, cases[i].repository, &found, &err), err);
        if (cases[i].user) {
            assert_string_equal((const char *)found.user.data, cases[i].user);
            assert_string_equal((const char *)found.password.data, cases[i].password);
        } else {
            assert_null(found.user.data);
        }
    }
    coco_auth_done(&auth);
}

static void
find_without_a_file_finds_nothing(void **state)
{
    const struct coco_auth auth = {0};
    struct coco_credentials found = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_auth_find(&auth, "h.test", "x", &found, &err), err);
    assert_null(found.user.data);
}

static void
find_says_what_it_cannot_do(void **state)
{
    static const char text[] = "{\"auths\":{\"t.test\":{\"identitytoken\":\"abc\"}},"
                               "\"credHelpers\":{\"h.test\":\"pass\"}}";
    struct coco_auth auth = {0};
    struct coco_credentials found = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_auth_parse(text, strlen(text), &auth, &err), err);
    assert_fails(coco_auth_find(&auth, "t.test", "x", &found, &err), err, COCO_ERR_NOTSUP,
                 "identity token");
    assert_fails(coco_auth_find(&auth, "h.test", "x", &found, &err), err, COCO_ERR_NOTSUP,
                 "credential helper");
    coco_auth_done(&auth);
}

static void
broken_files_are_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "auth.json"},
        {"[]", "auth.json"},
        {"{\"auths\":[]}", "auths"},
        {"{\"auths\":{\"h\":1}}", "'h': not an object"},
        {"{\"auths\":{\"h\":{\"auth\":1}}}", "auth"},
        {"{\"auths\":{\"h\":{\"auth\":\"!!\"}}}", "'h'"},
        {"{\"auths\":{\"h\":{\"auth\":\"YQ==\"}}}", "user:password"},
        {"{\"auths\":{\"h\":{\"auth\":\"YToAMQ==\"}}}", "user:password"},
        {"{\"auths\":{\"h\":{\"identitytoken\":1}}}", "identitytoken"},
        {"{\"auths\":{},\"auths\":{}}", "auth.json"},
        {"{\"credHelpers\":\"x\"}", "credHelpers"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_auth auth = {0};
        coco_error *err = NULL;

        assert_fails(coco_auth_parse(cases[i].text, strlen(cases[i].text), &auth, &err), err,
                     COCO_ERR_PROTO, cases[i].why);
        assert_null(auth.json);
    }
}

static void
auth_survives_any_failed_allocation(void **state)
{
    static const char text[] = "{\"auths\":{\"h.test\":{\"auth\":\"YTox\"}}}";

    (void)state;
    for_each_fault()
    {
        struct coco_auth auth = {0};
        _cleanup_credentials_ struct coco_credentials found = {0};
        coco_error *err = NULL;

        coco_status status = coco_auth_parse(text, strlen(text), &auth, &err);
        if (status == COCO_OK)
            status = coco_auth_find(&auth, "h.test", "x", &found, &err);
        fault_expect(status, err);
        coco_error_free(err);
        coco_auth_done(&auth);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find_prefers_the_longest_key),
        cmocka_unit_test(find_without_a_file_finds_nothing),
        cmocka_unit_test(find_says_what_it_cannot_do),
        cmocka_unit_test(broken_files_are_refused),
        cmocka_unit_test(auth_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/auth", tests, NULL, NULL);
}
