/*
 * tests/image/test_sign.c - lib/image/sign.c, with a real registry
 *
 * What cosign makes of it is in tests/cli/test_signatures.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signer.h"

static void
a_signature_is_made_once_for_each_key(void **state)
{
    struct fixture *f = *state;
    struct signer s;
    bool already = true;

    begin_registry(f, &s);
    assert_ok(sign(f, &s, s.name, &already), f->err);
    assert_false(already);
    assert_ok(sign(f, &s, s.name, &already), f->err);
    assert_true(already);

    change_key(f, &s, COCO_KEY_P384);
    assert_ok(sign(f, &s, s.name, &already), f->err);
    assert_false(already);
    end_registry(&s);
}

static void
what_cannot_be_signed_is_refused(void **state)
{
    struct fixture *f = *state;
    struct signer s;
    char other[256];
    bool already = false;

    begin_registry(f, &s);
    assert_fails(sign(f, &s, "oci:%/plain", &already), f->err, COCO_ERR_NOTSUP, "in registries");
    (void)snprintf(other, sizeof(other), "%s2", s.name);
    assert_fails(sign(f, &s, other, &already), f->err, COCO_ERR_NOTFOUND, "");
    (void)snprintf(other, sizeof(other), "%s@sha256:%064d", s.name, 0);
    assert_fails(sign(f, &s, other, &already), f->err, COCO_ERR_NOTFOUND, "");
    s.pem.data[30] ^= 1;
    assert_fails(sign(f, &s, s.name, &already), f->err, COCO_ERR_PROTO, "key that signs");
    coco_buf_reset(&s.pem);
    assert_fails(sign(f, &s, s.name, &already), f->err, COCO_ERR_PROTO, "key that signs");
    end_registry(&s);
}

/*
 * That nothing was there yet is a failure whose message is dropped, and may have lost a part of it
 * before. Then nothing else may be different; and the next round begins anew.
 */
static void
signing_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    struct signer s;
    char want[512];

    begin_registry(f, &s);
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, s.name);
    const char *digest = coco_image_digest(f->image);
    (void)snprintf(want, sizeof(want),
                   "{\"reference\":\"%s\",\"digest\":\"%s\",\"signature\":"
                   "\"%.*s:sha256-%s.sig\",\"already\":false}",
                   s.name, digest, (int)strlen(s.name) - 2, s.name, digest + strlen("sha256:"));
    for_each_fault()
    {
        coco_bytes *bytes = NULL;

        coco_status status =
            coco_image_sign(f->client, f->ctx, ref, s.pem.data, s.pem.len, &bytes, &f->err);
        assert_int_equal(coco_error_status(f->err), status);
        coco_error_free(f->err);
        f->err = NULL;
        faults_pause();
        if (status == COCO_OK) {
            assert_int_equal(coco_bytes_size(bytes), strlen(want));
            assert_memory_equal(coco_bytes_data(bytes), want, strlen(want));
        } else {
            assert_int_equal(status, COCO_ERR_NOMEM);
        }
        forget_tag(f, ".sig");
        faults_resume();
        coco_bytes_free(bytes);
    }
    end_registry(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_signature_is_made_once_for_each_key),
        TEST(what_cannot_be_signed_is_refused),
        TEST(signing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/sign", tests, NULL, NULL);
}
