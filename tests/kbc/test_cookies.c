/*
 * tests/kbc/test_cookies.c - lib/kbc/cookies.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/cookies.h"

#include "tests/canary.h"
#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
assert_sent(const struct coco_cookies *cookies, const char *path, bool secure, const char *want)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 1024};
    coco_error *err = NULL;

    assert_ok(coco_cookies_header(cookies, &(struct coco_cookie_scope){path, secure}, &buf, &err),
              err);
    assert_string_equal(coco_buf_text(&buf), want);
}

/* Each value is set by /kbs/v0/auth in turn; then the cookies for three paths are looked at. */
static void
cookies_go_where_they_belong(void **state)
{
    static const struct {
        const char *values[4];
        const char *attest;
        const char *resource;
        const char *elsewhere; /* "/other" */
    } cases[] = {
        /* As recorded: no Path, so RFC 6265 section 5.1.4's default. */
        {{"kbs-session-id=8af6; Expires=Mon, 23 Nov 2026 21:05:26 GMT"},
         "kbs-session-id=8af6",
         "kbs-session-id=8af6",
         ""},
        {{"a=1; Path=/"}, "a=1", "a=1", "a=1"},
        {{"a=1; path=/kbs"}, "a=1", "a=1", ""},
        {{"a=1; Path=/kbs/v0/"}, "a=1", "a=1", ""},
        {{"a=1; Path=/kbs/v0/attest"}, "a=1", "", ""},
        {{"a=1; Path=/kbs/v"}, "", "", ""},
        {{"a=1; Path=/kbs/v0/attes"}, "", "", ""},
        {{"a=1; Path="}, "a=1", "a=1", ""},
        {{"a=1; Path=kbs"}, "a=1", "a=1", ""},
        {{"a=1; Path=/other; Path=/"}, "a=1", "a=1", "a=1"},
        /* One name and path is one cookie; another path is another. */
        {{"a=1", "a=2"}, "a=2", "a=2", ""},
        {{"a=1", "A=2"}, "a=1; A=2", "a=1; A=2", ""},
        {{"a=1; Path=/", "a=2"}, "a=2; a=1", "a=2; a=1", "a=1"},
        {{"lb=x; Path=/", "id=1"}, "id=1; lb=x", "id=1; lb=x", "lb=x"},
        /* Max-Age of nothing ends it; Expires is not looked at. */
        {{"a=1", "a=1; Max-Age=0"}, "", "", ""},
        {{"a=1", "a=1; max-age=-5"}, "", "", ""},
        {{"a=1", "a=; Max-Age=00"}, "", "", ""},
        {{"a=1; Max-Age=60"}, "a=1", "a=1", ""},
        {{"a=1; Max-Age="}, "a=1", "a=1", ""},
        {{"a=1", "b=2; Max-Age=0"}, "a=1", "a=1", ""},
        {{"a=1; Path=/", "a=; Max-Age=0"}, "a=1", "a=1", "a=1"},
        /* White space and empty attributes. */
        {{" a = 1 ; ; Path = / "}, "a=1", "a=1", "a=1"},
        {{"a=\"1\""}, "a=\"1\"", "a=\"1\"", ""},
        {{"a=1=2=="}, "a=1=2==", "a=1=2==", ""},
        {{"a=;"}, "a=", "a=", ""},
        {{"a=1; HttpOnly; SameSite=Strict; Domain=kbs.test"}, "a=1", "a=1", ""},
        /* What is no cookie. */
        {{""}, "", "", ""},
        {{";"}, "", "", ""},
        {{"a"}, "", "", ""},
        {{"=1"}, "", "", ""},
        {{"a; b=1"}, "", "", ""},
        {{"a=1\t2"}, "", "", ""},
        {{"a=\x7f"}, "", "", ""},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct coco_cookie_scope scope = {"/kbs/v0/auth", false};
        _cleanup_cookies_ struct coco_cookies cookies = {0};

        for (size_t j = 0; j < COUNT(cases[i].values) && cases[i].values[j]; j++)
            assert_ok(coco_cookies_store(&cookies, &scope, cases[i].values[j], &err), err);
        assert_sent(&cookies, "/kbs/v0/attest", false, cases[i].attest);
        assert_sent(&cookies, "/kbs/v0/resource/a/b/c", false, cases[i].resource);
        assert_sent(&cookies, "/other", false, cases[i].elsewhere);
    }
}

