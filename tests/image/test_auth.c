/*
 * tests/image/test_auth.c - lib/image/auth.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/auth.h"

#include "base/context.h"
#include "base/fd.h"
#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct fixture {
    char dir[64]; /* where helpers are */
    coco_ctx *ctx;
    struct coco_auth auth;
    struct coco_credentials found;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){0};
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    coco_auth_done(&f->auth);
    coco_credentials_done(&f->found);
    remove_temp_dir(f->dir);
    return 0;
}

static void
add(struct fixture *f, const char *text)
{
    assert_ok(coco_auth_add(&f->auth, text, strlen(text), &f->err), f->err);
}

static coco_status
find(struct fixture *f, const char *name)
{
    coco_credentials_done(&f->found);
    return coco_auth_find(&f->auth, f->ctx, name, &f->found, &f->err);
}

/* user NULL: nothing is found. */
static void
assert_found(struct fixture *f, const char *name, const char *user, const char *password)
{
    assert_ok(find(f, name), f->err);
    if (!user) {
        assert_null(f->found.user.data);
        assert_null(f->found.identity_token.data);
        return;
    }
    assert_string_equal((const char *)f->found.user.data, user);
    assert_string_equal((const char *)f->found.password.data, password);
}

/* Makes docker-credential-name give itself for a user and the server for a password. */
static void
make_helper(struct fixture *f, const char *name)
{
    char file[128];
    char text[512];

    (void)snprintf(file, sizeof(file), "%s/docker-credential-%s", f->dir, name);
    int n = snprintf(text, sizeof(text),
                     "#!/bin/sh\n"
                     "echo \"{\\\"Username\\\":\\\"%s\\\",\\\"Secret\\\":\\\"$(cat)\\\"}\"\n",
                     name);
    assert_ok(coco_file_write(file, text, (size_t)n, 0755, &f->err), f->err);
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
        {"{\"auths\":{\"h\":{\"auth\":\"PHRva2VuPjo=\"}}}", "empty identity token"},
        {"{\"auths\":{},\"auths\":{}}", "auth.json"},
        {"{\"credHelpers\":\"x\"}", "credHelpers"},
        {"{\"credHelpers\":{\"h\":1}}", "credHelpers: 'h': not a string"},
        {"{\"credHelpers\":{\"h\":null}}", "credHelpers: 'h': not a string"},
        {"{\"credHelpers\":{\"h\":\"\"}}", "credHelpers: 'h': '' is no name"},
        {"{\"credHelpers\":{\"h\":\"../sh\"}}", "credHelpers: 'h': '../sh' is no name"},
        {"{\"credHelpers\":{\"h\":\"a b\"}}", "credHelpers: 'h': 'a b' is no name"},
        {"{\"credsStore\":1}", "credsStore"},
        {"{\"credsStore\":\"/bin/sh\"}", "credsStore: '/bin/sh' is no name"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_auth auth = {0};
        coco_error *err = NULL;

        assert_fails(coco_auth_add(&auth, cases[i].text, strlen(cases[i].text), &err), err,
                     COCO_ERR_PROTO, cases[i].why);
        assert_int_equal(auth.n_files, 0);
    }
}

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
        const char *name, *user, *password;
    } cases[] = {
        {"h.test/x", "a", "1"},
        {"h.test/nsx/app", "a", "1"},
        {"h.test/ns/other", "b", "2"},
        {"h.test/ns/app", "c", "3"},
        {"h.test/ns/app/more", "c", "3"},
        {"docker.io/library/x", "d", "4"},
        {"registry-1.docker.io/library/x", "d", "4"},
        {"k.test:5000/x", "e", "5"},
        {"k.test/x", NULL, NULL},
        {"empty.test/x", NULL, NULL},
        {"other.test/x", NULL, NULL},
        /* A host is a whole one. */
        {"h.test.evil.test/ns/app", NULL, NULL},
        {"evil-docker.io/library/x", NULL, NULL},
    };
    struct fixture *f = *state;

    add(f, text);
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_found(f, cases[i].name, cases[i].user, cases[i].password);
}

static void
find_without_a_file_finds_nothing(void **state)
{
    assert_found(*state, "h.test/x", NULL, NULL);
}

static void
find_looks_into_one_file_after_the_other(void **state)
{
    struct fixture *f = *state;

    add(f, "{\"auths\":{\"h.test\":{\"auth\":\"YTox\"},\"k.test\":{}}}");
    add(f, "{\"auths\":{\"h.test/ns\":{\"auth\":\"Yjoy\"},\"k.test\":{\"auth\":\"Yzoz\"}}}");
    /* The first that has some has the last word. */
    assert_found(f, "h.test/ns/x", "a", "1");
    assert_found(f, "k.test/x", "c", "3");
    assert_found(f, "l.test/x", NULL, NULL);
    for (int i = 2; i < COCO_AUTH_FILES_MAX; i++)
        add(f, "{}");
    assert_fails(coco_auth_add(&f->auth, "{}", 2, &f->err), f->err, COCO_ERR_LIMIT,
                 "more than 16 auth.json");
}

