/*
 * fuzz/rcar_attestation/target.c - what a guest, or somebody in its place, attests
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rcar/messages.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What was read hashes the same once it was sent on: nothing bound can be lost between two. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_attestation_ struct coco_rcar_attestation one = {0};
    _cleanup_attestation_ struct coco_rcar_attestation two = {0};
    _cleanup_buf_ struct coco_buf buf = {.limit = 8 * COCO_RCAR_BODY_MAX};
    struct coco_digest first;
    struct coco_digest second;

    if (coco_rcar_attestation_parse(data, len, &one, NULL) != COCO_OK) {
        if (one.tree)
            abort();
        return 0;
    }
    if (coco_rcar_report_data(COCO_SHA384, one.nonce, one.tee_pubkey, one.additional, &first, NULL)
            != COCO_OK
        || coco_rcar_attestation_build(&one, &buf, NULL) != COCO_OK)
        abort();
    if (buf.len > COCO_RCAR_BODY_MAX)
        return 0;
    if (coco_rcar_attestation_parse(buf.data, buf.len, &two, NULL) != COCO_OK
        || coco_rcar_report_data(COCO_SHA384, two.nonce, two.tee_pubkey, two.additional, &second,
                                 NULL)
               != COCO_OK
        || !coco_digest_equal(&first, &second))
        abort();
    return 0;
}
