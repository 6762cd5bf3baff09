/*
 * crypto/openpgp_none.c - OpenPGP in a build without it: a ring cannot be made
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/openpgp.h"

#include "base/fail.h"

static coco_status
fail(coco_error **err)
{
    return coco_fail(err, COCO_ERR_NOTSUP, "this build has no OpenPGP");
}

coco_status
coco_pgp_ring_new(struct coco_pgp_ring **ret, coco_error **err)
{
    (void)ret;
    return fail(err);
}

void
coco_pgp_ring_free(struct coco_pgp_ring *ring)
{
    (void)ring;
}

coco_status
coco_pgp_ring_add(struct coco_pgp_ring *ring, const void *keys, size_t len, coco_error **err)
{
    (void)ring;
    (void)keys;
    (void)len;
    return fail(err);
}

coco_status
coco_pgp_ring_add_password(struct coco_pgp_ring *ring, const void *password, size_t len,
                           coco_error **err)
{
    (void)ring;
    (void)password;
    (void)len;
    return fail(err);
}

coco_status
coco_pgp_ring_count(const struct coco_pgp_ring *ring, struct coco_pgp_count *ret, coco_error **err)
{
    (void)ring;
    (void)ret;
    return fail(err);
}

bool
coco_pgp_ring_has(const struct coco_pgp_ring *ring, const char *fingerprint)
{
    (void)ring;
    (void)fingerprint;
    return false;
}

coco_status
coco_pgp_verify(const struct coco_pgp_ring *ring, const void *message, size_t len, uint64_t now,
                struct coco_buf *payload, struct coco_pgp_signature *ret, coco_error **err)
{
    (void)ring;
    (void)message;
    (void)len;
    (void)now;
    (void)payload;
    (void)ret;
    return fail(err);
}

coco_status
coco_pgp_sign(struct coco_pgp_ring *ring, const char *who, const void *data, size_t len,
              struct coco_buf *message, coco_error **err)
{
    (void)ring;
    (void)who;
    (void)data;
    (void)len;
    (void)message;
    return fail(err);
}

coco_status
coco_pgp_encrypt(const struct coco_pgp_ring *ring, const char *const *who, size_t n,
                 const void *data, size_t len, struct coco_buf *message, coco_error **err)
{
    (void)ring;
    (void)who;
    (void)n;
    (void)data;
    (void)len;
    (void)message;
    return fail(err);
}

coco_status
coco_pgp_check_recipient(const struct coco_pgp_ring *ring, const char *who, coco_error **err)
{
    (void)ring;
    (void)who;
    return fail(err);
}

coco_status
coco_pgp_decrypt(struct coco_pgp_ring *ring, const void *message, size_t len,
                 struct coco_secret *ret, coco_error **err)
{
    (void)ring;
    (void)message;
    (void)len;
    (void)ret;
    return fail(err);
}
