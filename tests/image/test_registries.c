/*
 * tests/image/test_registries.c - lib/image/registries.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/registries.h"

#include "base/buf.h"
#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEX64 "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

static coco_status
parse(const char *text, struct coco_registries *ret, coco_error **err)
{
    return coco_registries_parse(text, strlen(text), ret, err);
}

static void
files_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status want;
        const char *why;
    } cases[] = {
        {"=", COCO_ERR_PROTO, "registries.conf: "},
        {"registry = 1", COCO_ERR_PROTO, "registry"},
        {"[registry]\nprefix = 'a.test'", COCO_ERR_PROTO, "registry"},
        {"registry = [1]", COCO_ERR_PROTO, "registry 1: not a table"},
        /* What is misspelt would be a rule that is not followed (T33). */
        {"block = true", COCO_ERR_PROTO, "block"},
        {"[[registry]]\nprefix = 'a.test'\nblock = true", COCO_ERR_PROTO, "registry 1: "},
        {"[[registry]]\nprefix = 'a.test'\n[[registry.mirrors]]\nlocation = 'b.test'",
         COCO_ERR_PROTO, "registry 1: "},
        {"[[registry]]\nprefix = 'a.test'\n[[registry.mirror]]\nlocation = 'b.test'\nblocked = "
         "true",
         COCO_ERR_PROTO, "registry 1: mirror 1: "},
        {"[[registry]]\nprefix = 'a.test'\nblocked = 'true'", COCO_ERR_PROTO, "blocked"},
        {"[[registry]]\nprefix = 'a.test'\ninsecure = 1", COCO_ERR_PROTO, "insecure"},
        {"[[registry]]\nprefix = 1", COCO_ERR_PROTO, "prefix"},
        {"[[registry]]\nlocation = []", COCO_ERR_PROTO, "location"},
        {"[[registry]]", COCO_ERR_PROTO, "registry 1: neither prefix nor location"},
        {"[[registry]]\nprefix = ''\nlocation = ''", COCO_ERR_PROTO, "neither"},
        {"[[registry]]\nprefix = 'a.test'\n[[registry]]\nlocation = 'a.test'", COCO_ERR_PROTO,
         "registry 2: prefix 'a.test' twice"},
        /* Names */
        {"[[registry]]\nprefix = 'https://a.test'", COCO_ERR_PROTO, "is not host[:port][/name]"},
        {"[[registry]]\nprefix = 'a.test/'", COCO_ERR_PROTO, "'a.test/' is not"},
        {"[[registry]]\nprefix = 'busybox'", COCO_ERR_PROTO, "'busybox' is not"},
        {"[[registry]]\nprefix = 'a.test/B'", COCO_ERR_PROTO, "'a.test/B' is not"},
        {"[[registry]]\nprefix = 'a.test:0'", COCO_ERR_PROTO, "'a.test:0' is not"},
        {"[[registry]]\nprefix = 'a.test/../b'", COCO_ERR_PROTO, "is not"},
        {"[[registry]]\nprefix = 'u:p@a.test'", COCO_ERR_PROTO, "is not"},
        {"[[registry]]\nprefix = '*'", COCO_ERR_PROTO, "'*' is not"},
        {"[[registry]]\nprefix = '*.'", COCO_ERR_PROTO, "is not"},
        {"[[registry]]\nprefix = '*.test'", COCO_ERR_PROTO, "'test' is not"},
        {"[[registry]]\nprefix = '*.*.test'", COCO_ERR_PROTO, "is not *.host"},
        {"[[registry]]\nprefix = '*.a.test/b'", COCO_ERR_PROTO, "is not *.host"},
        {"[[registry]]\nprefix = 'a.*.test'", COCO_ERR_PROTO, "is not"},
        {"[[registry]]\nprefix = 'a.test'\nlocation = '*.b.test'", COCO_ERR_PROTO, "is not"},
        {"[[registry]]\nprefix = 'a.test'\nlocation = \"b.test\\n\"", COCO_ERR_PROTO, "is not"},
        {"[[registry]]\nprefix = 'a.test'\n[[registry.mirror]]", COCO_ERR_PROTO, "location"},
        {"[[registry]]\nprefix = 'a.test'\n[[registry.mirror]]\nlocation = ''", COCO_ERR_PROTO,
         "mirror 1: '' is not"},
        {"[[registry]]\nprefix = 'a.test'\n[[registry.mirror]]\nlocation = 'b.test'\n"
         "pull-from-mirror = 'digest'",
         COCO_ERR_PROTO, "all, digest-only or tag-only, not 'digest'"},
        {"[[registry]]\nprefix = 'a.test'\nmirror-by-digest-only = true\n[[registry.mirror]]\n"
         "location = 'b.test'\npull-from-mirror = 'all'",
         COCO_ERR_PROTO, "mirror-by-digest-only"},
        /* Short names */
        {"unqualified-search-registries = 'docker.io'", COCO_ERR_PROTO, "unqualified-search"},
        {"unqualified-search-registries = [1]", COCO_ERR_PROTO, "not a string"},
        {"unqualified-search-registries = ['x']", COCO_ERR_PROTO, "'x' is not"},
        {"[aliases]\na = 1", COCO_ERR_PROTO, "aliases: 'a'"},
        {"[aliases]\na = 'b'", COCO_ERR_PROTO, "aliases: 'a': 'b' is not"},
        {"short-name-mode = []", COCO_ERR_PROTO, "short-name-mode"},
        /* What would be ignored */
        {"[registries.search]\nregistries = ['a.test']", COCO_ERR_NOTSUP, "version 1"},
        {"credential-helpers = ['pass']", COCO_ERR_NOTSUP, "credential-helpers"},
        {"credential-helpers = [1]", COCO_ERR_NOTSUP, "credential-helpers"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_registries registries = {0};
        coco_error *err = NULL;

        coco_status status = parse(cases[i].text, &registries, &err);
        print_message("# case %zu: %s\n", i, coco_error_message(err));
        assert_fails(status, err, cases[i].want, cases[i].why);
        assert_null(registries.json);
    }
}

