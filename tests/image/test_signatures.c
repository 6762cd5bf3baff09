/*
 * tests/image/test_signatures.c - lib/image/signatures.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/signatures.h"

#include "signing.h"

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void
names_are_read_in_full(void **state)
{
    static const struct {
        const char *text, *name, *tag, *digest;
    } cases[] = {
        {"a.test/b", "a.test/b", NULL, NULL},
        {"a.test/b:latest", "a.test/b", "latest", NULL},
        {"a.test:5000/b:1", "a.test:5000/b", "1", NULL},
        {"a.test:5000/b", "a.test:5000/b", NULL, NULL},
        {"busybox", "docker.io/library/busybox", NULL, NULL},
        {"busybox:1", "docker.io/library/busybox", "1", NULL},
        {"index.docker.io/acme/x", "docker.io/acme/x", NULL, NULL},
        {"a.test/b@sha256:" HEX, "a.test/b", NULL, "sha256:" HEX},
        {"a.test/b:1@sha256:" HEX, "a.test/b", "1", "sha256:" HEX},
    };
    static const char *const wrong[] = {
        "",           "A.test/B", "docker://a.test/b", "oci:/a", "dir:/a", "a.test/b:",
        "a.test/b@x", "a b",      "https://a.test/b",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_signed_name_ struct coco_signed_name name = {0};

        assert_ok(coco_signatures_read_name(cases[i].text, &name, &f->err), f->err);
        assert_string_equal(name.name, cases[i].name);
        assert_string_equal(name.tag ? name.tag : "-", cases[i].tag ? cases[i].tag : "-");
        assert_string_equal(name.digest ? name.digest : "-",
                            cases[i].digest ? cases[i].digest : "-");
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct coco_signed_name name = {0};

        assert_fails(coco_signatures_read_name(wrong[i], &name, &f->err), f->err, COCO_ERR_INVALID,
                     "");
        assert_null(name.name);
    }
}

static void
what_is_attached_has_a_tag_of_its_own(void **state)
{
    static const struct {
        const char *ref, *want;
    } cases[] = {
        {"a.test/b:1", "a.test/b:sha256-" HEX ".sig"},
        {"busybox", "docker.io/library/busybox:sha256-" HEX ".sig"},
        {"oci:/a:1", "oci:/a:sha256-" HEX ".sig"},
        {"dir:/a", NULL},
        {"docker-archive:/a", NULL},
    };
    struct fixture *f = *state;
    struct coco_digest digest = {0};

    assert_ok(coco_digest_parse("sha256:" HEX, &digest, &f->err), f->err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, cases[i].ref);
        _cleanup_(coco_image_ref_freep) coco_image_ref *got = NULL;

        assert_ok(coco_signatures_attached_ref(ref, &digest, "sig", &got, &f->err), f->err);
        if (cases[i].want)
            assert_string_equal(coco_image_ref_text(got), cases[i].want);
        else
            assert_null(got);
    }
    digest.alg = COCO_SHA512;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, "a.test/b:1");
    coco_image_ref *got = NULL;
    assert_ok(coco_signatures_attached_ref(ref, &digest, "sig", &got, &f->err), f->err);
    assert_null(got);
}

static void
nothing_is_there_of_what_is_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    char bundle[128];

    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &f->err), f->err);
    assert_ok(copy(f, coco_image_push, "oci:%/plain", "dir:%/d", NULL), f->err);
    _cleanup_free_ char *digest = strdup(coco_image_digest(f->image));
    require_signer(f, key);
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, "dir:%/d");
    (void)snprintf(bundle, sizeof(bundle), "%s/bundle", f->dir);
    assert_fails(coco_image_pull(f->client, f->ctx, ref, bundle, NULL, &f->image, &f->err), f->err,
                 COCO_ERR_DENIED, "policy: default: sigstoreSigned: there is no signature");
    assert_no_file(f->dir, "bundle");
    sign_dir(f, key, "sha256:" HEX, 1);
    assert_fails(coco_image_pull(f->client, f->ctx, ref, bundle, NULL, &f->image, &f->err), f->err,
                 COCO_ERR_DENIED, "image: it is of another image, sha256:" HEX);
    assert_no_file(f->dir, "bundle");
    sign_dir(f, key, digest, 1);
    /* The layer is none; that it is unpacked at all says that the signature was taken. */
    coco_status status = coco_image_pull(f->client, f->ctx, ref, bundle, NULL, &f->image, &f->err);
    assert_int_not_equal(status, COCO_ERR_DENIED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_read_in_full),
        TEST(what_is_attached_has_a_tag_of_its_own),
        TEST(nothing_is_there_of_what_is_refused),
    };

    return cmocka_run_group_tests_name("image/signatures", tests, NULL, NULL);
}
