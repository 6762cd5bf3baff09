/*
 * tests/base/test_toml.c - lib/base/toml.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/toml.h"

#include "tests/canary.h"
#include "tests/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void
documents_become_trees(void **state)
{
    static const struct {
        const char *toml, *json;
    } cases[] = {
        {"", "{}"},
        {"# only a comment", "{}"},
        {"\n\r\n \t\n", "{}"},
        {"a = 1", "{\"a\":1}"},
        {"a=1\r\nb=2\n", "{\"a\":1,\"b\":2}"},
        {"a = 1 # one", "{\"a\":1}"},
        /* Keys */
        {"1234 = 1\n-_ = 2", "{\"1234\":1,\"-_\":2}"},
        {"\"a b\" = 1\n'c\\d' = 2\n\"\" = 3", "{\"a b\":1,\"c\\\\d\":2,\"\":3}"},
        {"\"\\u00e9\" = 1", "{\"é\":1}"},
        {"a = 1\nA = 2", "{\"a\":1,\"A\":2}"},
        {"a . \"b.c\" . d = 1\na.e = 2", "{\"a\":{\"b.c\":{\"d\":1},\"e\":2}}"},
        {"3.14 = 1", "{\"3\":{\"14\":1}}"},
        {"a.b = 1\nc = 2\na.d = 3", "{\"a\":{\"b\":1,\"d\":3},\"c\":2}"},
        /* Tables */
        {"[a]", "{\"a\":{}}"},
        {"[ a . b ] # c\nx = 1\n[a]\ny = 2", "{\"a\":{\"b\":{\"x\":1},\"y\":2}}"},
        {"[a.b]\n[a.c]\n[a]\n", "{\"a\":{\"b\":{},\"c\":{}}}"},
        {"[a]\nb.c = 1\n[a.b.d]\ne = 2", "{\"a\":{\"b\":{\"c\":1,\"d\":{\"e\":2}}}}"},
        {"[x.y.z]\n[x]\ny.w = 1", "{\"x\":{\"y\":{\"z\":{},\"w\":1}}}"},
        {"x = 1\n[a]\nx = 2\n[b]\nx = 3", "{\"x\":1,\"a\":{\"x\":2},\"b\":{\"x\":3}}"},
        /* Arrays of tables */
        {"[[a]]\nx = 1\n[[a]]\n[[a]]\nx = 3", "{\"a\":[{\"x\":1},{},{\"x\":3}]}"},
        {"[[a]]\n[a.b]\nx = 1\n[[a]]\n[a.b]\nx = 2",
         "{\"a\":[{\"b\":{\"x\":1}},{\"b\":{\"x\":2}}]}"},
        {"[[a.b]]\n[[a.b.c]]\n[[a.b.c]]\n[[a.b]]", "{\"a\":{\"b\":[{\"c\":[{},{}]},{}]}}"},
        {"[[a]]\nb.c = 1\n[[a]]\nb.c = 2", "{\"a\":[{\"b\":{\"c\":1}},{\"b\":{\"c\":2}}]}"},
        /* Arrays and inline tables */
        {"a = []", "{\"a\":[]}"},
        {"a = [1,2,]", "{\"a\":[1,2]}"},
        {"a = [ # c\n 1 # d\n , # e\n\n 'x', [ ] ]", "{\"a\":[1,\"x\",[]]}"},
        {"a = {}", "{\"a\":{}}"},
        {"a = { b = 1, c.d = 2, c.e = 3 }", "{\"a\":{\"b\":1,\"c\":{\"d\":2,\"e\":3}}}"},
        {"a = [ {b = 1}, {b = {c = []}} ]", "{\"a\":[{\"b\":1},{\"b\":{\"c\":[]}}]}"},
        {"a = {b = [\n1,\n2\n]}", "{\"a\":{\"b\":[1,2]}}"},
        {"a={b=\"\"\"\nx\n\"\"\"}", "{\"a\":{\"b\":\"x\\n\"}}"},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_json_ cJSON *value = NULL;
        _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
        coco_error *err = NULL;

        if (coco_toml_parse(cases[i].toml, strlen(cases[i].toml), &value, &err) != COCO_OK)
            fail_msg("%s: %s", cases[i].toml, coco_error_message(err));
        assert_ok(coco_json_write(value, COCO_JSON_COMPACT, &buf, &err), err);
        assert_string_equal(coco_buf_text(&buf), cases[i].json);
    }
}

