/*
 * tests/base/test_toml_scalar.c - lib/base/toml_scalar.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/toml.h"

#include "tests/support.h"

#include <stdio.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* Reads text as the value of a key. */
static coco_status
read_value(const char *text, cJSON **ret, coco_error **err)
{
    char document[2048];

    (void)snprintf(document, sizeof(document), "k = %s\n", text);
    return coco_toml_parse(document, strlen(document), ret, err);
}

struct reading {
    const char *text, *want; /* want NULL: as it was written */
};

static void
assert_read(const struct reading *reading, int type)
{
    _cleanup_json_ cJSON *value = NULL;
    coco_error *err = NULL;

    if (read_value(reading->text, &value, &err) != COCO_OK)
        fail_msg("%s: %s", reading->text, coco_error_message(err));
    assert_int_equal(value->child->type, type);
    assert_string_equal(value->child->valuestring, reading->want ? reading->want : reading->text);
}

static void
integers_keep_64_bits(void **state)
{
    static const struct reading cases[] = {
        {"0", NULL},
        {"+0", "0"},
        {"-0", "0"},
        {"+99", "99"},
        {"-17", NULL},
        {"1_000", "1000"},
        {"5_349_221", "5349221"},
        {"1_2_3_4_5", "12345"},
        {"9223372036854775807", NULL},
        {"-9223372036854775808", NULL},
        {"0xDEADBEEF", "3735928559"},
        {"0xdead_beef", "3735928559"},
        {"0x00", "0"},
        {"0x7fffffffffffffff", "9223372036854775807"},
        {"0o01234567", "342391"},
        {"0o777", "511"},
        {"0b11010110", "214"},
        {"0b0_1", "1"},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++)
        assert_read(&cases[i], cJSON_Number);
}

static void
floats_keep_their_text(void **state)
{
    static const struct reading cases[] = {
        {"1.0", NULL},
        {"+1.0", "1.0"},
        {"-0.01", NULL},
        {"-0.0", NULL},
        {"5e+22", NULL},
        {"1e06", NULL},
        {"-2E-2", NULL},
        {"6.626e-34", NULL},
        {"0e0", NULL},
        {"224_617.445_991_228", "224617.445991228"},
        {"1e1_000", "1e1000"},
        {"123e-4567", NULL},
        {"9_0.1e1_0", "90.1e10"},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++)
        assert_read(&cases[i], cJSON_Number);
}

static void
numbers_that_json_lacks_become_strings(void **state)
{
    static const struct reading cases[] = {
        {"inf", NULL}, {"+inf", "inf"}, {"-inf", NULL},
        {"nan", NULL}, {"+nan", "nan"}, {"-nan", "nan"},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++)
        assert_read(&cases[i], cJSON_String);
}

static void
booleans_are_lower_case(void **state)
{
    static const struct {
        const char *text;
        int type;
    } cases[] = {{"true", cJSON_True}, {"false", cJSON_False}};

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_json_ cJSON *value = NULL;
        coco_error *err = NULL;

        assert_ok(read_value(cases[i].text, &value, &err), err);
        assert_int_equal(value->child->type, cases[i].type);
    }
}

static void
dates_and_times_keep_their_text(void **state)
{
    static const struct reading cases[] = {
        {"1979-05-27T07:32:00Z", NULL},
        {"1979-05-27t07:32:00z", NULL},
        {"1979-05-27T00:32:00-07:00", NULL},
        {"1979-05-27T00:32:00.999999+07:59", NULL},
        {"1979-05-27 07:32:00Z", NULL},
        {"1979-05-27T07:32:00", NULL},
        {"1979-05-27 00:32:00.5", NULL},
        {"1979-05-27", NULL},
        {"07:32:00", NULL},
        {"23:59:60", NULL},
        {"00:00:00.000000001", NULL},
        {"2000-02-29", NULL},
        {"2024-02-29", NULL},
        {"0000-01-01", NULL},
        {"9999-12-31T23:59:59.9Z", NULL},
        {"1979-05-27 # a date, then a comment", "1979-05-27"},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++)
        assert_read(&cases[i], cJSON_String);
}

