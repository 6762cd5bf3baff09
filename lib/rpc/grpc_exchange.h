/*
 * rpc/grpc_exchange.h - one unary call over gRPC, as its client sees it, without I/O
 *
 *     while (!coco_grpc_exchange_is_over(e)) {
 *         send what coco_grpc_exchange_pending() has;
 *         coco_grpc_exchange_feed() what was received;
 *     }
 *     coco_grpc_exchange_finish(e, &reply, err);
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RPC_GRPC_EXCHANGE_H
#define COCO_RPC_GRPC_EXCHANGE_H

#include "base/buf.h"

#include <stdbool.h>

struct coco_grpc_request {
    const char *method;    /* "/<package>.<Service>/<Method>" */
    const char *authority; /* whom the client believes to ask */
    bool tls;
    const void *message;
    size_t len;
    uint64_t timeout_ms; /* what the server is told; 0 for none */
    size_t reply_max;    /* bytes of the reply's message; 0 for COCO_RPC_MESSAGE_MAX */
};

struct coco_grpc_exchange;

/* All of request is copied. */
coco_status coco_grpc_exchange_new(const struct coco_grpc_request *request,
                                   struct coco_grpc_exchange **ret, coco_error **err);
void coco_grpc_exchange_free(struct coco_grpc_exchange *exchange);
COCO_DEFINE_CLEANUP(struct coco_grpc_exchange *, coco_grpc_exchange_free);

/* What is to be sent next, *len 0 for nothing; lent until the next call. */
coco_status coco_grpc_exchange_pending(struct coco_grpc_exchange *exchange, const uint8_t **data,
                                       size_t *len, coco_error **err);

/* Takes what came. What breaks a rule or a bound fails, and the connection is of no more use. */
coco_status coco_grpc_exchange_feed(struct coco_grpc_exchange *exchange, const void *data,
                                    size_t len, coco_error **err);

/* Whether the server has answered, or has said that it will not. */
bool coco_grpc_exchange_is_over(const struct coco_grpc_exchange *exchange);

/*
 * Appends the reply's message, or fails as the server said (rpc/code.h); COCO_ERR_NET while
 * it is not over: the connection was lost.
 */
coco_status coco_grpc_exchange_finish(struct coco_grpc_exchange *exchange, struct coco_buf *reply,
                                      coco_error **err);

#endif
