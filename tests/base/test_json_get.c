/*
 * tests/base/test_json_get.c - lib/base/json_get.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/json.h"

#include "tests/faults.h"

#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static cJSON *
parse(const char *text)
{
    cJSON *value = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_parse(text, strlen(text), &value, &err), err);
    return value;
}

static int
setup(void **state)
{
    *state = parse("{\"s\":\"text\",\"S2\":\"\",\"o\":{\"x\":1},\"a\":[1],\"n\":42,\"f\":1.5,"
                   "\"big\":18446744073709551615,\"t\":true,\"no\":false,\"null\":null}");
    return 0;
}

static int
teardown(void **state)
{
    coco_json_free(*state);
    return 0;
}

static void
getters_lend_members(void **state)
{
    const cJSON *object = *state;
    const char *text = NULL;
    const cJSON *item = NULL;
    uint64_t number = 0;
    bool flag = false;
    coco_error *err = NULL;

    assert_ok(coco_json_get_string(object, "s", &text, &err), err);
    assert_string_equal(text, "text");
    assert_ok(coco_json_get_string_opt(object, "S2", &text, &err), err);
    assert_string_equal(text, "");
    assert_ok(coco_json_get_object(object, "o", &item, &err), err);
    assert_true(cJSON_IsObject(item));
    assert_ok(coco_json_get_object_opt(object, "o", &item, &err), err);
    assert_string_equal(item->string, "o");
    assert_ok(coco_json_get_array(object, "a", &item, &err), err);
    assert_ok(coco_json_get_array_opt(object, "a", &item, &err), err);
    assert_string_equal(item->string, "a");
    assert_ok(coco_json_get_list(object, "null", &item, &err), err);
    assert_int_equal(cJSON_GetArraySize(item), 0);
    assert_ok(coco_json_get_list(object, "a", &item, &err), err);
    assert_string_equal(item->string, "a");
    assert_ok(coco_json_get_u64(object, "n", &number, &err), err);
    assert_int_equal(number, 42);
    assert_ok(coco_json_get_u64_opt(object, "big", 1, &number, &err), err);
    assert_true(number == UINT64_MAX);
    assert_ok(coco_json_get_bool_opt(object, "t", false, &flag, &err), err);
    assert_true(flag);
    assert_ok(coco_json_get_bool_opt(object, "no", true, &flag, &err), err);
    assert_false(flag);
    assert_ok(coco_json_get_any(object, "null", &item, &err), err);
    assert_true(cJSON_IsNull(item));
}

static void
optional_getters_fall_back_for_missing_and_null(void **state)
{
    static const char *const names[] = {"missing", "null", "N", "T", "A"};
    const cJSON *object = *state;

    for (size_t i = 0; i < N(names); i++) {
        const char *text = "old";
        const cJSON *item = object;
        uint64_t number = 0;
        bool flag = false;
        coco_error *err = NULL;

        assert_ok(coco_json_get_string_opt(object, names[i], &text, &err), err);
        assert_null(text);
        assert_ok(coco_json_get_object_opt(object, names[i], &item, &err), err);
        assert_null(item);
        item = object;
        assert_ok(coco_json_get_array_opt(object, names[i], &item, &err), err);
        assert_null(item);
        assert_ok(coco_json_get_u64_opt(object, names[i], 7, &number, &err), err);
        assert_int_equal(number, 7);
        assert_ok(coco_json_get_bool_opt(object, names[i], true, &flag, &err), err);
        assert_true(flag);
    }
}

static void
getters_refuse_missing_members(void **state)
{
    static const char *const names[] = {"missing", "S", "N", "O", ""};
    const cJSON *object = *state;
    const char *text = NULL;
    const cJSON *item = NULL;
    uint64_t number = 0;
    coco_error *err = NULL;

    for (size_t i = 0; i < N(names); i++) {
        assert_fails(coco_json_get_string(object, names[i], &text, &err), err, COCO_ERR_PROTO,
                     "is missing");
        assert_fails(coco_json_get_object(object, names[i], &item, &err), err, COCO_ERR_PROTO,
                     "is missing");
        assert_fails(coco_json_get_array(object, names[i], &item, &err), err, COCO_ERR_PROTO,
                     "is missing");
        assert_fails(coco_json_get_list(object, names[i], &item, &err), err, COCO_ERR_PROTO,
                     "is missing");
        assert_fails(coco_json_get_u64(object, names[i], &number, &err), err, COCO_ERR_PROTO,
                     "is missing");
        assert_fails(coco_json_get_any(object, names[i], &item, &err), err, COCO_ERR_PROTO,
                     "is missing");
    }
    assert_fails(coco_json_get_string(object, "null", &text, &err), err, COCO_ERR_PROTO,
                 "member 'null' is missing");
    assert_fails(coco_json_get_string(NULL, "s", &text, &err), err, COCO_ERR_PROTO, "is missing");
    assert_null(text);
    assert_null(item);
}

static void
getters_refuse_other_types(void **state)
{
    static const char *const names[] = {"s", "o", "a", "n", "t"};
    const cJSON *object = *state;
    const char *text = NULL;
    const cJSON *item = NULL;
    uint64_t number = 5;
    bool flag = false;
    coco_error *err = NULL;

    for (size_t i = 0; i < N(names); i++) {
        const char *name = names[i];

        if (*name != 's') {
            assert_fails(coco_json_get_string(object, name, &text, &err), err, COCO_ERR_PROTO,
                         "is not a string");
            assert_fails(coco_json_get_string_opt(object, name, &text, &err), err, COCO_ERR_PROTO,
                         "is not a string");
        }
        if (*name != 'o') {
            assert_fails(coco_json_get_object(object, name, &item, &err), err, COCO_ERR_PROTO,
                         "is not an object");
            assert_fails(coco_json_get_object_opt(object, name, &item, &err), err, COCO_ERR_PROTO,
                         "is not an object");
        }
        if (*name != 'a') {
            assert_fails(coco_json_get_array(object, name, &item, &err), err, COCO_ERR_PROTO,
                         "is not an array");
            assert_fails(coco_json_get_array_opt(object, name, &item, &err), err, COCO_ERR_PROTO,
                         "is not an array");
            assert_fails(coco_json_get_list(object, name, &item, &err), err, COCO_ERR_PROTO,
                         "is not an array");
        }
        if (*name != 'n') {
            assert_fails(coco_json_get_u64(object, name, &number, &err), err, COCO_ERR_PROTO,
                         "is not a number");
            assert_fails(coco_json_get_u64_opt(object, name, 1, &number, &err), err, COCO_ERR_PROTO,
                         "is not a number");
        }
        if (*name != 't')
            assert_fails(coco_json_get_bool_opt(object, name, true, &flag, &err), err,
                         COCO_ERR_PROTO, "is not true or false");
    }
    assert_fails(coco_json_get_u64(object, "f", &number, &err), err, COCO_ERR_PROTO,
                 "member 'f': '1.5' is not an integer");
    assert_null(text);
    assert_null(item);
    assert_int_equal(number, 5);
}

static void
u64_takes_what_fits(void **state)
{
    static const struct {
        const char *text;
        bool fits;
        uint64_t want;
    } cases[] = {
        {"0", true, 0},
        {"9007199254740993", true, 9007199254740993},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999", false, 0},
        {"-1", false, 0},
        {"-0", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"\"1\"", false, 0},
        {"null", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_json_ cJSON *value = parse(cases[i].text);
        uint64_t got = 0;
        coco_error *err = NULL;

        if (cases[i].fits) {
            assert_ok(coco_json_u64(value, &got, &err), err);
            assert_true(got == cases[i].want);
        } else {
            assert_fails(coco_json_u64(value, &got, &err), err, COCO_ERR_PROTO,
                         "is not an integer");
        }
    }
}

struct i64_case {
    const char *text;
    bool fits;
    int64_t want;
};

static void
assert_numbers(coco_status (*take)(const cJSON *number, int64_t *ret, coco_error **err),
               const struct i64_case *cases, size_t n, const char *why)
{
    for (size_t i = 0; i < n; i++) {
        _cleanup_json_ cJSON *value = parse(cases[i].text);
        int64_t got = 0;
        coco_error *err = NULL;

        if (cases[i].fits) {
            assert_ok(take(value, &got, &err), err);
            assert_true(got == cases[i].want);
        } else {
            assert_fails(take(value, &got, &err), err, COCO_ERR_PROTO, why);
        }
    }
}

static void
i64_takes_what_fits(void **state)
{
    static const struct i64_case cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"-17", true, -17},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"18446744073709551615", false, 0},
        {"1.0", false, 0},
        {"-1e3", false, 0},
        {"\"-1\"", false, 0},
    };

    (void)state;
    assert_numbers(coco_json_i64, cases, N(cases), "is not an integer");
}

static void
seconds_may_have_a_fraction(void **state)
{
    static const struct i64_case cases[] = {
        {"0", true, 0},
        {"1795930505.737298", true, 1795930505},
        {"-1.9", true, -1},
        {"9223372036854775807.9", true, INT64_MAX},
        {"-9223372036854775808.9", true, INT64_MIN},
        {"9223372036854775808.0", false, 0},
        {"123456789012345678901234567890.5", false, 0},
        {"1e9", false, 0},
        {"1.5E3", false, 0},
        {"\"1\"", false, 0},
    };

    (void)state;
    assert_numbers(coco_json_seconds, cases, N(cases), "seconds");
}

static void
check_members_names_what_is_near(void **state)
{
    static const char *const known[] = {"kbs_url", "socket", "x", NULL};
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"{\"kbs_url\":1,\"soket\":2}", "unknown member 'soket', did you mean 'socket'?"},
        {"{\"Kbs_url\":1}", "did you mean 'kbs_url'?"},
        {"{\"sockets\":1}", "did you mean 'socket'?"},
        {"{\"skocet\":1}", "did you mean 'socket'?"},
        {"{\"y\":1}", "unknown member 'y'"},
        {"{\"\":1}", "unknown member ''"},
        {"{\"something else\":1}", "unknown member 'something else'"},
        {"[]", "not an object"},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_json_ cJSON *value = parse(cases[i].text);

        assert_fails(coco_json_check_members(value, known, &err), err, COCO_ERR_PROTO,
                     cases[i].why);
    }

    _cleanup_json_ cJSON *fine = parse("{\"x\":1,\"kbs_url\":{}}");
    assert_ok(coco_json_check_members(fine, known, &err), err);
    _cleanup_json_ cJSON *far = parse("{\"y\":1}");
    assert_int_equal(coco_json_check_members(far, known, &err), COCO_ERR_PROTO);
    assert_null(strstr(coco_error_message(err), "mean"));
    coco_error_free(err);
}

static void
check_members_bounds_what_it_compares(void **state)
{
    static const char *const known[] = {"a", NULL};
    char text[512];
    coco_error *err = NULL;

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, "{\"", 2);
    memcpy(text + sizeof(text) - 5, "\":1}", 5);
    _cleanup_json_ cJSON *value = parse(text);
    assert_fails(coco_json_check_members(value, known, &err), err, COCO_ERR_PROTO,
                 "unknown member 'xxx");
}

static void
equal_looks_at_everything(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"1", "1", true},
        {"9007199254740992", "9007199254740993", false},
        {"1", "1.0", false},
        {"1", "\"1\"", false},
        {"true", "true", true},
        {"true", "false", false},
        {"null", "null", true},
        {"null", "false", false},
        {"\"a\"", "\"A\"", false},
        {"[1,2]", "[1,2]", true},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,2]", false},
        {"[1,2]", "[1]", false},
        {"[]", "{}", false},
        {"{\"a\":1,\"b\":[]}", "{\"b\":[],\"a\":1}", true},
        {"{\"a\":1}", "{\"A\":1}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":2}}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *a = parse(cases[i].a);
        _cleanup_json_ cJSON *b = parse(cases[i].b);

        if (coco_json_equal(a, b) != cases[i].equal || coco_json_equal(b, a) != cases[i].equal)
            fail_msg("case %zu", i);
    }
    assert_false(coco_json_equal(NULL, NULL));
}

static void
base64_is_of_exactly_so_many_bytes(void **state)
{
    static const char text[] = "{\"a\":\"AAEC\",\"b\":\"AAE\",\"c\":1,\"d\":\"\"}";
    _cleanup_json_ cJSON *object = NULL;
    uint8_t bytes[4] = {9, 9, 9, 9};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_json_parse_object(text, strlen(text), &object, &err), err);
    assert_ok(coco_json_get_base64(object, "a", bytes, 3, &err), err);
    assert_memory_equal(bytes, "\0\1\2\t", 4);
    assert_ok(coco_json_get_base64(object, "d", bytes, 0, &err), err);
    assert_fails(coco_json_get_base64(object, "a", bytes, 4, &err), err, COCO_ERR_PROTO,
                 "member 'a' has 3 bytes, not 4");
    assert_fails(coco_json_get_base64(object, "b", bytes, 2, &err), err, COCO_ERR_PROTO, "'b'");
    assert_fails(coco_json_get_base64(object, "c", bytes, 2, &err), err, COCO_ERR_PROTO, "'c'");
    assert_fails(coco_json_get_base64(object, "e", bytes, 2, &err), err, COCO_ERR_PROTO, "'e'");
}

static void
a_pointer_leads_to_a_member(void **state)
{
    static const struct {
        const char *pointer;
        const char *found; /* its text, or NULL */
    } cases[] = {
        {"", "{}"},         {"/a", "{}"},      {"/a/b", "deep"},    {"/a~1b", "slash"},
        {"/a~0b", "tilde"}, {"/a~01", "both"}, {"/", "empty"},      {"/a/", NULL},
        {"a", NULL},        {"/A", NULL},      {"/a/b/c", NULL},    {"/l/0", NULL},
        {"/none", NULL},    {"//", NULL},      {"/a~2", "strange"},
    };
    static const char text[] = "{\"a\":{\"b\":\"deep\"},\"a/b\":\"slash\",\"a~b\":\"tilde\",\"\":"
                               "\"empty\",\"a~1\":\"both\",\"l\":[\"x\"],\"a~2\":\"strange\"}";
    _cleanup_json_ cJSON *value = parse(text);
    char longest[300] = "/";

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        const cJSON *found = coco_json_at(value, cases[i].pointer);

        if (!cases[i].found)
            assert_null(found);
        else if (strcmp(cases[i].found, "{}") == 0)
            assert_true(cJSON_IsObject(found));
        else
            assert_string_equal(found ? found->valuestring : "nothing", cases[i].found);
    }
    memset(longest + 1, 'a', sizeof(longest) - 2);
    assert_null(coco_json_at(value, longest));
    assert_null(coco_json_at(NULL, "/a"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_is_of_exactly_so_many_bytes),
        cmocka_unit_test(a_pointer_leads_to_a_member),
        cmocka_unit_test_setup_teardown(getters_lend_members, setup, teardown),
        cmocka_unit_test_setup_teardown(optional_getters_fall_back_for_missing_and_null, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(getters_refuse_missing_members, setup, teardown),
        cmocka_unit_test_setup_teardown(getters_refuse_other_types, setup, teardown),
        cmocka_unit_test(u64_takes_what_fits),
        cmocka_unit_test(i64_takes_what_fits),
        cmocka_unit_test(seconds_may_have_a_fraction),
        cmocka_unit_test(check_members_names_what_is_near),
        cmocka_unit_test(check_members_bounds_what_it_compares),
        cmocka_unit_test(equal_looks_at_everything),
    };

    return cmocka_run_group_tests_name("base/json_get", tests, NULL, NULL);
}