static void
malformed_values_are_refused(void **state)
{
    static const char *const cases[] = {
        /* Integers */
        "01",
        "+01",
        "-01",
        "00",
        "0_0",
        "_1",
        "1_",
        "1__0",
        "+_1",
        "-",
        "+",
        "+-1",
        "--1",
        "- 1",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999",
        "0x",
        "0x_1",
        "0x1_",
        "0_x1",
        "0xg",
        "+0x1",
        "-0x1",
        "0X1",
        "0x8000000000000000",
        "0xffffffffffffffff",
        "0o",
        "0o8",
        "0o_7",
        "0O7",
        "0b",
        "0b2",
        "0b1_",
        "0B1",
        "0x1.0",
        "0b1e1",
        "1a",
        "a",
        "0xffffffffffffffffffffffff",
        /* Floats */
        ".5",
        "5.",
        "5.e1",
        "1.e",
        "1e",
        "1e+",
        "1_.0",
        "1._0",
        "1.0_",
        "1e_1",
        "1e1_",
        "01.0",
        "-01.0",
        "1.2.3",
        "1e2e3",
        "1e1.0",
        "+.5",
        "Inf",
        "INF",
        "NaN",
        "infinity",
        "++inf",
        "inf_",
        "0x1p3",
        "1,0",
        /* Booleans and other words */
        "True",
        "TRUE",
        "tru",
        "truer",
        "true false",
        "null",
        "nil",
        "None",
        "yes",
        "on",
        /* Dates */
        "1979-5-27",
        "1979-05-7",
        "79-05-27",
        "1979-00-01",
        "1979-13-01",
        "1979-01-00",
        "1979-01-32",
        "1979-04-31",
        "1979-02-29",
        "1900-02-29",
        "2100-02-29",
        "1979-05-27T",
        "1979-05-27T07",
        "1979-05-27T07:32",
        "1979-05-27T07:32Z",
        "1979-05-27T07:32:00.",
        "1979-05-27T07:32:00.Z",
        "1979-05-27T24:00:00",
        "1979-05-27T07:60:00",
        "1979-05-27T07:32:61",
        "1979-05-27T07:32:00+24:00",
        "1979-05-27T07:32:00+00:60",
        "1979-05-27T07:32:00+0700",
        "1979-05-27T07:32:00+07",
        "1979-05-27T07:32:00ZZ",
        "1979-05-27T07:32:00 Z",
        "1979-05-27  07:32:00",
        "1979-05-27_07:32:00",
        "1979-05-27Z",
        "10000-01-01",
        "-1979-05-27",
        "1979-05-27T07:32:0x",
        /* Times */
        "7:32:00",
        "07:32",
        "07:32:0",
        "24:00:00",
        "07:60:00",
        "07:32:61",
        "07:32:00.",
        "07:32:00Z",
        "07:32:00+01:00",
        "07.32.00",
        "0732:00",
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        cJSON *value = NULL;
        coco_error *err = NULL;
        coco_status status = read_value(cases[i], &value, &err);

        if (status == COCO_OK)
            fail_msg("accepted: %s", cases[i]);
        assert_null(value);
        assert_fails(status, err, COCO_ERR_PROTO, "line 1");
    }
}

static void
length_is_bounded(void **state)
{
    char text[COCO_JSON_NUMBER_MAX + 2];
    cJSON *value = NULL;
    coco_error *err = NULL;

    (void)state;
    memset(text, '1', sizeof(text) - 1);
    text[1] = '.';
    text[sizeof(text) - 1] = '\0';
    assert_fails(read_value(text, &value, &err), err, COCO_ERR_LIMIT, "characters");
    text[sizeof(text) - 2] = '\0';
    assert_ok(read_value(text, &value, &err), err);
    coco_json_free(value);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_keep_64_bits),
        cmocka_unit_test(floats_keep_their_text),
        cmocka_unit_test(numbers_that_json_lacks_become_strings),
        cmocka_unit_test(booleans_are_lower_case),
        cmocka_unit_test(dates_and_times_keep_their_text),
        cmocka_unit_test(malformed_values_are_refused),
        cmocka_unit_test(length_is_bounded),
    };

    return cmocka_run_group_tests_name("base/toml_scalar", tests, NULL, NULL);
}
