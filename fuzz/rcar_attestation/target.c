/*
 * fuzz/rcar_attestation/target.c - what a guest, or somebody in its place, attests
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rcar/messages.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
digest(enum coco_rcar_version version, const struct coco_rcar_attestation *attestation,
       struct coco_digest *ret)
{
    const struct coco_rcar_binding binding = {
        .version = version,
        .alg = COCO_SHA384,
        .nonce = attestation->nonce ? attestation->nonce : "nonce",
        .tee_pubkey = attestation->tee_pubkey,
        .additional = attestation->additional,
    };

    return coco_rcar_report_data(&binding, ret, NULL) == COCO_OK;
}

/* What was read hashes the same once it was sent on: nothing bound can be lost between two. */
static void
check(enum coco_rcar_version version, const uint8_t *data, size_t len)
{
    _cleanup_attestation_ struct coco_rcar_attestation one = {0};
    _cleanup_attestation_ struct coco_rcar_attestation two = {0};
    _cleanup_buf_ struct coco_buf buf = {.limit = 8 * COCO_RCAR_BODY_MAX};
    struct coco_digest first;
    struct coco_digest second;

    if (coco_rcar_attestation_parse(version, data, len, &one, NULL) != COCO_OK) {
        if (one.tree)
            abort();
        return;
    }
    if (!digest(version, &one, &first)
        || coco_rcar_attestation_build(version, &one, &buf, NULL) != COCO_OK)
        abort();
    if (buf.len > COCO_RCAR_BODY_MAX)
        return;
    if (coco_rcar_attestation_parse(version, buf.data, buf.len, &two, NULL) != COCO_OK
        || !digest(version, &two, &second) || !coco_digest_equal(&first, &second))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < COCO_RCAR_VERSIONS; i++)
        check((enum coco_rcar_version)i, data, len);
    return 0;
}
