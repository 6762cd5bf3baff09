/*
 * tests/kbc/test_vault_login.c - lib/kbc/vault_login.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/vault_login.h"

#include "base/fd.h"
#include "kbc/vault_reply.h"
#include "tests/canary.h"
#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

#define VAULT "https://vault.test"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What is written for settings, in which FILE is a file that holds text. */
struct world {
    char dir[64];
    char file[80];
};

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    make_temp_dir(w->dir, sizeof(w->dir));
    (void)snprintf(w->file, sizeof(w->file), "%s/file", w->dir);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;

    remove_temp_dir(w->dir);
    free(w);
    return 0;
}

static void
put(const struct world *w, const void *text, size_t len)
{
    coco_error *err = NULL;

    assert_ok(coco_file_write(w->file, text, len, 0600, &err), err);
}

static coco_status
write_login(const struct world *w, const char *login, const char *rest, struct coco_buf *path,
            struct coco_buf *body, coco_error **err)
{
    _cleanup_vault_settings_ struct coco_vault_settings settings = {0};
    char uri[256];

    (void)snprintf(uri, sizeof(uri), VAULT "?%s=%s%s", login, w->file, rest);
    coco_status status = coco_vault_settings_parse(uri, &settings, err);
    if (status == COCO_OK)
        status = coco_vault_write_login(&settings, path, body, err);
    return status;
}

static void
each_login_has_its_request(void **state)
{
    static const struct {
        const char *login, *rest, *path, *body;
    } cases[] = {
        {"secret-id-file", "&role-id=r-1", "/auth/approle/login",
         "{\"role_id\":\"r-1\",\"secret_id\":\"a.b.c\"}"},
        {"secret-id-file", "&role-id=r-1&approle=a/b", "/auth/a/b/login",
         "{\"role_id\":\"r-1\",\"secret_id\":\"a.b.c\"}"},
        {"jwt-file", "", "/auth/jwt/login", "{\"jwt\":\"a.b.c\"}"},
        {"jwt-file", "&role=guest&jwt=kubernetes", "/auth/kubernetes/login",
         "{\"jwt\":\"a.b.c\",\"role\":\"guest\"}"},
        {"cert-file", "&key-file=/k", "/auth/cert/login", "{}"},
        {"cert-file", "&key-file=/k&role=guest&cert=c", "/auth/c/login", "{\"name\":\"guest\"}"},
    };
    struct world *w = *state;

    put(w, "a.b.c\nmore\n", 11);
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf path = {.limit = 256};
        _cleanup_buf_ struct coco_buf body = {.limit = 256};
        coco_error *err = NULL;

        assert_ok(write_login(w, cases[i].login, cases[i].rest, &path, &body, &err), err);
        assert_string_equal(coco_buf_text(&path), cases[i].path);
        assert_string_equal(coco_buf_text(&body), cases[i].body);
    }
}

static void
who_needs_no_login_has_none(void **state)
{
    static const struct {
        const char *query;
        bool logs_in;
    } cases[] = {
        {"", false},
        {"?token-file=/t", false},
        {"?role-id=r", true},
        {"?jwt-file=/j", true},
        {"?cert-file=/c&key-file=/k", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_vault_settings_ struct coco_vault_settings settings = {0};
        char uri[128];
        coco_error *err = NULL;

        (void)snprintf(uri, sizeof(uri), VAULT "%s", cases[i].query);
        assert_ok(coco_vault_settings_parse(uri, &settings, &err), err);
        assert_int_equal(coco_vault_logs_in(&settings), cases[i].logs_in);
    }
}

/* It becomes a header, or a text of JSON. */
static void
files_that_hold_no_word_are_refused(void **state)
{
    static const struct {
        const char *text;
        size_t len;
    } cases[] = {{"", 0},      {"\n", 1},   {"a b", 3},  {"a\tb", 3},
                 {"a\x01", 2}, {"a\0b", 3}, {"\xff", 1}, {"a\x7f", 2}};
    static char large[COCO_VAULT_TOKEN_MAX + 1];
    struct world *w = *state;
    struct coco_secret word = {0};

    for (size_t i = 0; i < COUNT(cases); i++) {
        put(w, cases[i].text, cases[i].len);
        assert_int_equal(coco_vault_read_word(w->file, &word, NULL), COCO_ERR_PROTO);
    }
    memset(large, 'x', sizeof(large));
    put(w, large, sizeof(large));
    assert_int_equal(coco_vault_read_word(w->file, &word, NULL), COCO_ERR_LIMIT);
    assert_int_equal(coco_vault_read_word("/nothing", &word, NULL), COCO_ERR_NOTFOUND);
    assert_null(word.data);
}

static void
writing_survives_any_failed_allocation(void **state)
{
    struct world *w = *state;
    coco_error *err = NULL;

    put(w, "a.b.c", 5);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf path = {.limit = 256};
        _cleanup_buf_ struct coco_buf body = {.limit = 256};

        coco_status status = write_login(w, "jwt-file", "&role=guest", &path, &body, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

static void
what_was_written_is_wiped(void **state)
{
    static const char jwt[] = "known.to.the-cluster-alone";
    struct world *w = *state;

    put(w, jwt, strlen(jwt));
    canary_begin(jwt, strlen(jwt));
    {
        _cleanup_buf_ struct coco_buf path = {.limit = 256};
        _cleanup_buf_ struct coco_buf body = {.limit = 256};
        coco_error *err = NULL;

        assert_ok(write_login(w, "jwt-file", "", &path, &body, &err), err);
    }
    assert_int_equal(canary_end(), 0);
}

int
main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(each_login_has_its_request),
        cmocka_unit_test(who_needs_no_login_has_none),
        IN_WORLD(files_that_hold_no_word_are_refused),
        IN_WORLD(writing_survives_any_failed_allocation),
        IN_WORLD(what_was_written_is_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