static void
a_secure_cookie_needs_tls(void **state)
{
    _cleanup_cookies_ struct coco_cookies cookies = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(
        coco_cookies_store(&cookies, &(struct coco_cookie_scope){"/a", false}, "a=1; SECURE", &err),
        err);
    assert_sent(&cookies, "/a", true, "");
    assert_ok(
        coco_cookies_store(&cookies, &(struct coco_cookie_scope){"/a", true}, "a=1; Secure", &err),
        err);
    assert_sent(&cookies, "/a", true, "a=1");
}

static void
a_path_ends_at_its_query(void **state)
{
    const struct coco_cookie_scope scope = {"/x/y?z=/a/b", false};
    _cleanup_cookies_ struct coco_cookies cookies = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_cookies_store(&cookies, &scope, "a=1", &err), err);
    assert_sent(&cookies, "/x?q", false, "a=1");
    assert_sent(&cookies, "/x", false, "a=1");
    assert_sent(&cookies, "/xy", false, "");
}

static void
cookies_are_bounded(void **state)
{
    const struct coco_cookie_scope scope = {"/", false};
    _cleanup_cookies_ struct coco_cookies cookies = {0};
    _cleanup_buf_ struct coco_buf large = {.limit = COCO_COOKIE_SIZE_MAX + 16};
    coco_error *err = NULL;
    char text[32];

    (void)state;
    for (int i = 0; i < COCO_COOKIES_MAX; i++) {
        (void)snprintf(text, sizeof(text), "c%d=1", i);
        assert_ok(coco_cookies_store(&cookies, &scope, text, &err), err);
    }
    assert_fails(coco_cookies_store(&cookies, &scope, "more=1", &err), err, COCO_ERR_LIMIT,
                 "cookies");
    assert_ok(coco_cookies_store(&cookies, &scope, "c3=2", &err), err);

    assert_ok(coco_cookies_store(&cookies, &scope, "c0=; Max-Age=0", &err), err);
    assert_ok(coco_buf_printf(&large, &err, "a=%0*d", (int)COCO_COOKIE_SIZE_MAX, 0), err);
    assert_fails(coco_cookies_store(&cookies, &scope, coco_buf_text(&large), &err), err,
                 COCO_ERR_LIMIT, "large");
}

static void
a_session_is_wiped(void **state)
{
    static const char session[] = "0123456789abcdef0123456789abcdef";
    const struct coco_cookie_scope scope = {"/", false};
    struct coco_cookies cookies = {0};
    coco_error *err = NULL;
    char text[64];

    (void)state;
    (void)snprintf(text, sizeof(text), "id=%s", session);
    canary_begin(session, strlen(session));
    assert_ok(coco_cookies_store(&cookies, &scope, text, &err), err);
    assert_ok(coco_cookies_store(&cookies, &scope, "id=other", &err), err);
    assert_ok(coco_cookies_store(&cookies, &scope, text, &err), err);
    coco_cookies_done(&cookies);
    assert_int_equal(canary_end(), 0);
}

static void
cookies_survive_any_failed_allocation(void **state)
{
    const struct coco_cookie_scope scope = {"/a/b", false};
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        _cleanup_cookies_ struct coco_cookies cookies = {0};
        _cleanup_buf_ struct coco_buf buf = {.limit = 1024};

        coco_status status = coco_cookies_store(&cookies, &scope, "a=1", &err);
        if (status == COCO_OK)
            status = coco_cookies_store(&cookies, &scope, "b=2; Path=/", &err);
        if (status == COCO_OK)
            status = coco_cookies_header(&cookies, &scope, &buf, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookies_go_where_they_belong),
        cmocka_unit_test(a_secure_cookie_needs_tls),
        cmocka_unit_test(a_path_ends_at_its_query),
        cmocka_unit_test(cookies_are_bounded),
        cmocka_unit_test(a_session_is_wiped),
        cmocka_unit_test(cookies_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
