/*
 * rpc/grpc.h - unary calls over gRPC
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RPC_GRPC_H
#define COCO_RPC_GRPC_H

#include "rpc/stream.h"

#include <protobuf-c/protobuf-c.h>

#define COCO_GRPC_TIMEOUT_MS ((uint64_t)60 * 1000)

struct coco_grpc {
    struct coco_target target;
    struct coco_tls_options tls; /* its protocol is set here */
    uint64_t timeout_ms;         /* of one call, connecting included; 0: COCO_GRPC_TIMEOUT_MS */
};

/*
 * Calls "/<package>.<Service>/<Method>" over a connection of its own and reads the reply as
 * a message of type, to be freed with coco_message_free(). Fails as the server says
 * (rpc/code.h), COCO_ERR_NET, COCO_ERR_PROTO and COCO_ERR_LIMIT for what is none of gRPC's
 * answers, COCO_ERR_CANCELED. Any number of threads may use one grpc.
 */
coco_status coco_grpc_call(const struct coco_grpc *grpc, coco_ctx *ctx, const char *method,
                           const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type,
                           ProtobufCMessage **ret, coco_error **err);

#endif
