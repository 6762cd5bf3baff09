/*
 * tests/token/test_issuer.c - lib/token/issuer.c
 *
 * What comes from a server is in tests/token/test_verifier.c and, where it is none,
 * tests/kbs/test_provider_source.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token/issuer.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <string.h>

#define ISSUER "https://idp.example/realm"

static coco_status
about(const char *text, char **ret, coco_error **err)
{
    return coco_issuer_about(text, strlen(text), ISSUER, ret, err);
}

static void
what_an_issuer_says_is_read_strictly(void **state)
{
    static const char *const good[] = {
        "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://a.example/k\"}",
        "{\"issuer\":\"" ISSUER "/\",\"x\":1,\"jwks_uri\":\"https://a.example/k\"}",
    };
    static const char *const bad[] = {
        "",
        "[]",
        "{\"jwks_uri\":\"https://a.example/k\"}",
        "{\"issuer\":\"" ISSUER "\"}",
        "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":1}",
        "{\"issuer\":1,\"jwks_uri\":\"https://a.example/k\"}",
        "{\"issuer\":\"" ISSUER "//\",\"jwks_uri\":\"https://a.example/k\"}",
        "{\"issuer\":\"" ISSUER "2\",\"jwks_uri\":\"https://a.example/k\"}",
        "{\"issuer\":\"https://idp.example\",\"jwks_uri\":\"https://a.example/k\"}",
        "{\"issuer\":\"\",\"jwks_uri\":\"https://a.example/k\"}",
        "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"http://a.example/k\"}",
        "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"file:///etc/passwd\"}",
        "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://u:p@a.example/k\"}",
        "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"/k\"}",
        "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"\"}",
        "{\"issuer\":\"" ISSUER "\",\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://a.example\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        _cleanup_free_ char *uri = NULL;
        coco_error *err = NULL;

        assert_ok(about(good[i], &uri, &err), err);
        assert_string_equal(uri, "https://a.example/k");
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *uri = NULL;
        coco_error *err = NULL;

        print_message("# case %zu\n", i);
        assert_fails(about(bad[i], &uri, &err), err, COCO_ERR_PROTO, "");
        assert_null(uri);
    }
}

static void
a_slash_at_the_end_is_no_other_issuer(void **state)
{
    (void)state;
    assert_true(coco_issuer_is(ISSUER, ISSUER));
    assert_true(coco_issuer_is(ISSUER "/", ISSUER));
    assert_true(coco_issuer_is(ISSUER, ISSUER "/"));
    assert_false(coco_issuer_is(ISSUER "//", ISSUER));
    assert_false(coco_issuer_is("https://idp.example/real", ISSUER));
    assert_false(coco_issuer_is("https://idp.example/realms", ISSUER));
    assert_false(coco_issuer_is("", ISSUER));
}

static void
reading_survives_failed_allocations(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_free_ char *uri = NULL;
        coco_error *err = NULL;

        coco_status status =
            about("{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://a.example/k\"}", &uri, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_issuer_says_is_read_strictly),
        cmocka_unit_test(a_slash_at_the_end_is_no_other_issuer),
        cmocka_unit_test(reading_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("token/issuer", tests, NULL, NULL);
}