static void
documents_are_refused(void **state)
{
    static const struct {
        const char *toml, *why;
    } cases[] = {
        /* Lines */
        {"a", "line 1: '=' is missing"},
        {"a = 1 b = 2", "line 1: text after the end"},
        {"a = 1, b = 2", "line 1: text after the end"},
        {"a = 1\rb = 2", "text after the end"},
        {"a = 1\n\r", "a key is missing"},
        {"a =\n1", "line 1: a value is missing"},
        {"a =", "a value is missing"},
        {"a = # c", "a value is missing"},
        {"= 1", "a key is missing"},
        {"a\n= 1", "'=' is missing"},
        {"[a] b = 1", "text after the end"},
        {"[a][b]", "text after the end"},
        {"a = 1\n\n\n!", "line 4: a key is missing"},
        {"# \x01", "control character"},
        {"# \x7f", "control character"},
        {"# \r", "control character"},
        {"# a\rb\n", "control character"},
        {"\x0b", "a key is missing"},
        /* Keys */
        {"a b = 1", "'=' is missing"},
        {"a. = 1", "a key is missing"},
        {".a = 1", "a key is missing"},
        {"a..b = 1", "a key is missing"},
        {"é = 1", "a key is missing"},
        {"\"a = 1", "line 1: string without end"},
        {"\"a\n\" = 1", "line 1: control character"},
        {"'a\n' = 1", "control character"},
        {"\"\"\"a\"\"\" = 1", "'=' is missing"},
        {"'''a''' = 1", "'=' is missing"},
        {"a+b = 1", "'=' is missing"},
        /* Headers */
        {"[]", "a key is missing"},
        {"[a", "']' is missing"},
        {"[a.]", "a key is missing"},
        {"[.a]", "a key is missing"},
        {"[a]]", "text after the end"},
        {"[[a]", "']' is missing"},
        {"[[a] ]", "']' is missing"},
        {"[ [a]]", "a key is missing"},
        {"[a\n]", "']' is missing"},
        {"[a b]", "']' is missing"},
        /* Twice */
        {"a = 1\na = 2", "line 2: key is there twice"},
        {"a = 1\n\"a\" = 2", "key is there twice"},
        {"a = 1\na.b = 2", "line 2: key adds to what is complete"},
        {"a.b = 1\na = 2", "key is there twice"},
        {"a.b = 1\na.b.c = 2", "key adds to what is complete"},
        {"[a]\n[a]", "line 2: table is defined twice"},
        {"[a]\nb = 1\n[a.b]", "table is defined twice"},
        {"[a]\nb = 1\n[a.b.c]", "header adds to what is complete"},
        {"a = 1\n[a]", "table is defined twice"},
        {"a = 1\n[[a]]", "array of tables is defined"},
        {"[a.b]\n[a]\nb = 1", "key is there twice"},
        {"[a.b]\n[a]\nb.c = 1", "key adds to what is complete"},
        {"[a.b.c]\nz = 9\n[a]\nb.c.t = 1", "key adds to what is complete"},
        {"[a]\nb.c = 1\n[a.b]", "table is defined twice"},
        {"a.b = 1\n[a]", "table is defined twice"},
        {"[p.q.r]\n[p]\nq.x = 1\n[p.q]", "table is defined twice"},
        {"[a]\n[[a]]", "array of tables is defined"},
        {"[a.b]\n[[a]]", "array of tables is defined"},
        {"[[a]]\n[a]", "table is defined twice"},
        {"[[a.b]]\n[a]\nb.y = 2", "key adds to what is complete"},
        {"a = []\n[[a]]", "array of tables is defined"},
        {"a = [{}]\n[[a]]", "array of tables is defined"},
        {"a = [{}]\n[a.b]", "header adds to what is complete"},
        {"[[a]]\n[[a.b]]\n[a.b]", "table is defined twice"},
        {"[[a]]\nb.c = 1\n[[a.b]]", "array of tables is defined"},
        /* Inline tables are complete */
        {"a = {}\n[a]", "table is defined twice"},
        {"a = {}\n[a.b]", "header adds to what is complete"},
        {"a = {b = 1}\na.c = 2", "key adds to what is complete"},
        {"a = {b = {}}\n[a.b.c]", "header adds to what is complete"},
        {"a = {b = 1, b = 2}", "key is there twice"},
        {"a = {b.c = 1, b = 2}", "key is there twice"},
        {"a = {b = {c = 1}, b.d = 2}", "key adds to what is complete"},
        {"a.b = {}\na.b.c = 1", "key adds to what is complete"},
        {"a = {b = 1,}", "a key is missing"},
        {"a = {,}", "a key is missing"},
        {"a = {b = 1 c = 2}", "a comma or '}' is missing"},
        {"a = {b = 1\n}", "a comma or '}' is missing"},
        {"a = {\nb = 1}", "a key is missing"},
        {"a = {b = 1 # c\n}", "a comma or '}' is missing"},
        {"a = {b = 1", "a comma or '}' is missing"},
        {"a = {b}", "'=' is missing"},
        /* Arrays */
        {"a = [1", "a comma or ']' is missing"},
        {"a = [1 2]", "a comma or ']' is missing"},
        {"a = [,]", "a value is missing"},
        {"a = [1,,2]", "a value is missing"},
        {"a = [1,\n\n2 3]", "line 3: a comma or ']' is missing"},
        {"a = [b = 1]", "a value is missing"},
        {"a = [", "a value is missing"},
        {"a = [1}", "a comma or ']' is missing"},
        /* Encoding */
        {"\xef\xbb\xbf"
         "a = 1",
         "a key is missing"},
        {"a = \"\xff\"", "invalid UTF-8"},
        {"# \xc0\x80", "invalid UTF-8"},
        {"# \xed\xa0\x80", "invalid UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        cJSON *value = NULL;
        coco_error *err = NULL;

        if (coco_toml_parse(cases[i].toml, strlen(cases[i].toml), &value, &err) == COCO_OK)
            fail_msg("accepted: %s", cases[i].toml);
        assert_null(value);
        assert_fails(coco_error_status(err), err, COCO_ERR_PROTO, cases[i].why);
    }
}

static void
nul_is_refused(void **state)
{
    cJSON *value = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_toml_parse("a = 1\0", 6, &value, &err), err, COCO_ERR_PROTO, "NUL");
    assert_fails(coco_toml_parse("a = '\0'", 7, &value, &err), err, COCO_ERR_PROTO, "NUL");
    assert_fails(coco_toml_parse("#\0", 2, &value, &err), err, COCO_ERR_PROTO, "NUL");
}

