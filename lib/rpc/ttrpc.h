/*
 * rpc/ttrpc.h - unary calls over ttrpc (containerd/ttrpc, PROTOCOL.md; guest-protocols 1)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RPC_TTRPC_H
#define COCO_RPC_TTRPC_H

#include "rpc/service.h"
#include "rpc/stream.h"

#include <protobuf-c/protobuf-c.h>

#define COCO_TTRPC_TIMEOUT_MS ((uint64_t)60 * 1000)

struct coco_ttrpc {
    struct coco_target target;
    const char *service; /* "<package>.<Service>" */
    uint64_t timeout_ms; /* of one call, connecting included; 0: COCO_TTRPC_TIMEOUT_MS */
};

/*
 * Calls a method of the service over a connection of its own, as coco_grpc_call() does.
 */
coco_status coco_ttrpc_call(const struct coco_ttrpc *ttrpc, coco_ctx *ctx, const char *method,
                            const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type,
                            ProtobufCMessage **ret, coco_error **err);

/* A server's half of one connection: the calls of it one after the other. */
extern const struct coco_rpc_protocol coco_ttrpc_protocol;

#endif
