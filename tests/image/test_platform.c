/*
 * tests/image/test_platform.c - lib/image/platform.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/platform.h"

#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEX62 "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b98"
#define ENTRY(nn, platform)                                                                        \
    "{\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST "\",\"digest\":\"sha256:" HEX62 nn                 \
    "\",\"size\":5" platform "}"
#define PLATFORM(os, architecture, more)                                                           \
    ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" architecture "\"" more "}"
#define VARIANT(v) ",\"variant\":\"" v "\""
#define INDEX(entries) "{\"schemaVersion\":2,\"manifests\":[" entries "]}"

static void
platforms_are_read_strictly(void **state)
{
    static const char *const bad[] = {
        "",
        "linux",
        "linux/",
        "/amd64",
        "linux/amd64/",
        "linux/amd64/v1/x",
        "LINUX/a",
        "a b/c",
        "linux/amd64\n",
        "linux/..\x01",
        "linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    struct coco_platform platform = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_platform_parse("linux/arm64", &platform, &err), err);
    assert_string_equal(platform.os, "linux");
    assert_string_equal(platform.architecture, "arm64");
    assert_string_equal(platform.variant, "");
    assert_ok(coco_platform_parse("linux/arm/v7", &platform, &err), err);
    assert_string_equal(platform.variant, "v7");
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(coco_platform_parse(bad[i], &platform, &err), err, COCO_ERR_INVALID,
                     "os/architecture");
}

static void
the_host_is_linux_on_something(void **state)
{
    struct coco_platform platform = {0};

    (void)state;
    coco_platform_host(&platform);
    assert_string_equal(platform.os, "linux");
    assert_true(strlen(platform.architecture) > 0);
#ifdef __x86_64__
    assert_string_equal(platform.architecture, "amd64");
#endif
}

static void
choose_takes_the_best_that_runs(void **state)
{
    static const struct {
        const char *platform, *index;
        int want; /* last byte of the digest; -1 is none */
    } cases[] = {
        {"linux/amd64",
         INDEX(ENTRY("01", PLATFORM("linux", "arm64", "")) "," ENTRY(
             "02", PLATFORM("linux", "amd64", "")) "," ENTRY("03", PLATFORM("linux", "amd64", ""))),
         2},
        {"linux/amd64", INDEX(ENTRY("01", PLATFORM("windows", "amd64", ""))), -1},
        {"linux/amd64", INDEX(ENTRY("01", PLATFORM("linux", "amd64", VARIANT("v2")))), -1},
        {"linux/amd64/v3",
         INDEX(ENTRY("01", PLATFORM("linux", "amd64", "")) "," ENTRY(
             "02", PLATFORM("linux", "amd64", VARIANT("v2"))) "," ENTRY("03",
                                                                        PLATFORM("linux", "amd64",
                                                                                 VARIANT("v4")))),
         2},
        {"linux/arm64", INDEX(ENTRY("01", PLATFORM("linux", "arm64", VARIANT("v8")))), 1},
        {"linux/arm64/v8", INDEX(ENTRY("01", PLATFORM("linux", "arm64", ""))), 1},
        {"linux/arm/v7",
         INDEX(ENTRY("01", PLATFORM("linux", "arm", VARIANT("v5"))) "," ENTRY(
             "02", PLATFORM("linux", "arm", VARIANT("v6")))),
         2},
        {"linux/arm/v6", INDEX(ENTRY("01", PLATFORM("linux", "arm", VARIANT("v7")))), -1},
        {"linux/ppc64le/power9", INDEX(ENTRY("01", PLATFORM("linux", "ppc64le", ""))), -1},
        /* Without a platform: only when nothing is better. */
        {"linux/amd64", INDEX(ENTRY("01", "") "," ENTRY("02", PLATFORM("linux", "amd64", ""))), 2},
        {"linux/amd64", INDEX(ENTRY("01", "") "," ENTRY("02", "")), 1},
        {"linux/amd64",
         INDEX(ENTRY("01", PLATFORM("", "", "")) "," ENTRY("02", PLATFORM("linux", "amd64", ""))),
         2},
        {"linux/amd64", INDEX(ENTRY("01", PLATFORM("", "", ""))), 1},
        {"linux/amd64", INDEX(ENTRY("01", PLATFORM("linux", "", ""))), -1},
        {"linux/amd64", INDEX(ENTRY("01", PLATFORM("", "amd64", ""))), -1},
        /* What buildkit puts beside an image. */
        {"linux/amd64",
         INDEX(ENTRY("01", PLATFORM("unknown", "unknown", "")) "," ENTRY(
             "02", PLATFORM("linux", "amd64", ""))),
         2},
        {"linux/amd64", INDEX(""), -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_manifest_ struct coco_manifest index = {0};
        const struct coco_descriptor *entry = NULL;
        struct coco_platform platform = {0};
        coco_error *err = NULL;

        assert_ok(coco_platform_parse(cases[i].platform, &platform, &err), err);
        assert_ok(coco_manifest_parse(cases[i].index, strlen(cases[i].index), "", 0, &index, &err),
                  err);
        coco_status status = coco_index_choose(&index, &platform, &entry, &err);
        if (cases[i].want < 0) {
            assert_fails(status, err, COCO_ERR_NOTFOUND, "no image for linux/");
            continue;
        }
        assert_ok(status, err);
        assert_int_equal(entry->digest.bytes[31], cases[i].want);
    }
}

static void
choose_refuses_broken_platforms(void **state)
{
    static const char *const cases[] = {
        INDEX(ENTRY("01", ",\"platform\":1")),
        INDEX(ENTRY("01", ",\"platform\":{}")),
        INDEX(ENTRY("01", ",\"platform\":{\"os\":\"linux\"}")),
        INDEX(ENTRY("01", PLATFORM("linux", "amd64", ",\"variant\":1"))),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_manifest_ struct coco_manifest index = {0};
        const struct coco_descriptor *entry = NULL;
        struct coco_platform platform = {.os = "linux", .architecture = "amd64"};
        coco_error *err = NULL;

        assert_ok(coco_manifest_parse(cases[i], strlen(cases[i]), "", 0, &index, &err), err);
        assert_fails(coco_index_choose(&index, &platform, &entry, &err), err, COCO_ERR_PROTO,
                     "manifest 0");
    }
}

static void
choose_survives_any_failed_allocation(void **state)
{
    static const char text[] = INDEX(ENTRY("01", PLATFORM("linux", "amd64", "")));
    _cleanup_manifest_ struct coco_manifest index = {0};
    struct coco_platform platform = {.os = "linux", .architecture = "amd64"};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_manifest_parse(text, strlen(text), "", 0, &index, &err), err);
    for_each_fault()
    {
        const struct coco_descriptor *entry = NULL;

        coco_status status = coco_index_choose(&index, &platform, &entry, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(platforms_are_read_strictly),
        cmocka_unit_test(the_host_is_linux_on_something),
        cmocka_unit_test(choose_takes_the_best_that_runs),
        cmocka_unit_test(choose_refuses_broken_platforms),
        cmocka_unit_test(choose_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/platform", tests, NULL, NULL);
}