static void
getters_are_those_of_json(void **state)
{
    static const char toml[] = "[a]\nurl = 'x'\nport = 0x1f90\non = true\n[[a.list]]\n";
    _cleanup_json_ cJSON *value = NULL;
    const cJSON *a = NULL;
    const cJSON *list = NULL;
    const char *url = NULL;
    uint64_t port = 0;
    bool on = false;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_toml_parse(toml, strlen(toml), &value, &err), err);
    assert_int_equal(value->child->type, cJSON_Object); /* no bits of the reader are left */
    assert_ok(coco_json_get_object(value, "a", &a, &err), err);
    assert_ok(coco_json_get_string(a, "url", &url, &err), err);
    assert_ok(coco_json_get_u64(a, "port", &port, &err), err);
    assert_ok(coco_json_get_bool_opt(a, "on", false, &on, &err), err);
    assert_ok(coco_json_get_array(a, "list", &list, &err), err);
    assert_int_equal(list->type, cJSON_Array);
    assert_string_equal(url, "x");
    assert_int_equal(port, 8080);
    assert_true(on);
}

/* Repeats part n times between two others. */
static char *
repeat(const char *before, const char *part, size_t n, const char *after)
{
    size_t len = strlen(part);
    char *text = malloc(strlen(before) + n * len + strlen(after) + 1);
    char *p = stpcpy(text, before);

    for (size_t i = 0; i < n; i++)
        p = stpcpy(p, part);
    (void)stpcpy(p, after);
    return text;
}

