/*
 * tests/base/test_resource.c - lib/base/resource.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/resource.h"

#include "tests/support.h"

#include <stdio.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void
path_is_taken_apart(void **state)
{
    static const struct {
        const char *text, *repository, *type, *tag;
    } cases[] = {
        {"default/key/1", "default", "key", "1"},
        {"a/b/c", "a", "b", "c"},
        {"A-Z_0.9/x.y.z/tag-1_2.3", "A-Z_0.9", "x.y.z", "tag-1_2.3"},
        {"-/_/0", "-", "_", "0"},
        {"a./b../c...", "a.", "b..", "c..."},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        struct coco_resource_path path;
        coco_error *err = NULL;

        assert_ok(coco_resource_path_parse(cases[i].text, &path, &err), err);
        assert_string_equal(path.text, cases[i].text);
        assert_string_equal(path.repository, cases[i].repository);
        assert_string_equal(path.type, cases[i].type);
        assert_string_equal(path.tag, cases[i].tag);
    }
}

/* What a guest's workload, an image's annotation or a URL may try (T21 in doc/threats.md). */
static const char *const hostile[] = {
    /* Too few or too many parts */
    "",
    "/",
    "//",
    "///",
    "a",
    "a/b",
    "a/b/",
    "a//c",
    "/b/c",
    "/a/b/c",
    "a/b/c/",
    "a/b/c/d",
    "a/b//c",
    "a//b/c",
    /* Out of the folder */
    "../b/c",
    "a/../c",
    "a/b/..",
    "./b/c",
    "a/./c",
    "a/b/.",
    ".../b/c",
    ".a/b/c",
    "a/.b/c",
    "a/b/.c",
    "../../etc/passwd",
    "a/b/../../../etc/passwd",
    "..\\b\\c",
    "a/b/c\\..\\d",
    "a\\b\\c",
    "C:/b/c",
    /* Escapes that something behind may undo */
    "%2e%2e/b/c",
    "a/%2e%2e/c",
    "a/b/%2e%2e",
    "a%2fb/c/d",
    "a/b/c%00",
    "a/b/c%",
    "a/b/%25",
    "a/b/c+d",
    /* Query, fragment, parameters, user */
    "a/b/c?version=1",
    "a/b/c#frag",
    "a/b/c;d",
    "a/b/c&d",
    "a/b/c=d",
    "a@b/c/d",
    "a:b/c/d",
    "kbs:///a/b/c",
    /* White space, control bytes and quotes */
    " a/b/c",
    "a/b/c ",
    "a/b /c",
    "a/\tb/c",
    "a/b/c\n",
    "a/b/c\r\nX: y",
    "a\x7f/b/c",
    "a/b/\x01",
    "a/b/\033[2J",
    "a/b/'",
    "a/b/\"",
    "a/b/$(id)",
    "a/b/`id`",
    "a/b/c|d",
    "a/b/*",
    "a/b/{c}",
    "a/b/~",
    "a/b/c,d",
    /* Not ASCII: look-alikes, overlong forms */
    "\xc3\xa4/b/c",
    "a/b/\xd0\xb0",
    "a\xef\xbc\x8f.b/c/d",
    "a/\xe2\x80\xae/c",
    "a/b/\xc0\xaf",
    "a/b/\xff",
};

static void
path_refuses_hostile_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(hostile); i++) {
        struct coco_resource_path path = {.text = "old"};
        coco_error *err = NULL;

        if (coco_resource_path_parse(hostile[i], &path, &err) == COCO_OK)
            fail_msg("'%s' is accepted", hostile[i]);
        assert_fails(coco_error_status(err), err, COCO_ERR_INVALID, "is not <repository>");
        assert_string_equal(path.text, "old");
    }
}

static void
uri_refuses_hostile_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(hostile); i++) {
        struct coco_resource_path path;
        char uri[256];
        coco_error *err = NULL;

        (void)snprintf(uri, sizeof(uri), "kbs:///%s", hostile[i]);
        if (coco_resource_uri_parse(uri, &path, &err) == COCO_OK)
            fail_msg("'%s' is accepted", uri);
        assert_fails(coco_error_status(err), err, COCO_ERR_INVALID, "is not");
    }
}

