/*
 * rpc/serve.h - serving those who connect to a socket
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RPC_SERVE_H
#define COCO_RPC_SERVE_H

#include "rpc/service.h"

struct coco_serve_options {
    unsigned connections_max; /* for more, who waits longest for its peer is closed; 0: 32 */
    uint64_t idle_ms;         /* without a byte from the peer, or to it; 0: an hour */
};

/*
 * Accepts at listener, which is lent, until ctx is canceled, and serves each connection on
 * a thread of its own. COCO_ERR_CANCELED once all of them have ended, or the failure of the
 * socket. What goes wrong with one peer is logged, and its connection closed.
 */
coco_status coco_serve(int listener, const struct coco_rpc_protocol *protocol,
                       const struct coco_rpc_service *service,
                       const struct coco_serve_options *opts, coco_ctx *ctx, coco_error **err);

#endif
