/*
 * fuzz/rcar_challenge/target.c - what a KBS, or somebody in its place, wants hashed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rcar/messages.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A nonce survives being sent again, and nothing weaker than SHA-384 is agreed to. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_challenge_ struct coco_rcar_challenge challenge = {0};
    _cleanup_challenge_ struct coco_rcar_challenge again = {0};
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_RCAR_BODY_MAX};

    if (coco_rcar_challenge_parse(data, len, &challenge, NULL) != COCO_OK) {
        if (challenge.nonce)
            abort();
        return 0;
    }
    if (challenge.nonce[0] == '\0' || strlen(challenge.nonce) > COCO_RCAR_NONCE_MAX
        || (challenge.alg != COCO_SHA384 && challenge.alg != COCO_SHA512))
        abort();
    if (coco_rcar_challenge_build(challenge.nonce, challenge.alg, &buf, NULL) != COCO_OK
        || coco_rcar_challenge_parse(buf.data, buf.len, &again, NULL) != COCO_OK
        || challenge.alg != again.alg || strcmp(challenge.nonce, again.nonce) != 0)
        abort();
    return 0;
}
