/*
 * tests/image/test_challenge.c - lib/image/challenge.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/challenge.h"

#include "tests/faults.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
parse_finds_the_challenge_to_answer(void **state)
{
    static const struct {
        const char *value;
        enum coco_challenge_scheme scheme;
        const char *realm, *service;
    } cases[] = {
        {"", COCO_CHALLENGE_NONE, NULL, NULL},
        {"Negotiate", COCO_CHALLENGE_NONE, NULL, NULL},
        {"Basic realm=\"x\"", COCO_CHALLENGE_BASIC, "x", NULL},
        {"basic", COCO_CHALLENGE_BASIC, NULL, NULL},
        {"Bearer realm=\"https://auth.test/token\",service=\"r.test\",scope=\"a:b:pull,push\"",
         COCO_CHALLENGE_BEARER, "https://auth.test/token", "r.test"},
        {"bearer REALM = \"a\" , Service = b", COCO_CHALLENGE_BEARER, "a", "b"},
        {"Basic realm=\"x\", Bearer realm=\"y\"", COCO_CHALLENGE_BEARER, "y", NULL},
        {"Bearer realm=\"y\", Basic realm=\"x\", charset=\"UTF-8\"", COCO_CHALLENGE_BEARER, "y",
         NULL},
        {"Negotiate YWJj==, Basic realm=\"x\"", COCO_CHALLENGE_BASIC, "x", NULL},
        {", ,Negotiate,,Basic realm=x,", COCO_CHALLENGE_BASIC, "x", NULL},
        {"Basic realm=\"a \\\"b\\\\ c, Bearer realm=\\\"d\\\"\"", COCO_CHALLENGE_BASIC,
         "a \"b\\ c, Bearer realm=\"d\"", NULL},
        {"Digest realm=\"z\", nonce=\"1\", Basic realm=\"x\"", COCO_CHALLENGE_BASIC, "x", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_challenge_ struct coco_challenge challenge = {0};
        coco_error *err = NULL;

        assert_ok(coco_challenge_parse(cases[i].value, &challenge, &err), err);
        assert_int_equal(challenge.scheme, cases[i].scheme);
        if (cases[i].realm)
            assert_string_equal(challenge.realm, cases[i].realm);
        else
            assert_null(challenge.realm);
        if (cases[i].service)
            assert_string_equal(challenge.service, cases[i].service);
        else
            assert_null(challenge.service);
    }
}

static void
parse_refuses(void **state)
{
    static const char *const cases[] = {
        "Bearer",
        "Bearer service=\"x\"",
        "Bearer realm=\"x",
        "Bearer realm=\"x\\",
        "Bearer realm=",
        "Bearer realm=\"x\" service=\"y\"",
        "Bearer realm=\"x\",realm=\"y\"",
        "Bearer realm=\"x\"y",
        "Bearer realm=\"x\";service=\"y\"",
        "\"Bearer\"",
        "=x",
        "Basic realm=\"x\", \"y\"",
        "(Basic)",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_challenge challenge = {0};
        coco_error *err = NULL;

        if (coco_challenge_parse(cases[i], &challenge, &err) == COCO_OK)
            fail_msg("'%s' is accepted", cases[i]);
        assert_int_equal(coco_error_status(err), COCO_ERR_PROTO);
        assert_null(challenge.realm);
        coco_error_free(err);
    }
}

static void
parse_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_challenge_ struct coco_challenge challenge = {0};
        coco_error *err = NULL;

        coco_status status =
            coco_challenge_parse("Basic realm=x, Bearer realm=\"y\",service=z", &challenge, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_finds_the_challenge_to_answer),
        cmocka_unit_test(parse_refuses),
        cmocka_unit_test(parse_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/challenge", tests, NULL, NULL);
}
