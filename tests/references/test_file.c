/*
 * tests/references/test_file.c - lib/references/file.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"
#include "references/references.h"

#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

#define FILE_TEXT                                                                                  \
    "[{\"version\":\"0.1.0\",\"name\":\"a\",\"expiration\":\"2027-11-28T12:00:00Z\","              \
    "\"value\":[\"00ff\"]},{\"name\":\"b\",\"expiration\":\"2028-11-28T12:00:00Z\","               \
    "\"value\":{\"x\":[1,true]}}]"

#define MEASURED(values) ("{\"tee\":\"tdx\",\"values\":[" values "]}")

static coco_error *err;

static coco_references *
set_of(const char *text)
{
    coco_references *references = NULL;

    assert_ok(coco_references_parse((const uint8_t *)text, strlen(text), &references, &err), err);
    return references;
}

static void
assert_written(const coco_references *references, const char *form, const char *want)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    assert_ok(coco_references_format(references, form, &bytes, &err), err);
    assert_string_equal((const char *)coco_bytes_data(bytes), want);
}

static void
a_file_is_read_and_written_as_it_was(void **state)
{
    _cleanup_references_ coco_references *r = set_of(FILE_TEXT);
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    (void)state;
    assert_string_equal(coco_references_name(r, 0), "a");
    assert_string_equal(coco_references_value(r, 0), "[\"00ff\"]");
    assert_int_equal(coco_references_expires(r, 0), 1827403200);
    assert_string_equal(coco_references_value(r, 1), "{\"x\":[1,true]}");
    assert_null(coco_references_name(r, 2));
    assert_ok(coco_references_format(r, "json", &bytes, &err), err);
    _cleanup_references_ coco_references *again = set_of((const char *)coco_bytes_data(bytes));
    _cleanup_(coco_bytes_freep) coco_bytes *difference = NULL;
    assert_ok(coco_references_diff(r, again, &difference, &err), err);
    assert_string_equal((const char *)coco_bytes_data(difference), "[]");
    assert_contains((const char *)coco_bytes_data(bytes),
                    "\"expiration\": \"2027-11-28T12:00:00Z\"");
}

static void
other_forms_are_read_and_written(void **state)
{
    _cleanup_references_ coco_references *r = set_of("{\"a\":[\"00ff\"],\"b\":7}");

    (void)state;
    assert_int_equal(coco_references_expires(r, 0), 0);
    assert_written(r, "values", "{\n  \"a\": [\n    \"00ff\"\n  ],\n  \"b\": 7\n}");
    assert_written(r, "rvps",
                   "{\"version\":\"0.1.0\",\"type\":\"sample\","
                   "\"payload\":\"eyJhIjpbIjAwZmYiXSwiYiI6N30=\"}");
    _cleanup_references_ coco_references *message =
        set_of("{\"version\":\"0.1.0\",\"type\":\"sample\","
               "\"payload\":\"eyJhIjpbIjAwZmYiXSwiYiI6N30=\"}");
    assert_string_equal(coco_references_value(message, 0), "[\"00ff\"]");
    assert_string_equal(coco_references_value(message, 1), "7");
    /* With ends, which Trustee overlooks. */
    static const char with_ends[] =
        "{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"eyJhIjpbIjAwZmYiXSwiYiI6N30=\","
        "\"expirations\":{\"b\":\"2027-11-28T12:00:00Z\"}}";
    _cleanup_references_ coco_references *ending = set_of(with_ends);
    assert_int_equal(coco_references_expires(ending, 0), 0);
    assert_int_equal(coco_references_expires(ending, 1), 1827403200);
    assert_written(ending, "rvps", with_ends);
    /* "coco measure --json" */
    _cleanup_references_ coco_references *measured = set_of(
        "{\"tee\":\"tdx\",\"values\":["
        "{\"name\":\"a\",\"claim\":\"c\",\"value\":\"00ff\",\"note\":\"n\",\"single\":false},"
        "{\"name\":\"b\",\"claim\":null,\"value\":null,\"note\":\"n\",\"single\":false},"
        "{\"name\":\"c\",\"claim\":null,\"value\":\"00\",\"note\":\"n\",\"single\":true}]}");
    assert_string_equal(coco_references_value(measured, 0), "[\"00ff\"]");
    assert_string_equal(coco_references_name(measured, 1), "c");
    assert_string_equal(coco_references_value(measured, 1), "\"00\"");
    assert_null(coco_references_name(measured, 2));
    /* Names of values may be these, too, if it is not all of that. */
    _cleanup_references_ coco_references *named = set_of("{\"tee\":1,\"values\":2}");
    assert_string_equal(coco_references_name(named, 1), "values");
}

