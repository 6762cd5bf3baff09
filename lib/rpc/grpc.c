/*
 * rpc/grpc.c - unary calls over gRPC
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/grpc.h"

#include "base/fail.h"
#include "rpc/grpc_exchange.h"
#include "rpc/message.h"

#include <openssl/crypto.h>

#define READ_SIZE ((size_t)16 << 10)

/* What is under way to the server. */
struct sending {
    const uint8_t *data;
    size_t len;
};

static coco_status
send_some(struct coco_grpc_exchange *exchange, struct coco_stream *stream, struct sending *sending,
          bool *moved, coco_error **err)
{
    coco_status status = COCO_OK;
    size_t n = 0;

    if (sending->len == 0)
        status = coco_grpc_exchange_pending(exchange, &sending->data, &sending->len, err);
    if (status == COCO_OK && sending->len > 0)
        status = coco_stream_try_write(stream, sending->data, sending->len, &n, err);
    if (status != COCO_OK)
        return status;
    sending->data += n;
    sending->len -= n;
    *moved = n > 0;
    return COCO_OK;
}

static coco_status
receive_some(struct coco_grpc_exchange *exchange, struct coco_stream *stream, bool *moved,
             bool *end, coco_error **err)
{
    uint8_t data[READ_SIZE];
    size_t n = 0;

    coco_status status = coco_stream_try_read(stream, data, sizeof(data), &n, end, err);
    if (status == COCO_OK && n > 0)
        status = coco_grpc_exchange_feed(exchange, data, n, err);
    OPENSSL_cleanse(data, n);
    *moved = n > 0;
    return status;
}

/*
 * A server that has answered need not read on, and may close: what it said is read before
 * it counts that nothing more can be sent.
 */
static coco_status
run(struct coco_grpc_exchange *exchange, struct coco_stream *stream, coco_error **err)
{
    struct sending sending = {0};
    coco_status status = COCO_OK;
    coco_error *broken = NULL;
    bool end = false;

    while (status == COCO_OK && !end && !coco_grpc_exchange_is_over(exchange)) {
        bool moved = false;

        status = receive_some(exchange, stream, &moved, &end, err);
        if (status != COCO_OK || end || coco_grpc_exchange_is_over(exchange))
            break;
        if (broken && !moved) {
            status = coco_error_status(broken);
            coco_error_give(err, coco_steal(&broken));
        } else if (!broken) {
            bool sent = false;

            status = send_some(exchange, stream, &sending, &sent, &broken);
            moved = moved || sent || status == COCO_ERR_NET;
            if (status == COCO_ERR_NET)
                status = COCO_OK;
            else if (status != COCO_OK)
                coco_error_give(err, coco_steal(&broken));
        }
        if (status == COCO_OK && !moved)
            status = coco_stream_wait(stream, sending.len > 0, err);
    }
    coco_error_free(broken);
    return status;
}

coco_status
coco_grpc_call(const struct coco_grpc *grpc, coco_ctx *ctx, const char *method,
               const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type,
               ProtobufCMessage **ret, coco_error **err)
{
    _cleanup_(coco_grpc_exchange_freep) struct coco_grpc_exchange *exchange = NULL;
    _cleanup_(coco_stream_freep) struct coco_stream *stream = NULL;
    _cleanup_buf_ struct coco_buf message = {.limit = COCO_RPC_MESSAGE_MAX};
    _cleanup_buf_ struct coco_buf reply = {.limit = COCO_RPC_MESSAGE_MAX};
    struct coco_stream_options opts = {
        .tls = grpc->tls,
        .timeout_ms = grpc->timeout_ms > 0 ? grpc->timeout_ms : COCO_GRPC_TIMEOUT_MS,
    };

    opts.tls.protocol = "h2";
    coco_status status = coco_message_format(request, &message, err);
    if (status == COCO_OK)
        status = coco_stream_open(&grpc->target, &opts, ctx, &stream, err);
    const struct coco_grpc_request call = {
        .method = method,
        .authority = grpc->target.authority,
        .tls = grpc->target.tls,
        .message = message.data,
        .len = message.len,
        .timeout_ms = opts.timeout_ms,
    };
    if (status == COCO_OK)
        status = coco_grpc_exchange_new(&call, &exchange, err);
    if (status == COCO_OK)
        status = run(exchange, stream, err);
    if (status == COCO_OK)
        status = coco_grpc_exchange_finish(exchange, &reply, err);
    if (status == COCO_OK)
        status = coco_message_parse(type, reply.data, reply.len, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%s", method);
}
