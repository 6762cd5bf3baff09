/*
 * rpc/resolve.h - the addresses of a name, asked for by who may lose patience
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RPC_RESOLVE_H
#define COCO_RPC_RESOLVE_H

#include "base/address.h"

#include <coco/context.h>

#define COCO_RESOLVE_MAX 8

/*
 * The first addresses of host, at most COCO_RESOLVE_MAX, in the system's order; *n says
 * how many. An address is its own. getaddrinfo() cannot be stopped: a name is asked for on
 * a thread, which is left to itself when ctx is canceled or timeout_ms are over.
 * COCO_ERR_NET where there is none.
 */
coco_status coco_resolve(const char *host, const char *port, coco_ctx *ctx, uint64_t timeout_ms,
                         struct coco_address ret[COCO_RESOLVE_MAX], size_t *n, coco_error **err);

#endif