static void
what_is_no_file_of_values_is_refused(void **state)
{
#define ENTRY(members) "[{" members "}]"
#define TIME "\"expiration\":\"2027-11-28T12:00:00Z\""
    static const char *const cases[] = {
        "",
        "x",
        "7",
        "\"a\"",
        "null",
        "[1]",
        "[[]]",
        "[{}]",
        "{\"a\":null}",
        "{\"\":1}",
        "{\"a\":1} x",
        ENTRY("\"name\":\"a\"," TIME),
        ENTRY("\"name\":\"a\",\"value\":1"),
        ENTRY(TIME ",\"value\":1"),
        ENTRY("\"name\":\"\"," TIME ",\"value\":1"),
        ENTRY("\"name\":1," TIME ",\"value\":1"),
        ENTRY("\"name\":\"a\"," TIME ",\"value\":null"),
        ENTRY("\"name\":\"a\",\"expiration\":\"never\",\"value\":1"),
        ENTRY("\"name\":\"a\",\"expiration\":1827403200,\"value\":1"),
        ENTRY("\"name\":\"a\"," TIME ",\"value\":1,\"claim\":\"x\""),
        ENTRY("\"version\":\"0.2.0\",\"name\":\"a\"," TIME ",\"value\":1"),
        "[{\"name\":\"a\"," TIME ",\"value\":1},{\"name\":\"a\"," TIME ",\"value\":1}]",
        "{\"version\":\"0.1.0\",\"type\":\"swid\",\"payload\":\"e30=\"}",
        "{\"version\":\"0.2.0\",\"type\":\"sample\",\"payload\":\"e30=\"}",
        "{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"e30\"}",
        "{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"W10=\"}",
        "{\"version\":\"0.1.0\",\"type\":\"corim\",\"payload\":\"e30=\"}",
        "{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":7}",
        "{\"tee\":\"tdx\",\"values\":{}}",
        "{\"tee\":\"tdx\",\"values\":[1]}",
        "{\"tee\":\"tdx\",\"values\":[{\"value\":\"00\"}]}",
        "{\"tee\":\"tdx\",\"values\":[{\"name\":\"a\",\"value\":1}]}",
        MEASURED("{\"name\":\"a\",\"value\":\"0\",\"single\":true},"
                 "{\"name\":\"a\",\"value\":\"1\",\"single\":false}"),
        "\xff",
        "\xd9\x01\xf5",
        "\xd2\x84",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_references_ coco_references *references = NULL;

        coco_status status =
            coco_references_parse((const uint8_t *)cases[i], strlen(cases[i]), &references, &err);
        if (status != COCO_ERR_PROTO && status != COCO_ERR_NOTSUP && status != COCO_ERR_INVALID)
            fail_msg("case %zu gives %s", i, coco_status_name(status));
        assert_null(references);
        assert_contains(coco_error_message(err), "reference values");
        coco_error_free(err);
        err = NULL;
    }
}

static void
sizes_are_bounded(void **state)
{
    _cleanup_references_ coco_references *references = NULL;
    _cleanup_references_ coco_references *many = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_free_ char *value = malloc(60002);
    char name[8];

    (void)state;
    assert_fails(coco_references_parse((const uint8_t *)"x", COCO_REFERENCES_FILE_MAX + 1,
                                       &references, &err),
                 err, COCO_ERR_LIMIT, "1048577 bytes");
    assert_non_null(value);
    memset(value, '1', 60000);
    value[0] = value[59999] = '"';
    value[60000] = '\0';
    assert_ok(coco_references_new(&many, &err), err);
    for (int i = 0; i < 18; i++) {
        (void)snprintf(name, sizeof(name), "v%d", i);
        assert_ok(coco_references_add(many, name, value, 0, false, &err), err);
    }
    assert_fails(coco_references_format(many, "values", &bytes, &err), err, COCO_ERR_LIMIT, "");
    assert_fails(coco_references_format(many, "corim", &bytes, &err), err, COCO_ERR_LIMIT, "");
}

static void
what_cannot_be_written_is_refused(void **state)
{
    _cleanup_references_ coco_references *endless = set_of("{\"a\":1}");
    _cleanup_references_ coco_references *none = set_of("{}");
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    (void)state;
    assert_fails(coco_references_format(endless, "json", &bytes, &err), err, COCO_ERR_INVALID,
                 "'a': nobody said when it ends");
    assert_fails(coco_references_format(endless, "xml", &bytes, &err), err, COCO_ERR_NOTSUP,
                 "'xml'");
    assert_fails(coco_references_format(none, "corim", &bytes, &err), err, COCO_ERR_INVALID,
                 "no reference values");
    assert_written(none, "json", "[]\n");
    /* Such names are read as a message, so there may be no such object of values. */
    _cleanup_references_ coco_references *message = set_of("{\"version\":1,\"type\":2}");
    assert_ok(coco_references_add(message, "payload", "3", 0, false, &err), err);
    assert_fails(coco_references_format(message, "values", &bytes, &err), err, COCO_ERR_INVALID,
                 "names of another form");
}

static void
a_failed_allocation_is_reported(void **state)
{
    static const char *const texts[] = {
        FILE_TEXT,
        "{\"a\":[\"00ff\"],\"b\":7}",
        "{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"eyJhIjpbIjAwZmYiXSwiYiI6N30=\"}",
        MEASURED("{\"name\":\"a\",\"value\":\"00\"},"
                 "{\"name\":\"b\",\"value\":\"00\",\"single\":true}"),
    };
    static const char *const forms[] = {"json", "values", "rvps", "corim"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        _cleanup_references_ coco_references *whole = set_of(FILE_TEXT);

        for_each_fault()
        {
            _cleanup_references_ coco_references *references = NULL;
            _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
            coco_error *failure = NULL;

            coco_status status = coco_references_parse((const uint8_t *)texts[i], strlen(texts[i]),
                                                       &references, &failure);
            if (status == COCO_OK)
                status = coco_references_format(whole, forms[i], &bytes, &failure);
            fault_expect(status, failure);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_and_written_as_it_was),
        cmocka_unit_test(other_forms_are_read_and_written),
        cmocka_unit_test(what_is_no_file_of_values_is_refused),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(what_cannot_be_written_is_refused),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
