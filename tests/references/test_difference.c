/*
 * tests/references/test_difference.c - lib/references/difference.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"
#include "references/references.h"

#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

static coco_error *err;

static coco_references *
set_of(const char *text)
{
    coco_references *references = NULL;

    assert_ok(coco_references_parse((const uint8_t *)text, strlen(text), &references, &err), err);
    return references;
}

static void
sets_differ_by_name(void **state)
{
    _cleanup_references_ coco_references *before = set_of("{\"d\":1,\"a\":[1],\"b\":{\"x\":1}}");
    _cleanup_references_ coco_references *after = set_of("{\"b\":{\"x\":2},\"c\":1,\"d\":1}");
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *none = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *end = NULL;

    (void)state;
    assert_ok(coco_references_diff(before, after, &bytes, &err), err);
    assert_string_equal((const char *)coco_bytes_data(bytes),
                        "[{\"name\":\"a\",\"change\":\"removed\"},"
                        "{\"name\":\"b\",\"change\":\"changed\",\"before\":{\"x\":1},"
                        "\"after\":{\"x\":2}},{\"name\":\"c\",\"change\":\"added\"}]");
    assert_ok(coco_references_diff(after, after, &none, &err), err);
    assert_string_equal((const char *)coco_bytes_data(none), "[]");
    coco_references_find(before, "d")->expires = 1000;
    assert_ok(coco_references_remove(before, "a", &err), err);
    assert_ok(coco_references_remove(before, "b", &err), err);
    assert_ok(coco_references_remove(after, "b", &err), err);
    assert_ok(coco_references_remove(after, "c", &err), err);
    assert_ok(coco_references_diff(before, after, &end, &err), err);
    assert_string_equal((const char *)coco_bytes_data(end),
                        "[{\"name\":\"d\",\"change\":\"expires\","
                        "\"before\":\"1970-01-01T00:16:40Z\",\"after\":null}]");
}

static void
assert_compared(const char *values, const char *tee, const char *claims, const char *want)
{
    _cleanup_references_ coco_references *references = set_of(values);
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    assert_ok(coco_references_compare(references, tee, claims, &bytes, &err), err);
    assert_string_equal((const char *)coco_bytes_data(bytes), want);
}

static void
values_are_compared_with_the_claims_of_their_names(void **state)
{
    (void)state;
    assert_compared(
        "{\"mr_td\":[\"00\",\"11\"],\"rtmr_1\":[\"22\"],\"tdx.x\":7,\"snp_bootloader\":[1]}", "tdx",
        "{\"quote\":{\"body\":{\"mr_td\":\"11\",\"rtmr_1\":\"33\",\"rtmr_2\":\"44\"}}}",
        "[{\"name\":\"mr_td\",\"claim\":\"quote.body.mr_td\",\"state\":\"same\","
        "\"expected\":[\"00\",\"11\"],\"got\":\"11\"},"
        "{\"name\":\"rtmr_1\",\"claim\":\"quote.body.rtmr_1\",\"state\":\"differs\","
        "\"expected\":[\"22\"],\"got\":\"33\"},"
        "{\"name\":\"tdx.x\",\"claim\":\"tdx.x\",\"state\":\"no-claim\",\"expected\":7,"
        "\"got\":null},"
        "{\"name\":\"rtmr_2\",\"claim\":\"quote.body.rtmr_2\",\"state\":\"no-value\","
        "\"expected\":null,\"got\":\"44\"}]");
    /* Names of the owner's own are those of claims. */
    assert_compared("{\"quote.body.mr_td\":\"11\"}", "other",
                    "{\"quote\":{\"body\":{\"mr_td\":\"11\"}}}",
                    "[{\"name\":\"quote.body.mr_td\",\"claim\":\"quote.body.mr_td\","
                    "\"state\":\"same\",\"expected\":\"11\",\"got\":\"11\"}]");
}

static void
a_version_may_be_more_than_the_least(void **state)
{
    static const char *const versions[] = {"3", "4", "5"};
    char claims[64];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        _cleanup_references_ coco_references *references =
            set_of("{\"minimum_minor_version\":4,\"launch_digest\":[]}");
        _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

        (void)snprintf(claims, sizeof(claims), "{\"platform_version\":{\"minor\":%s}}",
                       versions[i]);
        assert_ok(coco_references_compare(references, "sample", claims, &bytes, &err), err);
        assert_contains((const char *)coco_bytes_data(bytes),
                        i == 0 ? "\"state\":\"differs\"" : "\"state\":\"same\"");
    }
}

static void
digests_of_events_are_looked_for_in_the_log(void **state)
{
#define LOG                                                                                        \
    "{\"uefi_event_logs\":[{\"type_name\":\"EV_EVENT_TAG\",\"digests\":[{\"alg\":\"SHA-384\","     \
    "\"digest\":\"aa\"}]},{\"type_name\":\"EV_EFI_BOOT_SERVICES_APPLICATION\","                    \
    "\"digests\":[{\"digest\":\"bb\"}]},{\"digests\":7},{\"type_name\":7}]}"

    (void)state;
    assert_compared("{\"tdvfkernel\":\"bb\",\"tdvfkernelparams\":\"bb\"}", "tdx", LOG,
                    "[{\"name\":\"tdvfkernel\",\"claim\":\"uefi_event_logs\",\"state\":\"same\","
                    "\"expected\":\"bb\",\"got\":null},"
                    "{\"name\":\"tdvfkernelparams\",\"claim\":\"uefi_event_logs\","
                    "\"state\":\"differs\",\"expected\":\"bb\",\"got\":null}]");
}

static void
claims_that_are_none_are_refused(void **state)
{
    static const char *const cases[] = {"", "[]", "7", "{\"a\":1,\"a\":2}", "{} {}"};
    _cleanup_references_ coco_references *references = set_of("{\"a\":1}");
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_fails(coco_references_compare(references, "tdx", cases[i], &bytes, &err), err,
                     COCO_ERR_PROTO, "claims");
    /* A name as deep as nobody writes leads nowhere. */
    assert_compared("{\"a.a.a.a.a.a.a.a.a.a.a.a\":1}", "tdx", "{\"a\":{\"a\":1}}",
                    "[{\"name\":\"a.a.a.a.a.a.a.a.a.a.a.a\",\"claim\":\"a.a.a.a.a.a.a.a.a.a.a.a\","
                    "\"state\":\"no-claim\",\"expected\":1,\"got\":null}]");
}

static void
a_failed_allocation_is_reported(void **state)
{
    _cleanup_references_ coco_references *a = set_of("{\"mr_td\":[\"00\"],\"x\":1}");
    _cleanup_references_ coco_references *b = set_of("{\"mr_td\":[\"11\"],\"y\":1}");

    (void)state;
    for_each_fault()
    {
        _cleanup_(coco_bytes_freep) coco_bytes *difference = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *compared = NULL;
        coco_error *failure = NULL;

        coco_status status = coco_references_diff(a, b, &difference, &failure);
        if (status == COCO_OK)
            status = coco_references_compare(a, "tdx", "{\"quote\":{\"body\":{\"mr_td\":\"00\"}}}",
                                             &compared, &failure);
        fault_expect(status, failure);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_differ_by_name),
        cmocka_unit_test(values_are_compared_with_the_claims_of_their_names),
        cmocka_unit_test(a_version_may_be_more_than_the_least),
        cmocka_unit_test(digests_of_events_are_looked_for_in_the_log),
        cmocka_unit_test(claims_that_are_none_are_refused),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
