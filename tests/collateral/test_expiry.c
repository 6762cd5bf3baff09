/*
 * tests/collateral/test_expiry.c - lib/collateral/expiry.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/expiry.h"

#include "tests/collateral/kit.h"
#include "tests/faults.h"

static struct pki_cert ca;
static struct pki_cert leaf;
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    pki_make_ca(&ca, NULL, "CA");
    pki_make(&leaf, &ca, "leaf.test", 10);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    pki_done(&ca);
    pki_done(&leaf);
    return 0;
}

/* Made a moment ago, to end so many days from then. */
static void
assert_days(int64_t time_of_end, int64_t days)
{
    int64_t want = (int64_t)time(NULL) + days * KIT_DAY;

    assert_in_range(time_of_end, want - 120, want);
}

static void
each_kind_says_when_it_ends(void **state)
{
    uint8_t der[4096];
    char text[8192];
    int64_t end = 0;

    (void)state;
    size_t len = kit_crl(&ca, 5, der, sizeof(der));
    assert_ok(coco_collateral_expiry("intel/root-ca.crl", der, len, &end, &err), err);
    assert_days(end, 5);
    len = kit_der(&leaf, der, sizeof(der));
    assert_ok(coco_collateral_expiry("a/b.der", der, len, &end, &err), err);
    assert_days(end, 10);
    kit_chain(&leaf, &ca, text, sizeof(text));
    assert_ok(coco_collateral_expiry("a/chain.pem", text, strlen(text), &end, &err), err);
    assert_days(end, 10);
    kit_answer("tcbInfo", 1790000000, "", text, sizeof(text));
    assert_ok(coco_collateral_expiry("a/x.json", text, strlen(text), &end, &err), err);
    assert_int_equal(end, 1790000000);
    kit_answer("enclaveIdentity", 951782400, "", text, sizeof(text)); /* 2000-02-29 */
    assert_ok(coco_collateral_expiry("a/x.json", text, strlen(text), &end, &err), err);
    assert_int_equal(end, 951782400);
    assert_ok(coco_collateral_expiry("amd/Rome/ask_ark.cert", "x", 1, &end, &err), err);
    assert_int_equal(end, 0);
}

static void
what_is_something_else_is_refused(void **state)
{
    static const char next[] = "{\"tcbInfo\":{\"nextUpdate\":\"";
    static const struct {
        const char *name, *text;
    } cases[] = {
        {"a.crl", ""},
        {"a.crl", "x"},
        {"a.der", ""},
        {"a.der", "{}"},
        {"a.pem", ""},
        {"a.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
        {"a.cert", ""},
        {"a.txt", "x"},
        {"a", "x"},
        {"a.json", ""},
        {"a.json", "[]"},
        {"a.json", "{}"},
        {"a.json", "{\"tcbInfo\":1}"},
        {"a.json", "{\"tcbInfo\":{}}"},
        {"a.json", "{\"enclaveIdentity\":{\"nextUpdate\":1}}"},
    };
    static const char *const dates[] = {
        "",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+",
        "2026-01-01t00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "-026-01-01T00:00:00Z",
        "2026-01-01T00:00:0 Z",
        "2026-01-01T00:00:00Z ",
    };
    int64_t end = 77;
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_fails(
            coco_collateral_expiry(cases[i].name, cases[i].text, strlen(cases[i].text), &end, &err),
            err, COCO_ERR_PROTO, "");
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        (void)snprintf(text, sizeof(text), "%s%s\"}}", next, dates[i]);
        assert_fails(coco_collateral_expiry("a.json", text, strlen(text), &end, &err), err,
                     COCO_ERR_PROTO, "no date");
    }
    assert_int_equal(end, 77);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    char text[256];
    int64_t end = 0;

    (void)state;
    kit_answer("tcbInfo", 1790000000, "", text, sizeof(text));
    for_each_fault()
    {
        coco_status status = coco_collateral_expiry("a.json", text, strlen(text), &end, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_says_when_it_ends),
        cmocka_unit_test(what_is_something_else_is_refused),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
