/*
 * kbs/seal.c - values that a database may see
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/seal.h"

#include "base/fail.h"

#define AAD_MAX ((size_t)2048)

static coco_status
set_aad(const struct coco_kbs_label *label, struct coco_buf *aad, coco_error **err)
{
    aad->limit = AAD_MAX;
    return coco_buf_printf(aad, err, "%s %d %s", label->tenant, label->kind, label->name);
}

coco_status
coco_kbs_seal(const struct coco_secret *key, const struct coco_kbs_label *label, const void *data,
              size_t len, struct coco_buf *ret, coco_error **err)
{
    uint8_t head[COCO_KBS_SEAL_OVERHEAD];
    _cleanup_buf_ struct coco_buf aad = {0};
    _cleanup_buf_ struct coco_buf sealed = {.limit = len};

    coco_status status = set_aad(label, &aad, err);
    if (status == COCO_OK)
        status = coco_random(head, COCO_AEAD_IV_SIZE, err);
    if (status == COCO_OK)
        status = coco_aead_seal(key->data, head, &aad, data, len, &sealed, head + COCO_AEAD_IV_SIZE,
                                err);
    if (status == COCO_OK)
        status = coco_buf_append(ret, head, sizeof(head), err);
    if (status == COCO_OK)
        status = coco_buf_append(ret, sealed.data, sealed.len, err);
    return status;
}

coco_status
coco_kbs_unseal(const struct coco_secret *key, const struct coco_kbs_label *label,
                const uint8_t *data, size_t len, struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf aad = {0};

    if (len < COCO_KBS_SEAL_OVERHEAD)
        return coco_fail(err, COCO_ERR_VERIFY, "store: %s is cut off", label->name);
    coco_status status = set_aad(label, &aad, err);
    if (status == COCO_OK)
        status = coco_aead_open(key->data, data, &aad, data + COCO_KBS_SEAL_OVERHEAD,
                                len - COCO_KBS_SEAL_OVERHEAD, data + COCO_AEAD_IV_SIZE, ret, err);
    if (status == COCO_ERR_VERIFY)
        return coco_wrap(err, status, "store: %s", label->name);
    return status;
}

uint64_t
coco_kbs_ring_newest(const struct coco_kbs_ring *ring)
{
    return ring->n ? ring->keys[ring->n - 1].number : 0;
}

coco_status
coco_kbs_ring_add(struct coco_kbs_ring *ring, uint64_t number, struct coco_secret *key,
                  coco_error **err)
{
    size_t at = ring->n;

    if (number == 0 || number > INT64_MAX || key->len != COCO_AEAD_KEY_SIZE
        || coco_kbs_ring_find(ring, number))
        return coco_fail(err, COCO_ERR_VERIFY, "store: a key of its seals is none");
    if (ring->n == COCO_KBS_RING_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "store: more than %d keys of seals",
                         COCO_KBS_RING_MAX);
    for (; at > 0 && ring->keys[at - 1].number > number; at--)
        ring->keys[at] = ring->keys[at - 1];
    ring->keys[at].number = number;
    ring->keys[at].key = coco_secret_steal(key);
    ring->n++;
    return COCO_OK;
}

coco_status
coco_kbs_ring_renew(struct coco_kbs_ring *ring, coco_error **err)
{
    _cleanup_secret_ struct coco_secret key = {0};

    coco_status status = coco_secret_random(COCO_AEAD_KEY_SIZE, &key, err);
    if (status != COCO_OK)
        return status;
    if (ring->n == COCO_KBS_RING_MAX) {
        coco_secret_done(&ring->keys[0].key);
        for (size_t i = 1; i < ring->n; i++)
            ring->keys[i - 1] = ring->keys[i];
        ring->n--;
    }
    return coco_kbs_ring_add(ring, coco_kbs_ring_newest(ring) + 1, &key, err);
}

const struct coco_secret *
coco_kbs_ring_find(const struct coco_kbs_ring *ring, uint64_t number)
{
    for (size_t i = 0; i < ring->n; i++)
        if (ring->keys[i].number == number)
            return &ring->keys[i].key;
    return NULL;
}

void
coco_kbs_ring_done(struct coco_kbs_ring *ring)
{
    for (size_t i = 0; i < ring->n; i++)
        coco_secret_done(&ring->keys[i].key);
    ring->n = 0;
}
