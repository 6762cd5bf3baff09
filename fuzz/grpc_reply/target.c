/*
 * fuzz/grpc_reply/target.c - what a server of gRPC sends to a client
 *
 * The first byte says in what pieces it comes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/grpc_exchange.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define REPLY_MAX 4096

static coco_status
run(struct coco_grpc_exchange *exchange, const uint8_t *data, size_t len, size_t step,
    coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t at = 0; status == COCO_OK && at < len; at += step) {
        const uint8_t *out = NULL;
        size_t n = 1;

        while (status == COCO_OK && n > 0)
            status = coco_grpc_exchange_pending(exchange, &out, &n, err);
        if (status == COCO_OK && !coco_grpc_exchange_is_over(exchange))
            status = coco_grpc_exchange_feed(exchange, data + at, len - at < step ? len - at : step,
                                             err);
    }
    return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct coco_grpc_request request = {
        .method = "/a.B/C", .authority = "x", .message = "ask", .len = 3, .reply_max = REPLY_MAX};
    _cleanup_(coco_grpc_exchange_freep) struct coco_grpc_exchange *exchange = NULL;
    _cleanup_buf_ struct coco_buf reply = {.limit = REPLY_MAX};
    coco_error *err = NULL;

    if (len == 0)
        return 0;
    coco_status status = coco_grpc_exchange_new(&request, &exchange, &err);
    if (status == COCO_OK)
        status = run(exchange, data + 1, len - 1, (size_t)data[0] + 1, &err);
    if (status == COCO_OK)
        status = coco_grpc_exchange_finish(exchange, &reply, &err);
    if (coco_error_status(err) != status || (status != COCO_OK && reply.len > 0))
        abort();
    coco_error_free(err);
    return 0;
}