static void
levels_are_counted(void **state)
{
    static const struct {
        const char *before, *part;
        size_t n;
        const char *after;
        bool fine;
    } cases[] = {
        /* The document itself is a level. */
        {"a = ", "[", COCO_JSON_DEPTH_MAX, "", false},
        {"a = ", "[", 1000000, "", false},
        {"a = ", "{b=", 1000000, "", false},
        {"", "a.", COCO_JSON_DEPTH_MAX - 1, "b = 1", true},
        {"", "a.", COCO_JSON_DEPTH_MAX, "b = 1", false},
        {"", "a.", COCO_JSON_DEPTH_MAX - 1, "b = []", false},
        {"", "a.", 1000000, "b = 1", false},
        {"[", "a.", COCO_JSON_DEPTH_MAX - 2, "b]", true},
        {"[", "a.", COCO_JSON_DEPTH_MAX - 1, "b]", false},
        {"[[", "a.", COCO_JSON_DEPTH_MAX - 3, "b]]", true},
        {"[[", "a.", COCO_JSON_DEPTH_MAX - 2, "b]]", false},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_free_ char *text =
            repeat(cases[i].before, cases[i].part, cases[i].n, cases[i].after);
        _cleanup_json_ cJSON *value = NULL;
        _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
        coco_error *err = NULL;

        if (cases[i].fine) {
            assert_ok(coco_toml_parse(text, strlen(text), &value, &err), err);
            assert_ok(coco_json_write(value, COCO_JSON_COMPACT, &buf, &err), err);
        } else {
            assert_fails(coco_toml_parse(text, strlen(text), &value, &err), err, COCO_ERR_LIMIT,
                         "64 levels");
        }
    }
}

static void
bytes_and_values_are_counted(void **state)
{
    _cleanup_free_ char *values = repeat("a = [", "0,", COCO_JSON_VALUES_MAX, "]");
    _cleanup_free_ char *bytes = repeat("#", " ", COCO_JSON_SIZE_MAX, "");
    cJSON *value = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_toml_parse(values, strlen(values), &value, &err), err, COCO_ERR_LIMIT,
                 "values");
    assert_fails(coco_toml_parse(bytes, strlen(bytes), &value, &err), err, COCO_ERR_LIMIT, "bytes");
    assert_ok(coco_toml_parse(bytes, COCO_JSON_SIZE_MAX, &value, &err), err);
    coco_json_free(value);
}

/* The keys of one table are compared with each other, which a peer must not make take minutes. */
static void
comparisons_are_counted(void **state)
{
    static const struct {
        unsigned keys;
        bool fine;
    } cases[] = {{5000, true}, {100000, false}};

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};
        _cleanup_json_ cJSON *value = NULL;
        coco_error *err = NULL;

        for (unsigned key = 0; key < cases[i].keys; key++)
            assert_ok(coco_buf_printf(&text, &err, "k%u=0\n", key), err);
        if (cases[i].fine)
            assert_ok(coco_toml_parse(coco_buf_text(&text), text.len, &value, &err), err);
        else
            assert_fails(coco_toml_parse(coco_buf_text(&text), text.len, &value, &err), err,
                         COCO_ERR_LIMIT, "too many keys");
    }
}

static const char everything[] = "a.b = 1\n'c' = \"\"\"x\\n\"\"\"\n[d.e]\nf = [{g = 2020-01-01}]\n"
                                 "[[h]]\ni = 0x1F\nj = true\n[[h]]\n";

static void
reader_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        cJSON *value = NULL;
        coco_error *err = NULL;
        coco_status status = coco_toml_parse(everything, strlen(everything), &value, &err);

        fault_expect(status, err);
        assert_true(status == COCO_OK || value == NULL);
        coco_error_free(err);
        coco_json_free(value);
    }
}

/* A configuration may hold a token. */
static void
reader_leaves_no_copy(void **state)
{
    static const char *const cases[] = {
        "token = 'a canary'",
        "token = \"a canary\\n\"",
        "token = '''a canary'''\n[",
        "token = [ { t = 'a canary' } ] !",
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        cJSON *value = NULL;

        canary_begin("a canary", 8);
        coco_status status = coco_toml_parse(cases[i], strlen(cases[i]), &value, NULL);
        assert_true(status == COCO_OK || value == NULL);
        coco_json_free(value);
        assert_int_equal(canary_end(), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_become_trees),
        cmocka_unit_test(documents_are_refused),
        cmocka_unit_test(nul_is_refused),
        cmocka_unit_test(getters_are_those_of_json),
        cmocka_unit_test(levels_are_counted),
        cmocka_unit_test(bytes_and_values_are_counted),
        cmocka_unit_test(comparisons_are_counted),
        cmocka_unit_test(reader_survives_any_failed_allocation),
        cmocka_unit_test(reader_leaves_no_copy),
    };

    return cmocka_run_group_tests_name("base/toml", tests, NULL, NULL);
}
