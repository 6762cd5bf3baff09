/*
 * tests/kbs/test_versions.c - lib/kbs/versions.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/versions.h"

#include "tests/kbs/world.h"

#define RESOURCE "/kbs/v0/resource/a/t/1"
#define VERSIONS "/kbs/v0/resource-versions/a/t/1"
#define RESTORE "/kbs/v0/resource-restore/a/t/1"

static void
what_was_deleted_is_listed_and_restored(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask_as_owner(w, "POST", RESOURCE, "one"), 200);
    assert_int_equal(ask_as_owner(w, "POST", RESOURCE, "second"), 200);
    assert_int_equal(ask_as_owner(w, "DELETE", RESOURCE, ""), 200);
    assert_int_equal(ask_as_owner(w, "GET", VERSIONS, ""), 200);
    assert_non_null(strstr(said(w), "\"deleted\":true"));
    assert_non_null(strstr(said(w), "\"size\":6"));
    assert_null(strstr(said(w), "second"));
    assert_int_equal(ask_as_owner(w, "GET", "/kbs/v0/resource", ""), 200);
    assert_string_equal(said(w), "[]");

    assert_int_equal(ask_as_owner(w, "POST", RESTORE, ""), 200);
    assert_string_equal(said(w), "{\"version\":4}");
    assert_int_equal(ask_as_owner(w, "POST", RESTORE "?version=1", ""), 200);
    assert_string_equal(said(w), "{\"version\":5}");
    assert_int_equal(ask_as_owner(w, "GET", "/kbs/v0/resource", ""), 200);
    assert_string_equal(said(w), "[\"a/t/1\"]");

    assert_int_equal(ask_as_owner(w, "DELETE", VERSIONS, ""), 200);
    assert_int_equal(ask_as_owner(w, "GET", VERSIONS, ""), 404);
    assert_says_no(w, "ResourceNotFound");
    assert_int_equal(ask_as_owner(w, "DELETE", VERSIONS, ""), 404);
    assert_says_no(w, "ResourceNotFound");
    assert_int_equal(ask_as_owner(w, "POST", RESTORE, ""), 404);
    assert_says_no(w, "ResourceNotFound");
}

static void
versions_are_the_owners_alone(void **state)
{
    static const char *const requests[][2] = {
        {"GET", VERSIONS}, {"DELETE", VERSIONS}, {"POST", RESTORE}};
    struct world *w = *state;

    assert_int_equal(ask_as_owner(w, "POST", RESOURCE, "one"), 200);
    assert_int_equal(attest(w), 200);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ask(w, requests[i][0], requests[i][1], w->cookie, NULL, ""), 401);
        assert_says_no(w, "AdminAuthAccess");
    }
}

static void
what_is_no_version_is_refused(void **state)
{
    static const char *const queries[] = {
        "version=",
        "version=0",
        "version=-1",
        "version=1x",
        "version=9999999999999999999",
        "Version=1",
        "v=1",
        "version=1&version=2",
        "version=+1",
        "version=%31",
    };
    struct world *w = *state;
    char target[256];

    assert_int_equal(ask_as_owner(w, "POST", RESOURCE, "one"), 200);
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        (void)snprintf(target, sizeof(target), RESTORE "?%s", queries[i]);
        assert_int_equal(ask_as_owner(w, "POST", target, ""), 400);
    }
    assert_int_equal(ask_as_owner(w, "POST", RESTORE "?version=7", ""), 404);
    assert_int_equal(ask_as_owner(w, "GET", "/kbs/v0/resource-versions/a/../b", ""), 404);
    assert_says_no(w, "InvalidRequestPath");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(what_was_deleted_is_listed_and_restored),
        IN_WORLD(versions_are_the_owners_alone),
        IN_WORLD(what_is_no_version_is_refused),
    };

    return cmocka_run_group_tests_name("kbs/versions", tests, NULL, NULL);
}