static void
parts_are_bounded(void **state)
{
    char part[COCO_RESOURCE_PART_MAX + 2];
    char text[3 * sizeof(part)];
    struct coco_resource_path path;
    coco_error *err = NULL;

    (void)state;
    memset(part, 'x', sizeof(part) - 1);
    part[sizeof(part) - 1] = '\0';
    for (int i = 0; i < 3; i++) {
        (void)snprintf(text, sizeof(text), "%s/%s/%s", i == 0 ? part : "a", i == 1 ? part : "b",
                       i == 2 ? part : "c");
        assert_fails(coco_resource_path_parse(text, &path, &err), err, COCO_ERR_INVALID, "is not");
    }
    part[COCO_RESOURCE_PART_MAX] = '\0';
    (void)snprintf(text, sizeof(text), "%s/%s/%s", part, part, part);
    assert_ok(coco_resource_path_parse(text, &path, &err), err);
    assert_string_equal(path.text, text);
    assert_string_equal(path.tag, part);
}

static void
uri_drops_the_host(void **state)
{
    static const char *const cases[] = {
        "kbs:///a/b/c",
        "kbs://kbs.example.org/a/b/c",
        "kbs://127.0.0.1:8080/a/b/c",
        "kbs://kbs-1:8080/a/b/c",
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        struct coco_resource_path path;
        coco_error *err = NULL;

        assert_ok(coco_resource_uri_parse(cases[i], &path, &err), err);
        assert_string_equal(path.text, "a/b/c");
    }
}

static void
uri_refuses_other_forms(void **state)
{
    static const char *const cases[] = {
        "",
        "kbs",
        "kbs:",
        "kbs:/",
        "kbs://",
        "kbs:///",
        "kbs:/a/b/c",
        "kbs:a/b/c",
        "kbs://a/b/c",
        "KBS:///a/b/c",
        "kbs+https:///a/b/c",
        "http:///a/b/c",
        "file:///a/b/c",
        " kbs:///a/b/c",
        "kbs:////a/b/c",
        "kbs://user@host/a/b/c",
        "kbs://user:password@host/a/b/c",
        "kbs://ho st/a/b/c",
        "kbs://host\\x/a/b/c",
        "kbs://%68/a/b/c",
        "kbs://host?x/a/b/c",
        "kbs://host#x/a/b/c",
        "kbs://h\xc3\xb6st/a/b/c",
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        struct coco_resource_path path;
        coco_error *err = NULL;

        if (coco_resource_uri_parse(cases[i], &path, &err) == COCO_OK)
            fail_msg("'%s' is accepted", cases[i]);
        assert_fails(coco_error_status(err), err, COCO_ERR_INVALID, "'");
    }
}

static void
uri_bounds_the_host(void **state)
{
    char uri[512];
    struct coco_resource_path path;
    coco_error *err = NULL;

    (void)state;
    for (size_t len = 255; len <= 256; len++) {
        memcpy(uri, "kbs://", 6);
        memset(uri + 6, 'h', len);
        memcpy(uri + 6 + len, "/a/b/c", 7);
        if (len == 255)
            assert_ok(coco_resource_uri_parse(uri, &path, &err), err);
        else
            assert_fails(coco_resource_uri_parse(uri, &path, &err), err, COCO_ERR_INVALID,
                         "is not");
    }
}

