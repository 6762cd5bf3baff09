/*
 * tests/keyprovider/test_params.c - lib/keyprovider/params.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keyprovider/params.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <string.h>

static const struct {
    const char *text;
    bool sample;
    const char *uri;
    const char *key;
    const char *path;
} good[] = {
    {"", false, "", "", ""},
    {"Enabled", false, "", "", ""},
    {"sample=true", true, "", "", ""},
    {"sample=false::algorithm=A256GCM", false, "", "", ""},
    {"keyid=kbs:///a/b/c::keypath=/k", false, "kbs:///a/b/c", "a/b/c", "/k"},
    {"keypath=/a=b:c::keyid=kbs://h:1/a/b/c", false, "kbs://h:1/a/b/c", "a/b/c", "/a=b:c"},
    {"keyid=/a/b/c", false, "kbs:///a/b/c", "a/b/c", ""},
    {"keyid=h.test/a/b/c", false, "kbs://h.test/a/b/c", "a/b/c", ""},
};

static void
what_upstream_takes_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct coco_keyprovider_params params = {0};
        coco_error *err = NULL;

        assert_ok(coco_keyprovider_params_parse(good[i].text, strlen(good[i].text), &params, &err),
                  err);
        assert_int_equal(params.sample, good[i].sample);
        assert_string_equal(coco_buf_text(&params.uri), good[i].uri);
        assert_string_equal(params.key.text, good[i].key);
        assert_string_equal(coco_buf_text(&params.path), good[i].path);
        coco_keyprovider_params_done(&params);
    }
}

static const struct {
    const char *text;
    coco_status status;
    const char *why;
} bad[] = {
    {"x", COCO_ERR_INVALID, "not key=value"},
    {"::", COCO_ERR_INVALID, "not key=value"},
    {"sample=true::", COCO_ERR_INVALID, "not key=value"},
    {"=x", COCO_ERR_INVALID, "'' is no parameter"},
    {"Sample=true", COCO_ERR_INVALID, "'Sample' is no parameter"},
    {"sample=yes", COCO_ERR_INVALID, "sample is neither"},
    {"sample=true::sample=true", COCO_ERR_INVALID, "sample is there twice"},
    {"keyid=", COCO_ERR_INVALID, "keyid"},
    {"keyid=a", COCO_ERR_INVALID, "keyid"},
    {"keyid=a/b/c", COCO_ERR_INVALID, "keyid"},
    {"keyid=kbs:///a/b", COCO_ERR_INVALID, "keyid"},
    {"keyid=kbs:///a/../c", COCO_ERR_INVALID, "keyid"},
    {"keyid=kbs:///a/b/c/d", COCO_ERR_INVALID, "keyid"},
    {"keyid=https://h/a/b/c", COCO_ERR_INVALID, "keyid"},
    {"keyid=kbs+plugin:///a/b/c", COCO_ERR_NOTSUP, "keyid"},
    {"keypath=", COCO_ERR_INVALID, "absolute"},
    {"keypath=k", COCO_ERR_INVALID, "absolute"},
    {"algorithm=A256CTR", COCO_ERR_NOTSUP, "authenticates nothing"},
    {"algorithm=a256gcm", COCO_ERR_INVALID, "A256GCM"},
};

static void
the_rest_is_refused(void **state)
{
    struct coco_keyprovider_params params;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_fails(coco_keyprovider_params_parse(bad[i].text, strlen(bad[i].text), &params, &err),
                     err, bad[i].status, bad[i].why);
    assert_fails(coco_keyprovider_params_parse("keypath=/a\0b", 12, &params, &err), err,
                 COCO_ERR_INVALID, "absolute");
    assert_fails(coco_keyprovider_params_parse("", 5000, &params, &err), err, COCO_ERR_INVALID,
                 "4096");
}

static void
reading_survives_any_failed_allocation(void **state)
{
    static const char text[] = "keyid=/a/b/c::keypath=/k";

    (void)state;
    for_each_fault()
    {
        struct coco_keyprovider_params params = {0};
        coco_error *err = NULL;

        coco_status status = coco_keyprovider_params_parse(text, strlen(text), &params, &err);
        fault_expect(status, err);
        coco_error_free(err);
        coco_keyprovider_params_done(&params);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_upstream_takes_is_read),
        cmocka_unit_test(the_rest_is_refused),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
