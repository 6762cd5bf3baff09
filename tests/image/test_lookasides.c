/*
 * tests/image/test_lookasides.c - lib/image/lookasides.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/lookaside.h"

#include "signing.h"

static coco_status
add(struct coco_lookasides *lookasides, const char *yaml, coco_error **err)
{
    return coco_lookasides_add(lookasides, yaml, strlen(yaml), err);
}

static void
the_most_specific_scope_is_found(void **state)
{
    static const char *const files[] = {
        "default-docker:\n  lookaside: file:///default\n",
        "docker:\n"
        "  a.test:\n"
        "    sigstore: http://old.test/\n"
        "    lookaside-staging: file:///never\n"
        "  a.test/ns/app:\n"
        "    lookaside: https://new.test/s\n"
        "    sigstore: http://old.test/\n"
        "    use-sigstore-attachments: true\n",
        "docker:\n"
        "  a.test/ns/app:v2:\n"
        "    use-sigstore-attachments: false\n"
        "  '*.b.test':\n"
        "    lookaside: file:///b\n"
        "  c.test:\n"
        "    use-sigstore-attachments: True\n"
        "  c.test/ns:\n"
        "    lookaside: ''\n"
        "    sigstore-staging: file:///c\n"
        "  c.test/ns/app:\n"
        "  c.test/ns/tool:\n"
        "    lookaside:\n"
        "    use-sigstore-attachments:\n",
    };
    static const struct {
        const char *ref, *url;
        bool attachments;
    } cases[] = {
        {"a.test/x:1", "http://old.test/", false},
        {"a.test/ns/app:v1", "https://new.test/s", true},
        {"a.test/ns/app:v2", "https://new.test/s", false},
        {"x.b.test/app:1", "file:///b", false},
        {"b.test/app:1", "file:///default", false},
        {"busybox", "file:///default", false},
        /* What one scope does not say a wider one does. */
        {"c.test/app:1", "file:///default", true},
        {"c.test/ns/x:1", "file:///default", true},
        {"c.test/ns/app:1", "file:///default", true},
        {"c.test/ns/tool:1", "file:///default", true},
    };
    struct fixture *f = *state;
    struct coco_lookasides lookasides = {0};
    const char *url = NULL;
    bool attachments = false;

    _cleanup_(coco_image_ref_freep) coco_image_ref *any = ref_of(f, "a.test/x:1");
    assert_ok(coco_lookasides_find(&lookasides, any, &url, &attachments, &f->err), f->err);
    assert_null(url);
    assert_true(attachments);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        assert_ok(add(&lookasides, files[i], &f->err), f->err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, cases[i].ref);

        assert_ok(coco_lookasides_find(&lookasides, ref, &url, &attachments, &f->err), f->err);
        assert_string_equal(url ? url : "-", cases[i].url ? cases[i].url : "-");
        assert_int_equal(attachments, cases[i].attachments);
    }
    coco_lookasides_done(&lookasides);
}

static void
signatures_are_written_where_it_is_said(void **state)
{
    static const char file[] = "default-docker:\n"
                               "  lookaside: https://default.test/s\n"
                               "docker:\n"
                               "  a.test:\n"
                               "    sigstore: http://a.test/s\n"
                               "    sigstore-staging: file:///old\n"
                               "  a.test/ns/app:\n"
                               "    lookaside: https://a.test/s\n"
                               "    lookaside-staging: file:///new\n"
                               "    sigstore-staging: file:///old\n"
                               "  a.test/other:\n"
                               "    use-sigstore-attachments: true\n";
    static const struct {
        const char *ref, *url;
    } cases[] = {
        {"a.test/x:1", "file:///old"},
        {"a.test/ns/app:1", "file:///new"},
        {"a.test/other:1", "file:///old"},
        {"b.test/x:1", "https://default.test/s"},
        {"oci:%/plain", NULL},
    };
    struct fixture *f = *state;
    struct coco_lookasides lookasides = {0};
    const char *url = "x";

    _cleanup_(coco_image_ref_freep) coco_image_ref *any = ref_of(f, "a.test/x:1");
    assert_ok(coco_lookasides_find_staging(&lookasides, any, &url, &f->err), f->err);
    assert_null(url);
    assert_ok(add(&lookasides, file, &f->err), f->err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, cases[i].ref);

        assert_ok(coco_lookasides_find_staging(&lookasides, ref, &url, &f->err), f->err);
        assert_string_equal(url ? url : "-", cases[i].url ? cases[i].url : "-");
    }
    coco_lookasides_done(&lookasides);
}

static void
other_files_are_refused(void **state)
{
    static const char *const cases[] = {
        "- a\n",
        "docker: x\n",
        "podman:\n  a.test:\n    lookaside: x\n",
        "docker:\n  a.test: x\n",
        "docker:\n  a.test:\n    lookasides: x\n",
        "docker:\n  a.test:\n    lookaside: [x]\n",
        "docker:\n  a.test:\n    use-sigstore-attachments: maybe\n",
        "docker:\n  a.test:\n    use-sigstore-attachments: tRUE\n",
        "docker:\n  '':\n    lookaside: x\n",
        "default-docker:\n  lookaside: a\n",
        "docker:\n  taken.test:\n    lookaside: a\n",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_lookasides lookasides = {0};

        assert_ok(add(&lookasides, "docker:\n  taken.test:\n    lookaside: a\n", &f->err), f->err);
        assert_ok(add(&lookasides, "default-docker:\n  lookaside: a\n", &f->err), f->err);
        coco_status status = add(&lookasides, cases[i], &f->err);
        if (status != COCO_ERR_PROTO && status != COCO_ERR_NOTSUP)
            fail_msg("%s: %s", cases[i], coco_status_name(status));
        coco_error_free(f->err);
        f->err = NULL;
        coco_lookasides_done(&lookasides);
    }
}

static void
reading_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        struct coco_lookasides lookasides = {0};

        coco_status status =
            add(&lookasides, "docker:\n  a.test:\n    lookaside: file:///x\n", &f->err);
        fault_expect(status, f->err);
        coco_lookasides_done(&lookasides);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_most_specific_scope_is_found),
        TEST(signatures_are_written_where_it_is_said),
        TEST(other_files_are_refused),
        TEST(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/lookasides", tests, NULL, NULL);
}
