/*
 * tests/image/test_config.c - lib/image/config.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/manifest.h"

#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEX64 "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" HEX64 "\"]}"
#define AMD64 "\"os\":\"linux\",\"architecture\":\"amd64\","

static const struct coco_platform amd64 = {.os = "linux", .architecture = "amd64"};

static void
parse_gives_diff_ids_and_the_runtime_part(void **state)
{
    static const char text[] = "{" AMD64 "\"config\":{\"Cmd\":[\"sh\"]}," ROOTFS "}";
    static const char bare[] = "{\"config\":null," ROOTFS "}";
    coco_error *err = NULL;

    (void)state;
    _cleanup_image_config_ struct coco_image_config config = {0};
    assert_ok(coco_image_config_parse(text, strlen(text), &amd64, &config, &err), err);
    assert_int_equal(config.n_diff_ids, 1);
    assert_int_equal(config.diff_ids[0].bytes[0], 0x2c);
    assert_non_null(cJSON_GetObjectItemCaseSensitive(config.config, "Cmd"));

    _cleanup_image_config_ struct coco_image_config without = {0};
    assert_ok(coco_image_config_parse(bare, strlen(bare), &amd64, &without, &err), err);
    assert_null(without.config);
}

/* As crane has it in images that it makes from nothing. */
static void
a_platform_that_is_empty_is_not_stated(void **state)
{
    static const char *const texts[] = {
        "{\"os\":\"\",\"architecture\":\"\",\"variant\":\"\"," ROOTFS "}",
        "{\"os\":\"linux\",\"architecture\":\"\"," ROOTFS "}",
        "{\"os\":\"\",\"architecture\":\"amd64\"," ROOTFS "}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        _cleanup_image_config_ struct coco_image_config config = {0};
        coco_error *err = NULL;

        assert_ok(coco_image_config_parse(texts[i], strlen(texts[i]), &amd64, &config, &err), err);
    }
}

/* Go's encoding/json writes null for a list that nothing was added to. */
static void
no_diff_ids_may_be_null(void **state)
{
    static const char text[] = "{" AMD64 "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":null}}";
    _cleanup_image_config_ struct coco_image_config config = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_image_config_parse(text, strlen(text), &amd64, &config, &err), err);
    assert_int_equal(config.n_diff_ids, 0);
}

static void
hostile_configs_are_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_PROTO, ""},
        {"null", COCO_ERR_PROTO, ""},
        {"{}", COCO_ERR_PROTO, "rootfs"},
        {"{\"os\":\"windows\",\"architecture\":\"amd64\"," ROOTFS "}", COCO_ERR_NOTSUP, "windows"},
        {"{\"os\":\"linux\",\"architecture\":\"arm64\"," ROOTFS "}", COCO_ERR_VERIFY, "arm64"},
        {"{" AMD64 "\"variant\":\"v3\"," ROOTFS "}", COCO_ERR_VERIFY, "v3"},
        {"{\"os\":\"\",\"architecture\":\"arm64\"," ROOTFS "}", COCO_ERR_VERIFY, "arm64"},
        {"{\"os\":1," ROOTFS "}", COCO_ERR_PROTO, "os"},
        {"{" AMD64 "\"rootfs\":[]}", COCO_ERR_PROTO, "rootfs"},
        {"{" AMD64 "\"rootfs\":{\"diff_ids\":[]}}", COCO_ERR_PROTO, "type"},
        {"{" AMD64 "\"rootfs\":{\"type\":\"other\",\"diff_ids\":[]}}", COCO_ERR_PROTO, "other"},
        {"{" AMD64 "\"rootfs\":{\"type\":\"layers\"}}", COCO_ERR_PROTO, "diff_ids"},
        {"{" AMD64 "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[1]}}", COCO_ERR_PROTO,
         "diff_id 0"},
        {"{" AMD64 "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:1\"]}}", COCO_ERR_PROTO,
         "diff_id 0"},
        {"{" AMD64 "\"config\":[]," ROOTFS "}", COCO_ERR_PROTO, "config"},
        {"{" AMD64 ROOTFS ",\"ROOTFS\":{}}", COCO_ERR_PROTO, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_image_config config = {0};
        coco_error *err = NULL;

        assert_fails(
            coco_image_config_parse(cases[i].text, strlen(cases[i].text), &amd64, &config, &err),
            err, cases[i].status, cases[i].why);
        assert_null(config.json);
    }
}

static void
without_a_platform_any_config_is_taken(void **state)
{
    static const char text[] = "{\"os\":\"plan9\",\"architecture\":\"mips\",\"rootfs\":{"
                               "\"type\":\"layers\",\"diff_ids\":[]}}";
    _cleanup_image_config_ struct coco_image_config config = {0};
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_image_config_parse(text, strlen(text), &amd64, &config, &err), err,
                 COCO_ERR_NOTSUP, "plan9");
    assert_ok(coco_image_config_parse(text, strlen(text), NULL, &config, &err), err);
    assert_int_equal(config.n_diff_ids, 0);
}

static void
parse_survives_any_failed_allocation(void **state)
{
    static const char text[] = "{" AMD64 "\"config\":{\"Cmd\":[\"sh\"]}," ROOTFS "}";

    (void)state;
    for_each_fault()
    {
        _cleanup_image_config_ struct coco_image_config config = {0};
        coco_error *err = NULL;

        coco_status status = coco_image_config_parse(text, strlen(text), &amd64, &config, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_gives_diff_ids_and_the_runtime_part),
        cmocka_unit_test(a_platform_that_is_empty_is_not_stated),
        cmocka_unit_test(no_diff_ids_may_be_null),
        cmocka_unit_test(hostile_configs_are_refused),
        cmocka_unit_test(without_a_platform_any_config_is_taken),
        cmocka_unit_test(parse_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/config", tests, NULL, NULL);
}