static void
more_mirrors_than_are_asked_are_refused(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    struct coco_registries registries = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_buf_append_text(&text, "[[registry]]\nprefix = 'a.test'\n", &err), err);
    for (int i = 0; i < COCO_MIRRORS_MAX; i++)
        assert_ok(coco_buf_append_text(&text, "[[registry.mirror]]\nlocation = 'b.test'\n", &err),
                  err);
    assert_ok(parse(coco_buf_text(&text), &registries, &err), err);
    coco_registries_done(&registries);
    assert_ok(coco_buf_append_text(&text, "[[registry.mirror]]\nlocation = 'b.test'\n", &err), err);
    assert_fails(parse(coco_buf_text(&text), &registries, &err), err, COCO_ERR_LIMIT,
                 "registry 1: more than 16 mirrors");
}

/* The places of name, with a space between and "!" behind those without TLS, or the error. */
static void
assert_places(const struct coco_registries *registries, const char *name, const char *want)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_places_ struct coco_places places = {0};
    _cleanup_buf_ struct coco_buf got = {.limit = 4096};
    coco_error *err = NULL;

    assert_ok(coco_image_ref_parse(name, &ref, &err), err);
    coco_status status = coco_registries_find(registries, ref, &places, &err);
    if (status != COCO_OK) {
        assert_contains(coco_error_message(err), want);
        assert_int_equal(places.n, 0);
        coco_error_free(err);
        return;
    }
    for (size_t i = 0; i < places.n; i++)
        assert_ok(coco_buf_printf(&got, &err, "%s%s%s", i ? " " : "",
                                  coco_image_ref_text(places.list[i].ref),
                                  places.list[i].insecure ? "!" : ""),
                  err);
    assert_string_equal(coco_buf_text(&got), want);
}

