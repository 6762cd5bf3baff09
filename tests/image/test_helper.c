/*
 * tests/image/test_helper.c - lib/image/helper.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/helper.h"

#include "base/context.h"
#include "base/fd.h"
#include "tests/canary.h"
#include "tests/faults.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* Stands in each answer, so that a message that quotes one is found. */
#define SECRET "t0psecret-0123456789"

struct fixture {
    char dir[64];
    char path[256]; /* where helpers are looked for */
    coco_ctx *ctx;
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
    (void)snprintf(f->path, sizeof(f->path), "/nowhere:%.60s:/usr/bin:/bin", f->dir);
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
    coco_credentials_done(&f->found);
    remove_temp_dir(f->dir);
    return 0;
}

/* Makes docker-credential-name do what the lines of shell say. */
static void
make_helper(struct fixture *f, const char *name, const char *script)
{
    char file[128];
    char text[4096];

    (void)snprintf(file, sizeof(file), "%s/docker-credential-%s", f->dir, name);
    int n = snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
    assert_ok(coco_file_write(file, text, (size_t)n, 0755, &f->err), f->err);
}

static coco_status
get(struct fixture *f, const char *name)
{
    coco_credentials_done(&f->found);
    return coco_helper_get(f->path, f->ctx, name, "h.test:5000", &f->found, &f->err);
}

static void
names_that_are_no_words_are_refused(void **state)
{
    static const char *const names[] = {
        "",     ".",        "..",
        "-x",   ".x",       "../../bin/sh",
        "a/b",  "a b",      "a;b",
        "a\nb", "\303\244", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(names); i++) {
        assert_fails(coco_helper_check_name(names[i], &f->err), f->err, COCO_ERR_PROTO,
                     "is no name of a credential helper");
        assert_fails(get(f, names[i]), f->err, COCO_ERR_PROTO, "is no name");
    }
    assert_ok(coco_helper_check_name("ecr-login", &f->err), f->err);
    assert_ok(coco_helper_check_name("a.b_C-9", &f->err), f->err);
}

static void
directories_that_are_not_absolute_are_refused(void **state)
{
    static const char *const paths[] = {"",      ".",          "bin",    ":/bin",
                                        "/bin:", "/bin::/usr", "/bin:.", "/bin:usr"};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(paths); i++)
        assert_fails(coco_helper_check_path(paths[i], &f->err), f->err, COCO_ERR_INVALID,
                     "is no list of absolute directories");
    assert_ok(coco_helper_check_path("/", &f->err), f->err);
    assert_ok(coco_helper_check_path("/usr/bin:/a b", &f->err), f->err);
}

static void
answers_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *script;
        coco_status want;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_PROTO, "credential helper 'x' for h.test:5000: "},
        {"echo " SECRET, COCO_ERR_PROTO, "h.test:5000: "},
        {"echo '[]'", COCO_ERR_PROTO, "h.test:5000: "},
        {"echo '{}'", COCO_ERR_PROTO, "Username"},
        {"echo '{\"Username\":\"a\"}'", COCO_ERR_PROTO, "Secret"},
        {"echo '{\"Secret\":\"" SECRET "\"}'", COCO_ERR_PROTO, "Username"},
        {"echo '{\"Username\":\"a\",\"Secret\":1}'", COCO_ERR_PROTO, "Secret"},
        {"echo '{\"Username\":\"a:b\",\"Secret\":\"" SECRET "\"}'", COCO_ERR_PROTO, "colon"},
        {"echo '{\"Username\":\"<token>\",\"Secret\":\"\"}'", COCO_ERR_PROTO, "empty"},
        {"echo '{\"Username\":\"a\",\"Secret\":\"" SECRET "\"} more'", COCO_ERR_PROTO, "byte"},
        {"printf '%s' '{\"Username\":\"a\",\"Secret\":\"" SECRET "\\u0000\"}'", COCO_ERR_PROTO,
         "bad escape"},
        /* What it complains of, on either of both, but no answer and no terminal's language. */
        {"echo locked; exit 1", COCO_ERR_IO, "it ends with 1: locked"},
        {"echo locked >&2; exit 2", COCO_ERR_IO, "it ends with 2: locked"},
        {"printf '\\033[2Jlocked' >&2; exit 2", COCO_ERR_IO, "ends with 2: \\x1b[2Jlocked"},
        {"echo '{\"Username\":\"a\",\"Secret\":\"" SECRET "\"}'; exit 1", COCO_ERR_IO,
         "ends with 1: "},
        {"kill -9 $$", COCO_ERR_IO, "ends with 137"},
        {"exec cat /dev/zero", COCO_ERR_LIMIT, "h.test:5000: "},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        make_helper(f, "x", cases[i].script);
        coco_status status = get(f, "x");
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_null(strstr(coco_error_message(f->err), SECRET));
        assert_fails(status, f->err, cases[i].want, cases[i].why);
        assert_null(f->found.user.data);
    }
}

