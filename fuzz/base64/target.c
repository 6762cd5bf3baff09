/*
 * fuzz/base64/target.c - one value has one text
 *
 * The first byte chooses the alphabet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/base64.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const enum coco_base64 kinds[] = {COCO_BASE64, COCO_BASE64URL, COCO_BASE64URL_PADDED,
                                             COCO_BASE64URL};
    _cleanup_buf_ struct coco_buf decoded = {.limit = len};
    _cleanup_buf_ struct coco_buf encoded = {.limit = 2 * len + 4};

    if (len == 0)
        return 0;
    enum coco_base64 kind = kinds[data[0] & 3];
    const char *text = (const char *)data + 1;
    len--;

    coco_status status = coco_base64_decode(kind, text, len, &decoded, NULL);
    if (status != COCO_OK && status != COCO_ERR_PROTO)
        abort();
    if (status != COCO_OK)
        return 0;
    if (coco_base64_encode(kind, decoded.data, decoded.len, &encoded, NULL) != COCO_OK)
        abort();
    if (encoded.len != len || (len > 0 && memcmp(encoded.data, text, len) != 0))
        abort();
    return 0;
}