static void
a_name_leads_where_its_longest_prefix_says(void **state)
{
    static const char text[] =
        "unqualified-search-registries = ['docker.io']\n"
        "short-name-mode = 'enforcing'\n"
        "credential-helpers = ['containers-auth.json']\n"
        "[[registry]]\nprefix = 'a.test'\nlocation = 'b.test:5000/mirror'\n"
        "[[registry]]\nprefix = 'a.test/ns'\ninsecure = true\n"
        "[[registry]]\nprefix = 'a.test/ns/bad'\nblocked = true\n"
        "[[registry]]\nprefix = 'a.test/ns/one:1'\nlocation = 'c.test/two:2'\n"
        "[[registry]]\nprefix = '*.wild.test'\nlocation = 'd.test/w'\n"
        "[[registry]]\nprefix = '*.keep.test'\ninsecure = true\n"
        "[[registry]]\nprefix = 'x.wild.test'\nblocked = true\n"
        "[[registry]]\nlocation = 'e.test:1'\n"
        "[[registry]]\nprefix = 'docker.io'\nlocation = 'hub.test'\n"
        "[[registry]]\nprefix = 'm.test'\n"
        "[[registry.mirror]]\nlocation = 'm1.test'\ninsecure = true\n"
        "[[registry.mirror]]\nlocation = 'm2.test/x'\npull-from-mirror = 'digest-only'\n"
        "[[registry.mirror]]\nlocation = 'm3.test'\npull-from-mirror = 'tag-only'\n"
        "[[registry.mirror]]\nlocation = 'm4.test'\npull-from-mirror = 'all'\n"
        "[[registry]]\nprefix = 'n.test'\nmirror-by-digest-only = true\n"
        "[[registry.mirror]]\nlocation = 'm1.test'\n";
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"other.test/x:1", "other.test/x:1"},
        {"a.test/x", "b.test:5000/mirror/x:latest"},
        {"a.test/x@sha256:" HEX64, "b.test:5000/mirror/x@sha256:" HEX64},
        {"a.test/nsx:1", "b.test:5000/mirror/nsx:1"},
        {"a.test/ns/x:1", "a.test/ns/x:1!"},
        {"a.test/ns:1", "a.test/ns:1!"},
        {"a.test/ns/bad:1", "registries.conf blocks 'a.test/ns/bad'"},
        {"a.test/ns/bad/y@sha256:" HEX64, "registries.conf blocks 'a.test/ns/bad'"},
        {"a.test/ns/badder:1", "a.test/ns/badder:1!"},
        {"a.test/ns/one:1", "c.test/two:2"},
        {"a.test/ns/one:11", "a.test/ns/one:11!"},
        /* Neither another port nor another host is the same. */
        {"a.test:5000/x:1", "a.test:5000/x:1"},
        {"a.test.evil.test/x:1", "a.test.evil.test/x:1"},
        {"b.wild.test/x:1", "d.test/w/x:1"},
        {"b.c.wild.test:5000/x:1", "d.test/w/x:1"},
        {"wild.test/x:1", "wild.test/x:1"},
        {"evilwild.test/x:1", "evilwild.test/x:1"},
        {"evil.test/x.wild.test:1", "evil.test/x.wild.test:1"},
        {"b.wild.test.evil.test/x:1", "b.wild.test.evil.test/x:1"},
        {"x.wild.test/y:1", "registries.conf blocks 'x.wild.test'"},
        {"b.keep.test:5/x:1", "b.keep.test:5/x:1!"},
        {"e.test:1/x:1", "e.test:1/x:1"},
        {"busybox", "hub.test/library/busybox:latest"},
        {"docker.io/ns/x:1", "hub.test/ns/x:1"},
        {"m.test/x:1", "m1.test/x:1! m3.test/x:1 m4.test/x:1 m.test/x:1"},
        {"m.test/x@sha256:" HEX64, "m1.test/x@sha256:" HEX64 "! m2.test/x/x@sha256:" HEX64
                                   " m4.test/x@sha256:" HEX64 " m.test/x@sha256:" HEX64},
        {"n.test/x:1", "n.test/x:1"},
        {"n.test/x:1@sha256:" HEX64, "m1.test/x:1@sha256:" HEX64 " n.test/x:1@sha256:" HEX64},
    };
    struct coco_registries registries = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse(text, &registries, &err), err);
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_places(&registries, cases[i].name, cases[i].want);
    coco_registries_done(&registries);
}

static void
without_a_file_all_is_as_it_is_named(void **state)
{
    const struct coco_registries none = {0};

    (void)state;
    assert_places(&none, "busybox", "docker.io/library/busybox:latest");
    assert_places(&none, "a.test:5/x:1", "a.test:5/x:1");
}

