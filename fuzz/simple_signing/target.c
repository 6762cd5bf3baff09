/*
 * fuzz/simple_signing/target.c - a payload is of one type at most
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/payload.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_payload_ struct coco_payload cosign = {0};
    _cleanup_payload_ struct coco_payload atomic = {0};

    coco_status first =
        coco_payload_parse((const char *)data, len, COCO_PAYLOAD_COSIGN, &cosign, NULL);
    coco_status second =
        coco_payload_parse((const char *)data, len, COCO_PAYLOAD_ATOMIC, &atomic, NULL);
    if (first == COCO_OK && (second == COCO_OK || !cosign.reference || !cosign.digest.alg))
        abort();
    return 0;
}
