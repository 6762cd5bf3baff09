/*
 * fuzz/provider_json/target.c - requests to key providers and their replies
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/provider_json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(coco_provider_request_done) struct coco_provider_request request = {0};
    _cleanup_secret_ struct coco_secret reply = {0};
    const char *text = (const char *)data;
    coco_error *err = NULL;

    coco_status status = coco_provider_request_read(text, len, "acme", &request, &err);
    if ((status == COCO_OK) != (request.data.data != NULL))
        abort();
    coco_error_free(err);
    err = NULL;
    status = coco_provider_reply_read(text, len, len % 2 == 0, &reply, &err);
    if ((status == COCO_OK) != (reply.data != NULL))
        abort();
    coco_error_free(err);
    return 0;
}