static void
a_plugin_uri_becomes_a_target(void **state)
{
    static const struct {
        const char *uri, *target;
    } cases[] = {
        {"kbs+ca:///certificate", "ca/certificate"},
        {"kbs+ca://kbs.example:8080/certificate", "ca/certificate"},
        {"kbs+pkcs11:///resource/a/b/c", "pkcs11/resource/a/b/c"},
        {"kbs+resource:///a/b/c", "resource/a/b/c"},
        {"kbs+nebula-ca:///credential?name=podA&ip=10.9.8.7/21",
         "nebula-ca/credential?name=podA&ip=10.9.8.7/21"},
        {"kbs+a:///b?", "a/b?"},
        {"kbs:///a/b/c?x=1&y=%20z", "resource/a/b/c?x=1&y=%20z"},
        {"kbs://kbs.example:8080/a/b/c?", "resource/a/b/c?"},
        {"kbs+a:///b?c=%20?/@:!$&'()*+,;=-._~", "a/b?c=%20?/@:!$&'()*+,;=-._~"},
        {"kbs+a:///1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16",
         "a/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16"},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        struct coco_plugin_uri uri;
        coco_error *err = NULL;

        assert_true(coco_plugin_uri_is(cases[i].uri));
        assert_ok(coco_plugin_uri_parse(cases[i].uri, &uri, &err), err);
        assert_string_equal(uri.target, cases[i].target);
    }
}

static void
plugin_uris_of_other_forms_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "kbs+",
        "kbs+://",
        "kbs+:///a",
        "kbs+ca",
        "kbs+ca:",
        "kbs+ca:/a",
        "kbs+ca://",
        "kbs+ca:///",
        "kbs+ca://host",
        "kbs+ca:////a",
        "kbs+ca:///a/",
        "kbs+ca:///a//b",
        "kbs+ca:///.",
        "kbs+ca:///..",
        "kbs+ca:///a/../b",
        "kbs+ca:///a/.b",
        "kbs+ca:///%2e%2e",
        "kbs+ca:///a b",
        "kbs+ca:///a#b",
        "kbs+ca:///a?b#c",
        "kbs+ca:///a?b c",
        "kbs+ca:///a?b\r\nHost: x",
        "kbs+ca:///a?\"",
        "kbs+ca:///a?\\",
        "kbs+ca:///a?\xc3\xa4",
        "kbs+ca:///?a",
        "kbs:///?a",
        "kbs://?a",
        "kbs:///a/../c?x",
        "kbs:///a/b/c?x#y",
        "kbs+CA:///a",
        "kbs+c_a:///a",
        "kbs+c/a:///a",
        "kbs+a2345678901234567890123456789012x:///a",
        "KBS+ca:///a",
        "kbs:///a/b/c",
        " kbs+ca:///a",
        "kbs+ca://user@host/a",
        "kbs+ca://ho st/a",
        "kbs+a:///1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17",
    };
    char longest[COCO_PLUGIN_TARGET_MAX + 32] = "kbs+ca:///a?";
    struct coco_plugin_uri uri;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        if (coco_plugin_uri_parse(cases[i], &uri, &err) == COCO_OK)
            fail_msg("'%s' is accepted", cases[i]);
        assert_fails(coco_error_status(err), err, COCO_ERR_INVALID, "is not kbs+<plugin>");
    }
    assert_false(coco_plugin_uri_is("kbs:///a/b/c"));
    memset(longest + 12, 'x', COCO_PLUGIN_TARGET_MAX);
    longest[12 + COCO_PLUGIN_TARGET_MAX - strlen("ca/a?")] = '\0';
    assert_ok(coco_plugin_uri_parse(longest, &uri, &err), err);
    assert_int_equal(strlen(uri.target), COCO_PLUGIN_TARGET_MAX);
    longest[strlen(longest)] = 'x';
    assert_fails(coco_plugin_uri_parse(longest, &uri, &err), err, COCO_ERR_INVALID, "is not");
}

static void
a_prefix_covers_what_begins_with_it(void **state)
{
    static const struct {
        const char *prefix, *path;
        bool covers;
    } cases[] = {
        {"kbs:///", "a/b/c", true},        {"kbs:///a/", "a/b/c", true},
        {"kbs:///a/", "ab/b/c", false},    {"kbs:///a/", "b/a/c", false},
        {"kbs:///a/b/", "a/b/c", true},    {"kbs:///a/b/", "a/bb/c", false},
        {"kbs:///a/b/", "A/b/c", false},   {"kbs:///a/b/", "a/c/b", false},
        {"kbs:///a.b/", "a-b/c/d", false}, {"kbs:///a_-./b/", "a_-./b/c", true},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        struct coco_resource_prefix prefix;
        struct coco_resource_path path;
        coco_error *err = NULL;

        assert_ok(coco_resource_prefix_parse(cases[i].prefix, &prefix, &err), err);
        assert_ok(coco_resource_path_parse(cases[i].path, &path, &err), err);
        if (coco_resource_prefix_covers(&prefix, &path) != cases[i].covers)
            fail_msg("'%s' and %s", cases[i].prefix, cases[i].path);
    }
}

