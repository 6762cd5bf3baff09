/*
 * tests/image/test_sign_referrer.c - lib/image/sign_referrer.c, with a real registry
 *
 * What cosign's modules make of it, and registries that list what refers to an image, are in
 * tests/cli/test_referrers.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"
#include "base/fd.h"

#include "signer.h"

static const char *const forms[] = {"referrer", "bundle"};

static void
set_form(struct fixture *f, const char *form)
{
    assert_ok(coco_image_client_set_signature_form(f->client, form, &f->err), f->err);
}

static void
a_signature_is_made_once_for_each_key_and_form(void **state)
{
    struct fixture *f = *state;
    struct signer s;
    bool already = true;

    begin_registry(f, &s);
    for (size_t i = 0; i < 2; i++) {
        set_form(f, forms[i]);
        assert_ok(sign(f, &s, s.name, &already), f->err);
        assert_false(already);
        assert_ok(sign(f, &s, s.name, &already), f->err);
        assert_true(already);
    }
    change_key(f, &s, COCO_KEY_P384);
    for (size_t i = 0; i < 2; i++) {
        set_form(f, forms[i]);
        assert_ok(sign(f, &s, s.name, &already), f->err);
        assert_false(already);
        assert_ok(sign(f, &s, s.name, &already), f->err);
        assert_true(already);
    }
    end_registry(&s);
}

/* A policy that demands a signature by the key, of whatever name it says. */
static void
require_key(struct fixture *f, EVP_PKEY *key)
{
    _cleanup_buf_ struct coco_buf json = {.limit = 4096};

    layout_write_key(f->dir, "signer", key);
    assert_ok(coco_buf_printf(&json, &f->err,
                              "{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":"
                              "\"%s/signer.pub\"}]}",
                              f->dir),
              f->err);
    assert_ok(coco_image_client_set_policy(f->client, json.data, json.len, &f->err), f->err);
}

static void
a_policy_accepts_each_form(void **state)
{
    struct fixture *f = *state;
    struct signer s;
    bool already = true;

    begin_registry(f, &s);
    for (size_t i = 0; i < 2; i++) {
        _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, s.name);
        _cleanup_(coco_bytes_freep) coco_bytes *verdict = NULL;

        change_key(f, &s, COCO_KEY_P256);
        set_form(f, forms[i]);
        assert_ok(sign(f, &s, s.name, &already), f->err);
        require_key(f, s.key);
        assert_ok(coco_image_judge(f->client, f->ctx, ref, NULL, &verdict, &f->err), f->err);
        assert_non_null(memmem(coco_bytes_data(verdict), coco_bytes_size(verdict),
                               "\"accepted\":true,\"scopes\"", 24));
    }
    end_registry(&s);
}

/* Nobody's registry: what stands beside an image is no image of the layout. */
static void
a_layout_is_signed_by_bundles_alone(void **state)
{
    struct fixture *f = *state;
    struct signer s = {.pem.limit = 1 << 14};
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, "oci:%/plain");
    _cleanup_(coco_bytes_freep) coco_bytes *verdict = NULL;
    bool already = true;

    change_key(f, &s, COCO_KEY_P256);
    set_form(f, "referrer");
    assert_fails(sign(f, &s, "oci:%/plain", &already), f->err, COCO_ERR_NOTSUP, "only as a bundle");
    set_form(f, "bundle");
    assert_fails(sign(f, &s, "dir:%/plain", &already), f->err, COCO_ERR_NOTSUP, "in registries");
    assert_ok(sign(f, &s, "oci:%/plain", &already), f->err);
    assert_false(already);
    assert_ok(sign(f, &s, "oci:%/plain", &already), f->err);
    assert_true(already);
    require_key(f, s.key);
    assert_ok(coco_image_judge(f->client, f->ctx, ref, NULL, &verdict, &f->err), f->err);
    assert_non_null(memmem(coco_bytes_data(verdict), coco_bytes_size(verdict),
                           "\"accepted\":true,\"scopes\"", 24));
    EVP_PKEY_free(s.key);
    coco_buf_done(&s.pem);
}

static void
other_forms_are_refused(void **state)
{
    static const char *const words[] = {"", "tags", "Bundle", "oci-1-1"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_fails(coco_image_client_set_signature_form(f->client, words[i], &f->err), f->err,
                     COCO_ERR_INVALID, "none of tag");
    set_form(f, "bundle");
    set_form(f, "tag");
    assert_int_equal(f->client->sign_by, COCO_SIGN_BY_TAG);
}

static void
check_round(struct fixture *f, coco_status status, coco_bytes *bytes)
{
    assert_int_equal(coco_error_status(f->err), status);
    coco_error_free(f->err);
    f->err = NULL;
    if (status == COCO_OK)
        assert_non_null(
            memmem(coco_bytes_data(bytes), coco_bytes_size(bytes), "\"already\":false}", 16));
    else
        assert_int_equal(status, COCO_ERR_NOMEM);
    coco_bytes_free(bytes);
}

/* As in test_sign.c: each round begins anew, and none comes to something else. */
static void
signing_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    struct signer s;

    begin_registry(f, &s);
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, s.name);
    set_form(f, "referrer");
    for_each_fault()
    {
        coco_bytes *bytes = NULL;

        coco_status status =
            coco_image_sign(f->client, f->ctx, ref, s.pem.data, s.pem.len, &bytes, &f->err);
        faults_pause();
        check_round(f, status, bytes);
        forget_tag(f, "");
        faults_resume();
    }
    end_registry(&s);
}

/* Bundles in a layout, whose index is what it was before each round. */
static void
signing_in_a_layout_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    struct signer s = {.pem.limit = 1 << 14};
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, "oci:%/plain");
    _cleanup_buf_ struct coco_buf index = {.limit = 1 << 14};
    char path[128];

    change_key(f, &s, COCO_KEY_P256);
    set_form(f, "bundle");
    (void)snprintf(path, sizeof(path), "%s/plain/index.json", f->dir);
    assert_ok(coco_file_read(path, &index, &f->err), f->err);
    for_each_fault()
    {
        coco_bytes *bytes = NULL;

        coco_status status =
            coco_image_sign(f->client, f->ctx, ref, s.pem.data, s.pem.len, &bytes, &f->err);
        faults_pause();
        check_round(f, status, bytes);
        layout_write_file(f->dir, "plain", "index.json", coco_buf_text(&index));
        faults_resume();
    }
    EVP_PKEY_free(s.key);
    coco_buf_done(&s.pem);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_signature_is_made_once_for_each_key_and_form),
        TEST(a_policy_accepts_each_form),
        TEST(a_layout_is_signed_by_bundles_alone),
        TEST(other_forms_are_refused),
        TEST(signing_survives_any_failed_allocation),
        TEST(signing_in_a_layout_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/sign_referrer", tests, NULL, NULL);
}
