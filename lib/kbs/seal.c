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
