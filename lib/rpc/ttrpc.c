/*
 * rpc/ttrpc.c - unary calls over ttrpc
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/ttrpc.h"

#include "base/fail.h"
#include "rpc/code.h"
#include "rpc/message.h"
#include "rpc/ttrpc.pb-c.h"
#include "rpc/ttrpc_frame.h"

#include <openssl/crypto.h>
#include <string.h>

#define READ_SIZE ((size_t)16 << 10)
#define STREAM 1                      /* the client's first, and the only one of its connection */
#define STRAY_MAX ((uint64_t)8 << 20) /* bytes of frames that are not the answer */
#define NANO_PER_MS 1000000

/* protobuf-c wants to be able to write to texts that it only reads. */
static char *
lend(const char *text)
{
    union {
        const char *lent;
        char *text;
    } u = {text};

    return u.text;
}

static coco_status
format_request(const char *service, const char *method, const ProtobufCMessage *message,
               uint64_t timeout_ms, struct coco_buf *frame, coco_error **err)
{
    _cleanup_buf_ struct coco_buf payload = {.limit = COCO_TTRPC_DATA_MAX};
    _cleanup_buf_ struct coco_buf data = {.limit = COCO_TTRPC_DATA_MAX};
    Coco__Ttrpc__Request request;

    coco_status status = coco_message_format(message, &payload, err);
    if (status != COCO_OK)
        return status;
    coco__ttrpc__request__init(&request);
    request.service = lend(service);
    request.method = lend(method);
    request.payload = (ProtobufCBinaryData){payload.len, payload.data};
    request.timeout_nano =
        timeout_ms < INT64_MAX / NANO_PER_MS ? (int64_t)timeout_ms * NANO_PER_MS : INT64_MAX;
    status = coco_message_format(&request.base, &data, err);
    if (status == COCO_OK)
        status =
            coco_ttrpc_frame_format(STREAM, COCO_TTRPC_REQUEST, data.data, data.len, frame, err);
    return status;
}

static bool
is_answer(const struct coco_ttrpc_frame *frame)
{
    return frame->kind == COCO_TTRPC_RESPONSE && frame->stream == STREAM;
}

/* What belongs to others is passed over, and not for ever. */
static coco_status
take(struct coco_ttrpc_frame *frame, const uint8_t *data, size_t len, uint64_t *stray, bool *found,
     coco_error **err)
{
    while (len > 0 && !*found) {
        size_t n = 0;

        coco_status status = coco_ttrpc_frame_feed(frame, data, len, &n, err);
        if (status != COCO_OK)
            return status;
        data += n;
        len -= n;
        if (!coco_ttrpc_frame_is_whole(frame))
            continue;
        *found = is_answer(frame);
        if (*found)
            break;
        *stray += COCO_TTRPC_HEAD_SIZE + frame->len;
        coco_ttrpc_frame_reset(frame);
        if (*stray > STRAY_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "the peer sends without end");
    }
    return COCO_OK;
}

/* Until the response is there. */
static coco_status
receive(struct coco_stream *stream, struct coco_ttrpc_frame *frame, coco_error **err)
{
    uint8_t data[READ_SIZE];
    coco_status status = COCO_OK;
    uint64_t stray = 0;
    bool found = false;

    while (status == COCO_OK && !found) {
        size_t len = 0;

        status = coco_stream_read(stream, data, sizeof(data), &len, err);
        if (status == COCO_OK && len == 0)
            status = coco_fail(err, COCO_ERR_NET, "the peer has closed the connection");
        if (status == COCO_OK)
            status = take(frame, data, len, &stray, &found, err);
    }
    OPENSSL_cleanse(data, sizeof(data));
    if (status == COCO_OK && coco_ttrpc_frame_is_too_long(frame))
        status = coco_fail(err, COCO_ERR_LIMIT, "message of %u bytes", frame->len);
    return status;
}

static coco_status
read_response(const struct coco_ttrpc_frame *frame, const ProtobufCMessageDescriptor *type,
              ProtobufCMessage **ret, coco_error **err)
{
    _cleanup_(coco_message_freep) ProtobufCMessage *message = NULL;

    coco_status status = coco_message_parse(&coco__ttrpc__response__descriptor, frame->data.data,
                                            frame->data.len, &message, err);
    if (status != COCO_OK)
        return status;
    const Coco__Ttrpc__Response *response = (const Coco__Ttrpc__Response *)message;
    if (response->status && response->status->code != COCO_RPC_OK)
        return coco_rpc_code_fail((uint32_t)response->status->code, response->status->message, err);
    return coco_message_parse(type, response->payload.data, response->payload.len, ret, err);
}

coco_status
coco_ttrpc_call(const struct coco_ttrpc *ttrpc, coco_ctx *ctx, const char *method,
                const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type,
                ProtobufCMessage **ret, coco_error **err)
{
    const struct coco_stream_options opts = {
        .timeout_ms = ttrpc->timeout_ms > 0 ? ttrpc->timeout_ms : COCO_TTRPC_TIMEOUT_MS};
    _cleanup_(coco_stream_freep) struct coco_stream *stream = NULL;
    _cleanup_(coco_ttrpc_frame_reset) struct coco_ttrpc_frame frame = {0};
    _cleanup_buf_ struct coco_buf out = {.limit = COCO_TTRPC_DATA_MAX + COCO_TTRPC_HEAD_SIZE};

    coco_status status =
        format_request(ttrpc->service, method, request, opts.timeout_ms, &out, err);
    if (status == COCO_OK)
        status = coco_stream_open(&ttrpc->target, &opts, ctx, &stream, err);
    if (status == COCO_OK)
        status = coco_stream_write(stream, out.data, out.len, err);
    if (status == COCO_OK)
        status = receive(stream, &frame, err);
    if (status == COCO_OK)
        status = read_response(&frame, type, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%s/%s", ttrpc->service, method);
}
