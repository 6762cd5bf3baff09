/*
 * fuzz/rcar_request/target.c - who wants to attest
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rcar/messages.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What was read is a name that can be sent on. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct coco_rcar_request request;
    struct coco_rcar_request again;
    _cleanup_buf_ struct coco_buf buf = {.limit = 1024};

    if (coco_rcar_request_parse(data, len, &request, NULL) != COCO_OK)
        return 0;
    const char *audience = request.audience[0] ? request.audience : NULL;
    if (!coco_rcar_has_values(request.version))
        audience = NULL;
    if (coco_rcar_request_build(request.version, request.tee, audience, &buf, NULL) != COCO_OK
        || coco_rcar_request_parse(buf.data, buf.len, &again, NULL) != COCO_OK
        || request.version != again.version || strcmp(request.tee, again.tee) != 0
        || (audience && strcmp(audience, again.audience) != 0))
        abort();
    return 0;
}