static void
a_short_name_means_one_image_or_is_refused(void **state)
{
    static const struct {
        const char *text, *name, *want;
    } cases[] = {
        {"", "busybox", "docker.io/library/busybox:latest"},
        {"unqualified-search-registries = ['docker.io']", "ns/x:1", "docker.io/ns/x:1"},
        {"unqualified-search-registries = ['a.test']", "busybox",
         "docker.io/library/busybox:latest, but registries.conf looks for it in a.test: spell"},
        {"unqualified-search-registries = ['docker.io', 'a.test']", "busybox",
         "looks for it in docker.io, a.test"},
        {"unqualified-search-registries = []", "busybox", "looks for it in no registry"},
        {"unqualified-search-registries = ['a.test']", "docker.io/library/busybox:1",
         "docker.io/library/busybox:1"},
        {"unqualified-search-registries = ['a.test']", "b.test/busybox:1", "b.test/busybox:1"},
        {"[aliases]\nbusybox = 'a.test/bb'", "busybox", "looks for it in a.test/bb"},
        {"[aliases]\n'ns/x' = 'a.test/bb'", "ns/x:1", "looks for it in a.test/bb"},
        {"[aliases]\nbusybox = 'a.test/bb'", "docker.io/library/busybox:1",
         "docker.io/library/busybox:1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_registries registries = {0};
        coco_error *err = NULL;

        assert_ok(parse(cases[i].text, &registries, &err), err);
        assert_places(&registries, cases[i].name, cases[i].want);
        coco_registries_done(&registries);
    }
}

static void
what_is_put_goes_where_its_name_says(void **state)
{
    struct coco_registries registries = {0};
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_(coco_image_ref_freep) coco_image_ref *bad = NULL;
    _cleanup_(coco_image_ref_freep) coco_image_ref *short_one = NULL;
    bool insecure = false;
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse("unqualified-search-registries = ['a.test']\n"
                    "[[registry]]\nprefix = 'a.test'\nlocation = 'b.test'\ninsecure = true\n"
                    "[[registry]]\nprefix = 'bad.test'\nblocked = true\n",
                    &registries, &err),
              err);
    assert_ok(coco_image_ref_parse("a.test/x:1", &ref, &err), err);
    assert_ok(coco_image_ref_parse("bad.test/x:1", &bad, &err), err);
    assert_ok(coco_image_ref_parse("x:1", &short_one, &err), err);
    assert_ok(coco_registries_find_own(&registries, ref, &insecure, &err), err);
    assert_true(insecure);
    assert_fails(coco_registries_find_own(&registries, bad, &insecure, &err), err, COCO_ERR_DENIED,
                 "blocks 'bad.test'");
    assert_fails(coco_registries_find_own(&registries, short_one, &insecure, &err), err,
                 COCO_ERR_INVALID, "spell its registry out");
    coco_registries_done(&registries);
}

static void
a_location_that_makes_no_name_is_told(void **state)
{
    struct coco_registries registries = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(
        parse("[[registry]]\nprefix = 'a.test'\nlocation = 'b.test/x:1'\n", &registries, &err),
        err);
    assert_places(&registries, "a.test/y:2", "registries.conf: location 'b.test/x:1'");
    coco_registries_done(&registries);
}

static void
registries_survive_any_failed_allocation(void **state)
{
    static const char text[] = "unqualified-search-registries = ['docker.io']\n"
                               "[[registry]]\nprefix = 'docker.io'\n"
                               "[[registry.mirror]]\nlocation = 'm.test'\n";
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    coco_error *none = NULL;

    (void)state;
    assert_ok(coco_image_ref_parse("busybox", &ref, &none), none);
    for_each_fault()
    {
        struct coco_registries registries = {0};
        _cleanup_places_ struct coco_places places = {0};
        bool insecure = false;
        coco_error *err = NULL;

        coco_status status = parse(text, &registries, &err);
        if (status == COCO_OK)
            status = coco_registries_find(&registries, ref, &places, &err);
        if (status == COCO_OK)
            status = coco_registries_find_own(&registries, ref, &insecure, &err);
        fault_expect(status, err);
        coco_registries_done(&registries);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_are_none_are_refused),
        cmocka_unit_test(more_mirrors_than_are_asked_are_refused),
        cmocka_unit_test(a_name_leads_where_its_longest_prefix_says),
        cmocka_unit_test(without_a_file_all_is_as_it_is_named),
        cmocka_unit_test(a_short_name_means_one_image_or_is_refused),
        cmocka_unit_test(what_is_put_goes_where_its_name_says),
        cmocka_unit_test(a_location_that_makes_no_name_is_told),
        cmocka_unit_test(registries_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/registries", tests, NULL, NULL);
}