static void
a_prefix_ends_with_a_slash_and_is_no_resource(void **state)
{
    static const char *const cases[] = {
        "",
        "k",
        "kbs",
        "kbs://",
        "/",
        "a/",
        "kbs:///a",
        "kbs:///a/b",
        "kbs:///a/b/c",
        "kbs:///a/b/c/",
        "kbs:////",
        "kbs:///a//",
        "kbs:////b/",
        "kbs:///../",
        "kbs:///./",
        "kbs:///a/../",
        "kbs:///.a/",
        "kbs:///a/*/",
        "kbs:///%61/",
        "kbs:///a b/",
        "kbs:///a?/",
        "kbs://host/a/",
        "KBS:///a/",
        " kbs:///a/",
        "kbs:///a/ ",
        "kbs:///h\xc3\xb6/",
    };
    char text[600] = "kbs:///";

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        struct coco_resource_prefix prefix;
        coco_error *err = NULL;

        if (coco_resource_prefix_parse(cases[i], &prefix, &err) == COCO_OK)
            fail_msg("'%s' is accepted", cases[i]);
        assert_fails(coco_error_status(err), err, COCO_ERR_INVALID, "'");
    }
    for (size_t len = 255; len <= 256; len++) {
        struct coco_resource_prefix prefix;
        coco_error *err = NULL;

        memset(text + 7, 'x', len);
        memcpy(text + 7 + len, "/", 2);
        if (len == 255)
            assert_ok(coco_resource_prefix_parse(text, &prefix, &err), err);
        else
            assert_fails(coco_resource_prefix_parse(text, &prefix, &err), err, COCO_ERR_INVALID,
                         "");
    }
}

static void
parts_are_one_to_three(void **state)
{
    static const char *const good[] = {"a", "a/b", "a/b/c", "a-_.9/B"};
    static const char *const bad[] = {
        "",   "/",    "a/",     "/a",  "a//c",  "a/b/",   "a/b/c/",   "a/b/c/d",
        "..", "a/..", "a/b/.c", "a b", "a%2fb", "a/b\\c", "kbs:///a", "a\n",
    };
    char longest[COCO_RESOURCE_PART_MAX + 2];
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_ok(coco_resource_parts_check(good[i], &err), err);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_fails(coco_resource_parts_check(bad[i], &err), err, COCO_ERR_INVALID, "is not <");
    memset(longest, 'a', sizeof(longest));
    longest[COCO_RESOURCE_PART_MAX] = '\0';
    assert_ok(coco_resource_parts_check(longest, &err), err);
    longest[COCO_RESOURCE_PART_MAX] = 'a';
    longest[COCO_RESOURCE_PART_MAX + 1] = '\0';
    assert_fails(coco_resource_parts_check(longest, &err), err, COCO_ERR_INVALID, "is not <");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_is_taken_apart),
        cmocka_unit_test(path_refuses_hostile_names),
        cmocka_unit_test(uri_refuses_hostile_names),
        cmocka_unit_test(parts_are_bounded),
        cmocka_unit_test(uri_drops_the_host),
        cmocka_unit_test(uri_refuses_other_forms),
        cmocka_unit_test(uri_bounds_the_host),
        cmocka_unit_test(parts_are_one_to_three),
        cmocka_unit_test(a_plugin_uri_becomes_a_target),
        cmocka_unit_test(plugin_uris_of_other_forms_are_refused),
        cmocka_unit_test(a_prefix_covers_what_begins_with_it),
        cmocka_unit_test(a_prefix_ends_with_a_slash_and_is_no_resource),
    };

    return cmocka_run_group_tests_name("base/resource", tests, NULL, NULL);
}