static void
a_helper_that_is_not_there_is_named(void **state)
{
    struct fixture *f = *state;
    char file[128];

    assert_fails(get(f, "x"), f->err, COCO_ERR_NOTFOUND, "no docker-credential-x in /nowhere:");
    /* Neither is what may not be run, or is no file. */
    (void)snprintf(file, sizeof(file), "%s/docker-credential-x", f->dir);
    assert_ok(coco_file_write(file, "#!/bin/sh\n", 10, 0644, &f->err), f->err);
    assert_fails(get(f, "x"), f->err, COCO_ERR_NOTFOUND, "no docker-credential-x");
    (void)snprintf(file, sizeof(file), "%s/docker-credential-y", f->dir);
    assert_int_equal(mkdir(file, 0755), 0);
    assert_fails(get(f, "y"), f->err, COCO_ERR_NOTFOUND, "no docker-credential-y");
}

static void
a_helper_is_asked_for_the_server(void **state)
{
    struct fixture *f = *state;

    make_helper(f, "x",
                "server=$(cat)\n"
                "[ \"$1\" = get ] && [ $# = 1 ] || exit 9\n"
                "echo \"{\\\"ServerURL\\\":\\\"x\\\",\\\"Username\\\":\\\"alice\\\","
                "\\\"Secret\\\":\\\"for $server\\\"}\"");
    assert_ok(get(f, "x"), f->err);
    assert_string_equal((const char *)f->found.user.data, "alice");
    assert_string_equal((const char *)f->found.password.data, "for h.test:5000");
    assert_null(f->found.identity_token.data);
}

static void
a_helper_may_give_an_identity_token(void **state)
{
    struct fixture *f = *state;

    make_helper(f, "x", "echo '{\"Username\":\"<token>\",\"Secret\":\"" SECRET "\"}'");
    assert_ok(get(f, "x"), f->err);
    assert_string_equal((const char *)f->found.identity_token.data, SECRET);
    assert_null(f->found.user.data);
}

static void
a_helper_that_has_nothing_is_no_error(void **state)
{
    static const char *const scripts[] = {
        "echo 'credentials not found in native keychain'; exit 1",
        "echo '{\"ServerURL\":\"\",\"Username\":\"\",\"Secret\":\"\"}'",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(scripts); i++) {
        make_helper(f, "x", scripts[i]);
        assert_ok(get(f, "x"), f->err);
        assert_null(f->found.user.data);
        assert_null(f->found.identity_token.data);
    }
}

static void
a_helper_sees_little_of_the_environment(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(setenv("HOME", "/home/of-alice", 1), 0);
    assert_int_equal(setenv("COCO_KBS_ADMIN_KEY", SECRET, 1), 0);
    assert_int_equal(setenv("LD_PRELOAD", "", 1), 0);
    make_helper(f, "x",
                "[ -z \"$COCO_KBS_ADMIN_KEY\" ] && [ -z \"${LD_PRELOAD+set}\" ] || exit 9\n"
                "echo \"{\\\"Username\\\":\\\"$HOME\\\",\\\"Secret\\\":\\\"$LC_ALL\\\"}\"");
    coco_status status = get(f, "x");
    assert_int_equal(unsetenv("COCO_KBS_ADMIN_KEY"), 0);
    assert_int_equal(unsetenv("LD_PRELOAD"), 0);
    assert_ok(status, f->err);
    assert_string_equal((const char *)f->found.user.data, "/home/of-alice");
    assert_string_equal((const char *)f->found.password.data, "C");
}

static void
a_cancel_ends_the_helper(void **state)
{
    struct fixture *f = *state;

    make_helper(f, "x", "exec cat /dev/zero >/dev/null");
    coco_ctx_cancel(f->ctx);
    assert_fails(get(f, "x"), f->err, COCO_ERR_CANCELED, "cancel");
}

static void
an_answer_is_wiped(void **state)
{
    struct fixture *f = *state;

    make_helper(f, "x", "echo '{\"Username\":\"a\",\"Secret\":\"" SECRET "\"}'");
    canary_begin(SECRET, strlen(SECRET));
    assert_ok(get(f, "x"), f->err);
    coco_credentials_done(&f->found);
    assert_int_equal(canary_end(), 0);
}

static void
get_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    make_helper(f, "x", "echo '{\"Username\":\"a\",\"Secret\":\"b\"}'");
    for_each_fault()
    {
        coco_status status = get(f, "x");

        fault_expect(status, f->err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_that_are_no_words_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(directories_that_are_not_absolute_are_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(answers_that_are_none_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_helper_that_is_not_there_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_helper_is_asked_for_the_server, setup, teardown),
        cmocka_unit_test_setup_teardown(a_helper_may_give_an_identity_token, setup, teardown),
        cmocka_unit_test_setup_teardown(a_helper_that_has_nothing_is_no_error, setup, teardown),
        cmocka_unit_test_setup_teardown(a_helper_sees_little_of_the_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cancel_ends_the_helper, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_is_wiped, setup, teardown),
        cmocka_unit_test_setup_teardown(get_survives_any_failed_allocation, setup, teardown),
    };

    return cmocka_run_group_tests_name("image/helper", tests, NULL, NULL);
}
