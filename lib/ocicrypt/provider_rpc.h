/*
 * ocicrypt/provider_rpc.h - key providers that are asked by gRPC or ttrpc
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_OCICRYPT_PROVIDER_RPC_H
#define COCO_OCICRYPT_PROVIDER_RPC_H

#include "base/buf.h"
#include "ocicrypt/providers.h"

#include <coco/context.h>

#define COCO_PROVIDER_SERVICE "keyprovider.KeyProviderService"

/* Errors of coco_grpc_call() and coco_ttrpc_call(). Only with COCO_HAVE_RPC. */
coco_status coco_provider_rpc(const struct coco_provider *provider, coco_ctx *ctx, bool wrap,
                              const struct coco_buf *request, struct coco_buf *reply,
                              coco_error **err);

#endif
