/*
 * sealed/envelope.c - a secret in a sealed secret, encrypted by a key of its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sealed/envelope.h"

#include "base/base64.h"
#include "base/fail.h"
#include "crypto/aead.h"

#include <string.h>

#define SEALED_MAX (COCO_ENVELOPE_DATA_MAX + COCO_AEAD_TAG_SIZE)

_Static_assert(sizeof(((struct coco_envelope *)NULL)->iv) == COCO_AEAD_IV_SIZE, "IV of AES-GCM");

void
coco_envelope_done(struct coco_envelope *envelope)
{
    coco_buf_done(&envelope->wrapped);
    coco_buf_done(&envelope->sealed);
    *envelope = (struct coco_envelope){0};
}

/* ---- as JSON ---- */

static coco_status
get_bytes(const cJSON *payload, const char *member, struct coco_buf *buf, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(payload, member, &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, text, strlen(text), buf, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%s", member);
}

coco_status
coco_envelope_read(const cJSON *payload, struct coco_envelope *ret, coco_error **err)
{
    _cleanup_envelope_ struct coco_envelope envelope = {
        .wrapped = {.limit = COCO_ENVELOPE_WRAPPED_MAX},
        .sealed = {.limit = SEALED_MAX},
    };
    _cleanup_buf_ struct coco_buf iv = {.limit = COCO_AEAD_IV_SIZE};
    const char *type = NULL;

    coco_status status = coco_json_get_string(payload, "wrap_type", &type, err);
    if (status == COCO_OK && strcmp(type, COCO_ENVELOPE_WRAP_TYPE) != 0)
        status = coco_fail(err, COCO_ERR_NOTSUP, "encrypted by '%.20s', not A256GCM", type);
    if (status == COCO_OK)
        status = get_bytes(payload, "iv", &iv, err);
    if (status == COCO_OK)
        status = get_bytes(payload, "encrypted_key", &envelope.wrapped, err);
    if (status == COCO_OK)
        status = get_bytes(payload, "encrypted_data", &envelope.sealed, err);
    if (status == COCO_OK
        && (iv.len != COCO_AEAD_IV_SIZE || envelope.wrapped.len == 0
            || envelope.sealed.len < COCO_AEAD_TAG_SIZE))
        status = coco_fail(err, COCO_ERR_PROTO, "IV, key or data is too short");
    if (status != COCO_OK)
        return coco_wrap(err, status, "envelope");
    memcpy(envelope.iv, iv.data, COCO_AEAD_IV_SIZE);
    *ret = envelope;
    envelope = (struct coco_envelope){0};
    return COCO_OK;
}

coco_status
coco_envelope_write(const struct coco_envelope *envelope, cJSON *payload, coco_error **err)
{
    coco_status status = coco_json_add_base64(payload, "encrypted_key", envelope->wrapped.data,
                                              envelope->wrapped.len, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(payload, "encrypted_data", envelope->sealed.data,
                                      envelope->sealed.len, err);
    if (status == COCO_OK)
        status = coco_json_add_string(payload, "wrap_type", COCO_ENVELOPE_WRAP_TYPE, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(payload, "iv", envelope->iv, sizeof(envelope->iv), err);
    return status;
}

/* ---- what is in it ---- */

size_t
coco_envelope_size(const struct coco_envelope *envelope)
{
    return envelope->sealed.len - COCO_AEAD_TAG_SIZE;
}

coco_status
coco_envelope_seal(const void *data, size_t len, struct coco_envelope *ret, struct coco_secret *key,
                   coco_error **err)
{
    _cleanup_envelope_ struct coco_envelope envelope = {
        .wrapped = {.limit = COCO_ENVELOPE_WRAPPED_MAX},
        .sealed = {.limit = SEALED_MAX},
    };
    _cleanup_secret_ struct coco_secret fresh = {0};
    uint8_t tag[COCO_AEAD_TAG_SIZE];

    if (len > COCO_ENVELOPE_DATA_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "secret of more than %zu bytes",
                         COCO_ENVELOPE_DATA_MAX);
    coco_status status = coco_secret_random(COCO_AEAD_KEY_SIZE, &fresh, err);
    if (status == COCO_OK)
        status = coco_random(envelope.iv, sizeof(envelope.iv), err);
    if (status == COCO_OK)
        status =
            coco_aead_seal(fresh.data, envelope.iv, NULL, data, len, &envelope.sealed, tag, err);
    if (status == COCO_OK)
        status = coco_buf_append(&envelope.sealed, tag, sizeof(tag), err);
    if (status != COCO_OK)
        return status;
    *ret = envelope;
    envelope = (struct coco_envelope){0};
    *key = coco_secret_steal(&fresh);
    return COCO_OK;
}

coco_status
coco_envelope_open(const struct coco_envelope *envelope, const void *key, size_t key_len,
                   struct coco_secret *ret, coco_error **err)
{
    size_t len = coco_envelope_size(envelope);

    /* One answer for a key that cannot be, and for one that is another. */
    coco_status status = key_len == COCO_AEAD_KEY_SIZE
                             ? coco_aead_open(key, envelope->iv, NULL, envelope->sealed.data, len,
                                              envelope->sealed.data + len, ret, err)
                             : coco_fail(err, COCO_ERR_VERIFY, "authentication failed");
    return status == COCO_OK ? status : coco_wrap(err, status, "envelope");
}
