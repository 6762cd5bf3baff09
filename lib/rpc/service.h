/*
 * rpc/service.h - what answers calls, whichever protocol they come by
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RPC_SERVICE_H
#define COCO_RPC_SERVICE_H

#include "base/buf.h"

#include <coco/context.h>

struct coco_rpc_service {
    /*
     * Answers "/<package>.<Service>/<Method>": appends the reply's message, or fails, which
     * the client is told by rpc/code.h and the error's message; COCO_ERR_NOTSUP for a method
     * that there is not. On the thread of the connection: others are served meanwhile.
     */
    coco_status (*call)(void *self, coco_ctx *ctx, const char *method, const uint8_t *message,
                        size_t len, struct coco_buf *reply, coco_error **err);
    void *self;
};

/* How one connection speaks, without I/O: gRPC or ttrpc. */
struct coco_rpc_protocol {
    coco_status (*open)(const struct coco_rpc_service *service, coco_ctx *ctx, void **ret,
                        coco_error **err);
    /* What is to be sent next, *len 0 for nothing; lent until the next call. */
    coco_status (*pending)(void *self, const uint8_t **data, size_t *len, coco_error **err);
    /* Takes what came, and calls the service where that is a whole request. */
    coco_status (*feed)(void *self, const void *data, size_t len, coco_error **err);
    /* Whether both sides are done with each other. */
    bool (*is_over)(const void *self);
    void (*close)(void *self);
};

extern const struct coco_rpc_protocol coco_grpc_protocol;

#endif
