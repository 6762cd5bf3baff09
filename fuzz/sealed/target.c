/*
 * fuzz/sealed/target.c - a sealed secret, and the envelope in it, are taken apart without harm
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sealed/sealed.h"

#include "base/bytes.h"
#include "sealed/envelope.h"

#include <coco/sealed.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
refused(coco_status status)
{
    return status == COCO_ERR_PROTO || status == COCO_ERR_NOTSUP || status == COCO_ERR_LIMIT;
}

/* A key that nobody has wrapped anything by opens nothing. */
static void
open_envelope(const struct coco_sealed *sealed)
{
    static const uint8_t key[32];
    _cleanup_envelope_ struct coco_envelope envelope = {0};
    _cleanup_secret_ struct coco_secret secret = {0};

    coco_status status = coco_envelope_read(sealed->jws.payload, &envelope, NULL);
    if (status != COCO_OK) {
        if (!refused(status))
            abort();
        return;
    }
    status = coco_envelope_open(&envelope, key, sizeof(key), &secret, NULL);
    if (status != COCO_OK && status != COCO_ERR_VERIFY)
        abort();
    if (status == COCO_OK && secret.len != coco_envelope_size(&envelope))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_sealed_ struct coco_sealed sealed = {0};
    _cleanup_(coco_bytes_freep) coco_bytes *told = NULL;
    _cleanup_free_ char *text = strndup((const char *)data, len);

    if (!text)
        return 0;
    coco_status status = coco_sealed_parse(text, strlen(text), &sealed, NULL);
    if (status != COCO_OK) {
        if (!refused(status) || sealed.jws.payload)
            abort();
        return 0;
    }
    if ((sealed.kid && coco_sealed_check_kid(sealed.kid, NULL) != COCO_OK)
        || coco_sealed_check_provider(sealed.provider, NULL) != COCO_OK)
        abort();
    if (sealed.type == COCO_SEALED_ENVELOPE)
        open_envelope(&sealed);
    status = coco_sealed_inspect(text, &told, NULL);
    if (status != COCO_OK && !refused(status))
        abort();
    return 0;
}
