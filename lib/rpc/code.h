/*
 * rpc/code.h - how a call ended, as gRPC and ttrpc number it (google.rpc.Code)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RPC_CODE_H
#define COCO_RPC_CODE_H

#include <coco/error.h>

#include <stdint.h>

enum coco_rpc_code {
    COCO_RPC_OK = 0,
    COCO_RPC_CANCELLED = 1,
    COCO_RPC_UNKNOWN = 2,
    COCO_RPC_INVALID_ARGUMENT = 3,
    COCO_RPC_DEADLINE_EXCEEDED = 4,
    COCO_RPC_NOT_FOUND = 5,
    COCO_RPC_ALREADY_EXISTS = 6,
    COCO_RPC_PERMISSION_DENIED = 7,
    COCO_RPC_RESOURCE_EXHAUSTED = 8,
    COCO_RPC_FAILED_PRECONDITION = 9,
    COCO_RPC_ABORTED = 10,
    COCO_RPC_OUT_OF_RANGE = 11,
    COCO_RPC_UNIMPLEMENTED = 12,
    COCO_RPC_INTERNAL = 13,
    COCO_RPC_UNAVAILABLE = 14,
    COCO_RPC_DATA_LOSS = 15,
    COCO_RPC_UNAUTHENTICATED = 16,
};

/* Its name, such as "NOT_FOUND"; "UNKNOWN" for what is none. */
const char *coco_rpc_code_name(uint32_t code);

/* Fails as a peer said that a call ended with code, which is not 0; message is the peer's. */
coco_status coco_rpc_code_fail(uint32_t code, const char *message, coco_error **err);

/* What a peer is told of a failure of ours. */
enum coco_rpc_code coco_rpc_code_of(coco_status status);

#endif