static void
an_identity_token_takes_the_place_of_user_and_password(void **state)
{
    struct fixture *f = *state;

    /* "<token>:" is PHRva2VuPjo=, as docker writes it. */
    add(f, "{\"auths\":{\"h.test\":{\"auth\":\"PHRva2VuPjo=\",\"identitytoken\":\"t0ken\"},"
           "\"k.test\":{\"auth\":\"YTox\",\"identitytoken\":\"\"}}}");
    assert_ok(find(f, "h.test/x"), f->err);
    assert_string_equal((const char *)f->found.identity_token.data, "t0ken");
    assert_null(f->found.user.data);
    assert_found(f, "k.test/x", "a", "1");
}

static void
no_helper_runs_unless_it_may(void **state)
{
    struct fixture *f = *state;

    make_helper(f, "one");
    make_helper(f, "all");
    add(f, "{\"auths\":{\"k.test\":{\"auth\":\"YTox\"}},"
           "\"credHelpers\":{\"h.test\":\"one\"},\"credsStore\":\"all\"}");
    assert_fails(find(f, "h.test/x"), f->err, COCO_ERR_NOTSUP,
                 "auth.json: the credential helper 'one' for h.test may not be run");
    assert_fails(find(f, "other.test/x"), f->err, COCO_ERR_NOTSUP,
                 "the credential helper 'all' for other.test may not be run");
    assert_found(f, "k.test/x", "a", "1");
}

static void
helpers_are_asked_by_the_name_they_know(void **state)
{
    struct fixture *f = *state;

    make_helper(f, "one");
    make_helper(f, "hub");
    make_helper(f, "all");
    f->auth.helpers = f->dir;
    /* The helper is said to know better than an entry that was left behind. */
    add(f, "{\"auths\":{\"k.test\":{\"auth\":\"YTox\"},\"h.test\":{\"auth\":\"YTox\"}},"
           "\"credHelpers\":{\"h.test\":\"one\"},\"credsStore\":\"all\"}");
    f->auth.helpers = "/usr/bin:/bin";
    assert_fails(find(f, "h.test/x"), f->err, COCO_ERR_NOTFOUND, "no docker-credential-one");

    char path[128];
    (void)snprintf(path, sizeof(path), "%s:/usr/bin:/bin", f->dir);
    f->auth.helpers = path;
    assert_found(f, "h.test/x", "one", "h.test");
    assert_found(f, "k.test/x", "a", "1");
    assert_found(f, "other.test:1/x/y", "all", "other.test:1");
    assert_found(f, "docker.io/library/x", "all", "https://index.docker.io/v1/");

    coco_auth_done(&f->auth);
    f->auth.helpers = path;
    add(f, "{\"credHelpers\":{\"https://index.docker.io/v1/\":\"hub\"}}");
    assert_found(f, "docker.io/library/x", "hub", "https://index.docker.io/v1/");
    coco_auth_done(&f->auth);
    f->auth.helpers = path;
    add(f, "{\"credHelpers\":{\"docker.io\":\"hub\"}}");
    assert_found(f, "docker.io/library/x", "hub", "docker.io");
    assert_found(f, "h.test/x", NULL, NULL);
}

static void
auth_survives_any_failed_allocation(void **state)
{
    static const char text[] = "{\"auths\":{\"h.test\":{\"auth\":\"YTox\"}}}";
    struct fixture *f = *state;

    for_each_fault()
    {
        struct coco_auth auth = {0};
        _cleanup_credentials_ struct coco_credentials found = {0};
        coco_error *err = NULL;

        coco_status status = coco_auth_add(&auth, text, strlen(text), &err);
        if (status == COCO_OK)
            status = coco_auth_find(&auth, f->ctx, "h.test/x", &found, &err);
        fault_expect(status, err);
        coco_auth_done(&auth);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(broken_files_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(no_helper_runs_unless_it_may, setup, teardown),
        cmocka_unit_test_setup_teardown(find_prefers_the_longest_key, setup, teardown),
        cmocka_unit_test_setup_teardown(find_without_a_file_finds_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(find_looks_into_one_file_after_the_other, setup, teardown),
        cmocka_unit_test_setup_teardown(an_identity_token_takes_the_place_of_user_and_password,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(helpers_are_asked_by_the_name_they_know, setup, teardown),
        cmocka_unit_test_setup_teardown(auth_survives_any_failed_allocation, setup, teardown),
    };

    return cmocka_run_group_tests_name("image/auth", tests, NULL, NULL);
}
