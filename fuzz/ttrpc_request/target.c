/*
 * fuzz/ttrpc_request/target.c - what a client of ttrpc sends to a server
 *
 * The first byte says in what pieces it comes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/context.h"
#include "rpc/ttrpc.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static coco_status
answer(void *self, coco_ctx *ctx, const char *method, const uint8_t *message, size_t len,
       struct coco_buf *reply, coco_error **err)
{
    (void)self, (void)ctx;
    if (strlen(method) > 256)
        abort();
    return coco_buf_append(reply, message, len, err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct coco_rpc_service service = {answer, NULL};
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    void *server = NULL;
    coco_error *err = NULL;

    if (len == 0)
        return 0;
    const size_t step = (size_t)data[0] + 1;
    coco_status status = coco_ctx_new(&ctx, &err);
    if (status == COCO_OK)
        status = coco_ttrpc_protocol.open(&service, ctx, &server, &err);
    for (size_t at = 1; status == COCO_OK && at < len; at += step) {
        const uint8_t *out = NULL;
        size_t n = 0;

        status =
            coco_ttrpc_protocol.feed(server, data + at, len - at < step ? len - at : step, &err);
        if (status == COCO_OK)
            status = coco_ttrpc_protocol.pending(server, &out, &n, &err);
    }
    if (coco_error_status(err) != status)
        abort();
    coco_error_free(err);
    coco_ttrpc_protocol.close(server);
    return 0;
}
