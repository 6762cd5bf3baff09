/*
 * tests/image/test_sign.c - lib/image/sign.c, with a real registry
 *
 * What cosign makes of it is in tests/cli/test_signatures.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/registry.h"

#include "signing.h"

struct signer {
    struct registry registry;
    EVP_PKEY *key;
    struct coco_buf pem;
    char name[128];
};

static void
begin_registry(struct fixture *f, struct signer *s)
{
    *s = (struct signer){.pem.limit = 1 << 14};
    registry_start(&s->registry, f->dir, "", "");
    (void)snprintf(s->name, sizeof(s->name), "%s/acme/app:1", s->registry.host);
    assert_ok(copy(f, coco_image_push, "oci:%/plain", s->name, NULL), f->err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &s->key, &f->err), f->err);
    assert_ok(coco_key_private_pem(s->key, &s->pem, &f->err), f->err);
}

static void
end_registry(struct signer *s)
{
    registry_stop(&s->registry);
    EVP_PKEY_free(s->key);
    coco_buf_done(&s->pem);
}

static coco_status
sign(struct fixture *f, const struct signer *s, const char *name, bool *already)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, name);
    coco_bytes *bytes = NULL;

    coco_status status =
        coco_image_sign(f->client, f->ctx, ref, s->pem.data, s->pem.len, &bytes, &f->err);
    if (status == COCO_OK)
        *already =
            memmem(coco_bytes_data(bytes), coco_bytes_size(bytes), "\"already\":true", 14) != NULL;
    coco_bytes_free(bytes);
    return status;
}

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

    EVP_PKEY_free(coco_steal(&s.key));
    assert_ok(coco_key_generate(COCO_KEY_P384, &s.key, &f->err), f->err);
    coco_buf_reset(&s.pem);
    assert_ok(coco_key_private_pem(s.key, &s.pem, &f->err), f->err);
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

static void
signing_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    struct signer s;

    begin_registry(f, &s);
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, s.name);
    for_each_fault()
    {
        coco_bytes *bytes = NULL;

        coco_status status =
            coco_image_sign(f->client, f->ctx, ref, s.pem.data, s.pem.len, &bytes, &f->err);
        /* A message that nobody gets to see may lose a part unnoticed: that nothing is there. */
        assert_true(status == COCO_ERR_NOMEM || (status == COCO_OK && bytes));
        assert_int_equal(coco_error_status(f->err), status);
        coco_error_free(f->err);
        f->err = NULL;
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
