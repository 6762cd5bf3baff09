/*
 * tests/signature/test_scope.c - lib/signature/scope.c; which scope counts is in test_policy.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/scope.h"

#include "tests/faults.h"

#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define ACCEPT "[{\"type\":\"insecureAcceptAnything\"}]"
#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const char json[] = "{\"default\":" ACCEPT ",\"transports\":{\"docker\":{\"a.test\":" ACCEPT
                           ",\"a.test/app:v1\":" ACCEPT "}}}";

static void
each_name_has_its_scope(void **state)
{
    static const struct {
        struct coco_policy_image image;
        const char *names[2]; /* NULL: the default */
        size_t n;
    } cases[] = {
        {{"docker", "b.test/app", "v1", NULL}, {NULL}, 1},
        {{"docker", "b.test/app", "v1", DIGEST}, {NULL}, 1},
        {{"docker", "a.test/app", "v2", DIGEST}, {"a.test"}, 1},
        {{"docker", "a.test/app", "v1", NULL}, {"a.test/app:v1"}, 1},
        {{"docker", "a.test/app", "v1", DIGEST}, {"a.test", "a.test/app:v1"}, 2},
        {{"dir", "/a", NULL, NULL}, {NULL}, 1},
    };
    _cleanup_(coco_policy_freep) struct coco_policy *policy = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_policy_parse(json, strlen(json), &policy, &err), err);
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_scopes_ struct coco_scopes scopes = {0};

        assert_ok(coco_scopes_find(policy, &cases[i].image, &scopes, &err), err);
        assert_int_equal(scopes.n, cases[i].n);
        for (size_t j = 0; j < scopes.n; j++) {
            assert_non_null(scopes.list[j].requirements);
            if (cases[i].names[j])
                assert_string_equal(coco_buf_text(&scopes.list[j].name), cases[i].names[j]);
            else
                assert_null(scopes.list[j].transport);
        }
    }
}

static void
paths_have_one_form(void **state)
{
    static const struct {
        const char *path;
        bool fine;
    } cases[] = {
        {"/a", true},    {"/a/b", true},   {"/a/..b", true}, {"/a/.b", true},   {"/...", true},
        {"", false},     {"/", false},     {"a", false},     {"/a/", false},    {"//a", false},
        {"/./a", false}, {"/a/..", false}, {"/a//b", false}, {"/a/./b", false},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++)
        assert_int_equal(coco_scope_is_path(cases[i].path), cases[i].fine);
}

static void
finding_survives_any_failed_allocation(void **state)
{
    static const struct coco_policy_image image = {"docker", "a.test/app", "v1", DIGEST};
    _cleanup_(coco_policy_freep) struct coco_policy *policy = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_policy_parse(json, strlen(json), &policy, &err), err);
    for_each_fault()
    {
        struct coco_scopes scopes = {0};

        err = NULL;
        coco_status status = coco_scopes_find(policy, &image, &scopes, &err);
        fault_expect(status, err);
        coco_scopes_done(&scopes);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_has_its_scope),
        cmocka_unit_test(paths_have_one_form),
        cmocka_unit_test(finding_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/scope", tests, NULL, NULL);
}
