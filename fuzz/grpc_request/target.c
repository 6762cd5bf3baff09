/*
 * fuzz/grpc_request/target.c - what a client of gRPC sends to a server
 *
 * The first byte says in what pieces it comes. The preface is put before it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/context.h"
#include "base/fail.h"
#include "rpc/service.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

static coco_status
answer(void *self, coco_ctx *ctx, const char *method, const uint8_t *message, size_t len,
       struct coco_buf *reply, coco_error **err)
{
    (void)self, (void)ctx;
    if (strlen(method) > 256)
        abort();
    return len % 2 == 0 ? coco_buf_append(reply, message, len, err)
                        : coco_fail(err, COCO_ERR_DENIED, "%s", method);
}

static coco_status
feed(void *server, const uint8_t *data, size_t len, coco_error **err)
{
    const uint8_t *out = NULL;
    size_t n = 1;

    coco_status status = coco_grpc_protocol.feed(server, data, len, err);
    while (status == COCO_OK && n > 0)
        status = coco_grpc_protocol.pending(server, &out, &n, err);
    return status;
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
    coco_status status = coco_ctx_new(&ctx, &err);
    if (status == COCO_OK)
        status = coco_grpc_protocol.open(&service, ctx, &server, &err);
    if (status == COCO_OK)
        status = feed(server, (const uint8_t *)PREFACE, strlen(PREFACE), &err);
    const size_t step = (size_t)data[0] + 1;
    for (size_t at = 1; status == COCO_OK && at < len; at += step)
        status = feed(server, data + at, len - at < step ? len - at : step, &err);
    if (coco_error_status(err) != status)
        abort();
    coco_error_free(err);
    coco_grpc_protocol.close(server);
    return 0;
}
