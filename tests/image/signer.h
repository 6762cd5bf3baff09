/*
 * tests/image/signer.h - an image in a real registry, and a key that signs it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_SIGNER_H
#define COCO_TESTS_SIGNER_H

#include "tests/registry.h"

#include "signing.h"

#include <errno.h>
#include <unistd.h>

struct signer {
    struct registry registry;
    EVP_PKEY *key;
    struct coco_buf pem;
    char name[128];
};

static inline void
begin_registry(struct fixture *f, struct signer *s)
{
    *s = (struct signer){.pem.limit = 1 << 14};
    registry_start(&s->registry, f->dir, "", "");
    (void)snprintf(s->name, sizeof(s->name), "%s/acme/app:1", s->registry.host);
    assert_ok(copy(f, coco_image_push, "oci:%/plain", s->name, NULL), f->err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &s->key, &f->err), f->err);
    assert_ok(coco_key_private_pem(s->key, &s->pem, &f->err), f->err);
}

static inline void
end_registry(struct signer *s)
{
    registry_stop(&s->registry);
    EVP_PKEY_free(s->key);
    coco_buf_done(&s->pem);
}

/* A key for which there is no signature yet. */
static inline void
change_key(struct fixture *f, struct signer *s, enum coco_key_kind kind)
{
    EVP_PKEY_free(coco_steal(&s->key));
    assert_ok(coco_key_generate(kind, &s->key, &f->err), f->err);
    coco_buf_reset(&s->pem);
    assert_ok(coco_key_private_pem(s->key, &s->pem, &f->err), f->err);
}

static inline coco_status
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

/* Of sha256-<hex>SUFFIX, as nobody but the registry itself can: a tag is a file of it. */
static inline void
forget_tag(struct fixture *f, const char *suffix)
{
    char path[512];

    (void)snprintf(
        path, sizeof(path),
        "%s/registry/docker/registry/v2/repositories/acme/app/_manifests/tags/sha256-%s%s/"
        "current/link",
        f->dir, coco_image_digest(f->image) + strlen("sha256:"), suffix);
    assert_true(unlink(path) == 0 || errno == ENOENT);
}

#endif
