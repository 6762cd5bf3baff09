/*
 * tests/kbs/test_spiffe.c - lib/kbs/spiffe.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/spiffe.h"

#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define KEY "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

static const char claims_text[] =
    "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\",\"n\":7,\"big\":18446744073709551615,"
    "\"up\":\"..\",\"dot\":\".\",\"slash\":\"a/b\",\"space\":\"a "
    "b\",\"empty\":\"\",\"pct\":\"%2e\","
    "\"utf8\":\"\xc3\xa4\",\"line\":\"a\\nb\",\"at\":\"a@b\",\"query\":\"a?b\",\"frag\":\"a#b\","
    "\"null\":null,\"yes\":true,\"list\":[\"a\"],\"float\":1.5,\"exp\":1e3,\"minus\":-1,"
    "\"a/b\":\"slashed\",\"m~n\":\"tilded\"}}}";

static cJSON *claims;

static int
setup(void **state)
{
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_json_parse_object(claims_text, strlen(claims_text), &claims, &err), err);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coco_json_free(claims);
    return 0;
}

static coco_status
make(const char *template, struct coco_buf *buf, coco_error **err)
{
    const struct coco_spiffe_facts facts = {.claims = claims, .tee_key = KEY, .evidence = HEX};

    return coco_spiffe_id("example.org", template, &facts, buf, err);
}

static void
an_id_is_made_of_claims(void **state)
{
    static const struct {
        const char *template, *path;
    } cases[] = {
        {"/a", "/a"},
        {"/ns/{/submods/cpu0/ear.status}/x", "/ns/affirming/x"},
        {"/{/submods/cpu0/n}", "/7"},
        {"/{/submods/cpu0/big}", "/18446744073709551615"},
        {"/{/submods/cpu0/float}", "/1.5"},
        {"/{/submods/cpu0/exp}", "/1e3"},
        {"/{/submods/cpu0/minus}", "/-1"},
        {"/{/submods/cpu0/a~1b}", "/slashed"},
        {"/{/submods/cpu0/m~0n}", "/tilded"},
        {"/a-{/submods/cpu0/n}_{/submods/cpu0/n}", "/a-7_7"},
        {"/v{/submods/cpu0/up}", "/v.."},
        {"/tee/{tee-key}", "/tee/" KEY},
        {"/e/{evidence}", "/e/" HEX},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf id = {.limit = COCO_SPIFFE_ID_MAX};
        coco_error *err = NULL;

        assert_ok(make(cases[i].template, &id, &err), err);
        assert_int_equal(strncmp(coco_buf_text(&id), "spiffe://example.org/", 21), 0);
        assert_string_equal(coco_buf_text(&id) + 20, cases[i].path);
    }
}

/* A guest chooses some of its claims: none of them is more than the part that it stands in. */
static void
no_claim_leads_elsewhere(void **state)
{
    static const char *const cases[] = {
        "/{/submods/cpu0/up}",
        "/{/submods/cpu0/dot}",
        "/a/{/submods/cpu0/up}/b",
        "/{/submods/cpu0/slash}",
        "/{/submods/cpu0/space}",
        "/{/submods/cpu0/empty}",
        "/{/submods/cpu0/pct}",
        "/{/submods/cpu0/utf8}",
        "/{/submods/cpu0/line}",
        "/{/submods/cpu0/at}",
        "/{/submods/cpu0/query}",
        "/{/submods/cpu0/frag}",
        "/{/submods/cpu0/null}",
        "/{/submods/cpu0/yes}",
        "/{/submods/cpu0/list}",
        "/{/submods/cpu0/list/0}",
        "/{/submods/cpu0}",
        "/{/submods/cpu0/none}",
        "/{/submods/cpu0/EAR.STATUS}",
        "/{/}",
        "/{/submods/cpu0/dot}{/submods/cpu0/dot}",
        "/.{/submods/cpu0/dot}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf id = {.limit = COCO_SPIFFE_ID_MAX};
        coco_error *err = NULL;

        if (make(cases[i], &id, &err) == COCO_OK)
            fail_msg("%s gives %s", cases[i], coco_buf_text(&id));
        assert_fails(coco_error_status(err), err, COCO_ERR_DENIED, "claim");
        assert_int_equal(id.len, 0);
    }
}

static void
templates_that_make_no_path_are_refused(void **state)
{
    static const char *const cases[] = {
        "",      "a",       "/",    "//",     "/a/",        "/a//b",        "a/b",  "/.",
        "/..",   "/a/../b", "/./a", "/a b",   "/a%20",      "/a?b",         "/a#b", "/\xc3\xa4",
        "/{",    "/}",      "/{}",  "/a{",    "/a}",        "/{a",          "/a}b", "/{claim}",
        "/{{a}", "/{/a}}",  "{/a}", "/{/a}/", "/{tee_key}", "/{evidence }", "/a\n", "/{/a",
        "/:",    "/@a",     "/~a",
    };
    char longest[1100];
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (coco_spiffe_check_template(cases[i], &err) == COCO_OK)
            fail_msg("%s is a template", cases[i]);
        assert_fails(coco_error_status(err), err, COCO_ERR_PROTO, "path");
    }
    memset(longest, 'a', sizeof(longest));
    longest[0] = '/';
    longest[1025] = '\0';
    assert_fails(coco_spiffe_check_template(longest, &err), err, COCO_ERR_PROTO, "more than 1024");
    longest[1024] = '\0';
    assert_ok(coco_spiffe_check_template(longest, &err), err);
}

static void
an_id_is_bounded(void **state)
{
    _cleanup_buf_ struct coco_buf template = {.limit = 2048};
    _cleanup_buf_ struct coco_buf id = {.limit = COCO_SPIFFE_ID_MAX};
    coco_error *err = NULL;

    (void)state;
    for (unsigned i = 0; i < 70; i++)
        assert_ok(coco_buf_append_text(&template, "/{evidence}", &err), err);
    assert_fails(make(coco_buf_text(&template), &id, &err), err, COCO_ERR_LIMIT, "");
}

static void
trust_domains_are_plain(void **state)
{
    static const char *const bad[] = {"",    "Example.org", "a b",      "a/b",   "a:1",  "u@a",
                                      "a?b", "a#b",         "\xc3\xa4", "[::1]", "a%2e", "a\n"};
    char longest[257];
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(coco_spiffe_check_domain(bad[i], &err), err, COCO_ERR_PROTO, "trust domain");
    assert_ok(coco_spiffe_check_domain("example.org", &err), err);
    assert_ok(coco_spiffe_check_domain("my_td-1", &err), err);
    memset(longest, 'a', 256);
    longest[256] = '\0';
    assert_fails(coco_spiffe_check_domain(longest, &err), err, COCO_ERR_PROTO, "trust domain");
    longest[255] = '\0';
    assert_ok(coco_spiffe_check_domain(longest, &err), err);
}

static void
making_an_id_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf id = {.limit = COCO_SPIFFE_ID_MAX};
        coco_error *err = NULL;

        coco_status status = make("/ns/{/submods/cpu0/ear.status}/{tee-key}", &id, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_made_of_claims),
        cmocka_unit_test(no_claim_leads_elsewhere),
        cmocka_unit_test(templates_that_make_no_path_are_refused),
        cmocka_unit_test(an_id_is_bounded),
        cmocka_unit_test(trust_domains_are_plain),
        cmocka_unit_test(making_an_id_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
