/*
 * tests/image/test_judge.c - lib/image/judge.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signing.h"

static char *
judge(struct fixture *f, const char *format, coco_status *status)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, format);
    coco_bytes *bytes = NULL;

    *status = coco_image_judge(f->client, f->ctx, ref, NULL, &bytes, &f->err);
    if (*status != COCO_OK)
        return NULL;
    char *text = strndup((const char *)coco_bytes_data(bytes), coco_bytes_size(bytes));
    coco_bytes_free(bytes);
    return text;
}

static void
says(struct fixture *f, const char *format, const char *part)
{
    coco_status status = COCO_OK;
    _cleanup_free_ char *text = judge(f, format, &status);

    assert_ok(status, f->err);
    assert_contains(text, part);
}

static void
the_verdict_says_what_was_checked(void **state)
{
    struct fixture *f = *state;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_pkey_ EVP_PKEY *other = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &f->err), f->err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &other, &f->err), f->err);
    assert_ok(copy(f, coco_image_push, "oci:%/plain", "dir:%/d", NULL), f->err);
    says(f, "dir:%/d", "\"digest\":null,\"accepted\":false,\"reason\":\"no policy");
    require_signer(f, key);
    says(f, "dir:%/d", "there is no signature");
    says(f, "oci:%/plain", "there is no signature");
    sign_dir(f, other, coco_image_digest(f->image), 1);
    says(f, "dir:%/d", "signature-1: signature: it is not made by the key");
    sign_dir(f, key, coco_image_digest(f->image), 2);
    says(f, "dir:%/d", "\"accepted\":true,\"scopes\":[{");
    /* A gap ends them. */
    sign_dir(f, other, coco_image_digest(f->image), 2);
    sign_dir(f, key, coco_image_digest(f->image), 4);
    says(f, "dir:%/d", "\"accepted\":false");
}

static void
what_is_not_there_is_an_error(void **state)
{
    struct fixture *f = *state;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    coco_status status = COCO_OK;

    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &f->err), f->err);
    require_signer(f, key);
    assert_null(judge(f, "dir:%/none", &status));
    assert_fails(status, f->err, COCO_ERR_NOTFOUND, "none");
    assert_null(judge(f, "127.0.0.1:1/a:1", &status));
    assert_fails(status, f->err, COCO_ERR_NET, "127.0.0.1");
}

static void
judging_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &f->err), f->err);
    assert_ok(copy(f, coco_image_push, "oci:%/plain", "dir:%/d", NULL), f->err);
    sign_dir(f, key, coco_image_digest(f->image), 1);
    require_signer(f, key);
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, "dir:%/d");
    for_each_fault()
    {
        coco_bytes *bytes = NULL;

        coco_status status = coco_image_judge(f->client, f->ctx, ref, NULL, &bytes, &f->err);
        /* A message that nobody gets to see may lose a part unnoticed: that nothing is there. */
        assert_true(status == COCO_ERR_NOMEM || (status == COCO_OK && bytes));
        assert_int_equal(coco_error_status(f->err), status);
        coco_error_free(f->err);
        f->err = NULL;
        coco_bytes_free(bytes);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_verdict_says_what_was_checked),
        TEST(what_is_not_there_is_an_error),
        TEST(judging_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/judge", tests, NULL, NULL);
}
