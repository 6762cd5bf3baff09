/*
 * rpc/code.c - how a call ended, as gRPC and ttrpc number it (google.rpc.Code)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/code.h"

#include "base/fail.h"

static const struct {
    const char *name;
    coco_status status; /* what a program can do about it */
} codes[] = {
    [COCO_RPC_OK] = {"OK", COCO_ERR_PROTO},
    [COCO_RPC_CANCELLED] = {"CANCELLED", COCO_ERR_NET},
    [COCO_RPC_UNKNOWN] = {"UNKNOWN", COCO_ERR_PROTO},
    [COCO_RPC_INVALID_ARGUMENT] = {"INVALID_ARGUMENT", COCO_ERR_INVALID},
    [COCO_RPC_DEADLINE_EXCEEDED] = {"DEADLINE_EXCEEDED", COCO_ERR_NET},
    [COCO_RPC_NOT_FOUND] = {"NOT_FOUND", COCO_ERR_NOTFOUND},
    [COCO_RPC_ALREADY_EXISTS] = {"ALREADY_EXISTS", COCO_ERR_INVALID},
    [COCO_RPC_PERMISSION_DENIED] = {"PERMISSION_DENIED", COCO_ERR_DENIED},
    [COCO_RPC_RESOURCE_EXHAUSTED] = {"RESOURCE_EXHAUSTED", COCO_ERR_LIMIT},
    [COCO_RPC_FAILED_PRECONDITION] = {"FAILED_PRECONDITION", COCO_ERR_INVALID},
    [COCO_RPC_ABORTED] = {"ABORTED", COCO_ERR_NET},
    [COCO_RPC_OUT_OF_RANGE] = {"OUT_OF_RANGE", COCO_ERR_INVALID},
    [COCO_RPC_UNIMPLEMENTED] = {"UNIMPLEMENTED", COCO_ERR_NOTSUP},
    [COCO_RPC_INTERNAL] = {"INTERNAL", COCO_ERR_PROTO},
    [COCO_RPC_UNAVAILABLE] = {"UNAVAILABLE", COCO_ERR_NET},
    [COCO_RPC_DATA_LOSS] = {"DATA_LOSS", COCO_ERR_PROTO},
    [COCO_RPC_UNAUTHENTICATED] = {"UNAUTHENTICATED", COCO_ERR_DENIED},
};

#define CODES (sizeof(codes) / sizeof(codes[0]))

const char *
coco_rpc_code_name(uint32_t code)
{
    return codes[code < CODES ? code : COCO_RPC_UNKNOWN].name;
}

coco_status
coco_rpc_code_fail(uint32_t code, const char *message, coco_error **err)
{
    coco_status status = codes[code < CODES ? code : COCO_RPC_UNKNOWN].status;

    return coco_fail(err, status, "the peer says %s: %.300s", coco_rpc_code_name(code), message);
}

enum coco_rpc_code
coco_rpc_code_of(coco_status status)
{
    switch (status) {
    case COCO_OK:
        return COCO_RPC_OK;
    case COCO_ERR_NOMEM:
    case COCO_ERR_LIMIT:
        return COCO_RPC_RESOURCE_EXHAUSTED;
    case COCO_ERR_INVALID:
    case COCO_ERR_PROTO:
        return COCO_RPC_INVALID_ARGUMENT;
    case COCO_ERR_NOTFOUND:
        return COCO_RPC_NOT_FOUND;
    case COCO_ERR_NOTSUP:
        return COCO_RPC_UNIMPLEMENTED;
    case COCO_ERR_NET:
        return COCO_RPC_UNAVAILABLE;
    case COCO_ERR_VERIFY:
    case COCO_ERR_DENIED:
        return COCO_RPC_PERMISSION_DENIED;
    case COCO_ERR_CANCELED:
        return COCO_RPC_CANCELLED;
    case COCO_ERR_IO:
    default:
        return COCO_RPC_INTERNAL;
    }
}
