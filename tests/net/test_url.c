/*
 * tests/net/test_url.c - lib/net/url.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/url.h"

#include "tests/faults.h"

#include <stdlib.h>
#include <string.h>

static void
parse_tells_text_origin_and_what_may_be_shown(void **state)
{
    static const struct {
        const char *text, *want, *origin, *shown;
        bool https;
    } cases[] = {
        {"https://a.test/x?sig=s3cret", "https://a.test/x?sig=s3cret", "https://a.test:443",
         "https://a.test/x", true},
        {"http://a.test:8080/x#part", "http://a.test:8080/x", "http://a.test:8080",
         "http://a.test:8080/x", false},
        {"HTTPS://A.Test:443", "https://A.Test:443/", "https://a.test:443", "https://a.test/",
         true},
        {"https://[2001:db8::1]:5000/v2/", "https://[2001:db8::1]:5000/v2/",
         "https://[2001:db8::1]:5000", "https://[2001:db8::1]:5000/v2/", true},
        {"https://a.test/x/../y", "https://a.test/y", "https://a.test:443", "https://a.test/y",
         true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_url_ struct coco_url url = {0};
        coco_error *err = NULL;

        assert_ok(coco_url_parse(cases[i].text, &url, &err), err);
        assert_string_equal(url.text, cases[i].want);
        assert_string_equal(url.origin, cases[i].origin);
        assert_string_equal(url.shown, cases[i].shown);
        assert_int_equal(url.https, cases[i].https);
    }
}

static void
parse_refuses(void **state)
{
    static char endless[COCO_URL_MAX + 2];
    const struct {
        const char *text, *why;
    } cases[] = {
        {"", "not a URL"},
        {"a.test/x", "not a URL"},
        {"//a.test/x", "not a URL"},
        {"file:///etc/passwd", "scheme 'file'"},
        {"gopher://a.test/", "scheme 'gopher'"},
        {"kbs:///a/b/c", "not a URL"},
        {"https://", "not a URL"},
        {"https://user@a.test/", "user and password"},
        {"https://user:pass@a.test/", "user and password"},
        {"https://a.test:99999/", "not a URL"},
        {"https://a.test:x/", "not a URL"},
        {"https://a b/", "not a URL"},
        {"https://a.test/\r\nHost: b.test", "not a URL"},
        {"https://a.test/\x7f", "not a URL"},
        {"https://a.test/\xc3\xa4", "outside of ASCII"},
        {"http://%31/", "ambiguous"},
        {"http://a%u/", "no host"},
        {"http://a~b/", "no host"},
        {"https://\xc3\xa4.test/", "outside of ASCII"},
        {endless, "more than 8192 bytes"},
    };

    (void)state;
    memset(endless, 'a', sizeof(endless) - 1);
    memcpy(endless, "https://", 8);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_url url = {0};
        coco_error *err = NULL;

        assert_fails(coco_url_parse(cases[i].text, &url, &err), err, COCO_ERR_INVALID,
                     cases[i].why);
        assert_null(url.text);
    }
}

static void
resolve_follows_rfc_3986(void **state)
{
    static const struct {
        const char *reference, *want, *origin;
    } cases[] = {
        {"https://b.test/y", "https://b.test/y", "https://b.test:443"},
        {"http://b.test/y", "http://b.test/y", "http://b.test:80"},
        {"//b.test/y", "https://b.test/y", "https://b.test:443"},
        {"/y?z=1", "https://a.test:5000/y?z=1", "https://a.test:5000"},
        {"y", "https://a.test:5000/v2/y", "https://a.test:5000"},
        {"../y", "https://a.test:5000/y", "https://a.test:5000"},
        {"?z=1", "https://a.test:5000/v2/x?z=1", "https://a.test:5000"},
        {"/\xc3\xa4 b", "https://a.test:5000/%c3%a4%20b", "https://a.test:5000"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_url_ struct coco_url base = {0};
        _cleanup_url_ struct coco_url url = {0};
        coco_error *err = NULL;

        assert_ok(coco_url_parse("https://a.test:5000/v2/x?q", &base, &err), err);
        assert_ok(coco_url_resolve(&base, cases[i].reference, &url, &err), err);
        assert_string_equal(url.text, cases[i].want);
        assert_string_equal(url.origin, cases[i].origin);
    }
}

static void
resolve_refuses_what_leads_elsewhere(void **state)
{
    static const struct {
        const char *reference, *why;
    } cases[] = {
        {"file:///etc/passwd", "scheme 'file'"},      {"gopher://a.test/", "scheme 'gopher'"},
        {"//user:pass@b.test/", "user and password"}, {"https://user@b.test/", "user and password"},
        {"https://b.test:0x50/", "not a URL"},        {"//\xef\xbd\x82.test/", "outside of ASCII"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_url_ struct coco_url base = {0};
        struct coco_url url = {0};
        coco_error *err = NULL;

        assert_ok(coco_url_parse("https://a.test/v2/x", &base, &err), err);
        assert_fails(coco_url_resolve(&base, cases[i].reference, &url, &err), err, COCO_ERR_PROTO,
                     cases[i].why);
        assert_null(url.text);
    }
}

/* Each byte becomes three: what is resolved would not be taken as a URL itself. */
static void
resolve_refuses_what_gets_too_long(void **state)
{
    _cleanup_url_ struct coco_url base = {0};
    char reference[COCO_URL_MAX / 2];
    struct coco_url url = {0};
    coco_error *err = NULL;

    (void)state;
    memset(reference, '\xc3', sizeof(reference) - 1);
    reference[sizeof(reference) - 1] = '\0';
    assert_ok(coco_url_parse("https://a.test/", &base, &err), err);
    assert_fails(coco_url_resolve(&base, reference, &url, &err), err, COCO_ERR_PROTO,
                 "more than 8192 bytes");
    assert_null(url.text);
}

static void
resolve_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_url_ struct coco_url base = {0};
        _cleanup_url_ struct coco_url url = {0};
        coco_error *err = NULL;

        coco_status status = coco_url_parse("https://a.test/v2/x", &base, &err);
        if (status == COCO_OK)
            status = coco_url_resolve(&base, "/y", &url, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_tells_text_origin_and_what_may_be_shown),
        cmocka_unit_test(parse_refuses),
        cmocka_unit_test(resolve_follows_rfc_3986),
        cmocka_unit_test(resolve_refuses_what_leads_elsewhere),
        cmocka_unit_test(resolve_refuses_what_gets_too_long),
        cmocka_unit_test(resolve_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("net/url", tests, NULL, NULL);
}
