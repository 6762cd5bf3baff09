/*
 * rpc/ttrpc_server.c - unary calls over ttrpc, as their server sees them, without I/O
 *
 * What is wrong with a frame is answered as upstream's server in Rust answers it, for that is
 * what the agents know (guest-protocols 1.3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/ttrpc.h"

#include "base/fail.h"
#include "base/text.h"
#include "rpc/code.h"
#include "rpc/message.h"
#include "rpc/ttrpc.pb-c.h"
#include "rpc/ttrpc_frame.h"

#include <stdio.h>
#include <string.h>

#define METHOD_MAX ((size_t)256)
#define STATUS_TEXT_MAX 512
/* Replies that the client does not take keep it from asking more. */
#define PENDING_MAX (2 * COCO_TTRPC_DATA_MAX)

struct server {
    const struct coco_rpc_service *service;
    coco_ctx *ctx;
    struct coco_ttrpc_frame frame;
    struct coco_buf out;
    size_t sent; /* of out */
};

/* Appends a response with a status, or with a message. */
static coco_status
respond(struct server *server, uint32_t stream, uint32_t code, const char *text,
        const struct coco_buf *payload, coco_error **err)
{
    _cleanup_buf_ struct coco_buf message = {.limit = COCO_TTRPC_DATA_MAX};
    char safe[STATUS_TEXT_MAX];
    Coco__Ttrpc__Status status;
    Coco__Ttrpc__Response response;

    coco__ttrpc__response__init(&response);
    coco__ttrpc__status__init(&status);
    coco_text_escape(text, strlen(text), safe, sizeof(safe));
    status.code = (int32_t)code;
    status.message = safe;
    if (code != COCO_RPC_OK)
        response.status = &status;
    else
        response.payload = (ProtobufCBinaryData){payload->len, payload->data};
    coco_status rc = coco_message_format(&response.base, &message, err);
    if (rc == COCO_ERR_LIMIT && code == COCO_RPC_OK) {
        if (err)
            coco_error_free(coco_steal(err));
        return respond(server, stream, COCO_RPC_RESOURCE_EXHAUSTED,
                       "response exceeds the maximum message size", payload, err);
    }
    if (rc == COCO_OK)
        rc = coco_ttrpc_frame_format(stream, COCO_TTRPC_RESPONSE, message.data, message.len,
                                     &server->out, err);
    return rc;
}

static coco_status
call_service(struct server *server, const Coco__Ttrpc__Request *request, struct coco_buf *reply,
             coco_error **err)
{
    char method[METHOD_MAX + 2];
    int n = snprintf(method, sizeof(method), "/%s/%s", request->service, request->method);

    if (n < 0 || (size_t)n > METHOD_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "name of a method is too long");
    return server->service->call(server->service->self, server->ctx, method, request->payload.data,
                                 request->payload.len, reply, err);
}

static coco_status
answer_request(struct server *server, coco_error **err)
{
    _cleanup_(coco_message_freep) ProtobufCMessage *request = NULL;
    _cleanup_buf_ struct coco_buf reply = {.limit = COCO_TTRPC_DATA_MAX};
    const struct coco_ttrpc_frame *frame = &server->frame;
    coco_error *why = NULL;

    coco_status status = coco_message_parse(&coco__ttrpc__request__descriptor, frame->data.data,
                                            frame->data.len, &request, &why);
    if (status == COCO_OK)
        status = call_service(server, (const Coco__Ttrpc__Request *)request, &reply, &why);
    status = respond(server, frame->stream, coco_rpc_code_of(status), coco_error_message(why),
                     &reply, err);
    coco_error_free(why);
    return status;
}

/* One frame that is whole. Of unknown kinds nothing is said. */
static coco_status
answer(struct server *server, coco_error **err)
{
    const struct coco_ttrpc_frame *frame = &server->frame;
    char text[128];

    if (coco_ttrpc_frame_is_too_long(frame)) {
        (void)snprintf(text, sizeof(text), "message length %u exceed maximum message size of %zu",
                       frame->len, COCO_TTRPC_DATA_MAX);
        return respond(server, frame->stream, COCO_RPC_INVALID_ARGUMENT, text, NULL, err);
    }
    if (frame->kind == COCO_TTRPC_DATA)
        return respond(server, frame->stream, COCO_RPC_INVALID_ARGUMENT, "there is no such stream",
                       NULL, err);
    if (frame->kind != COCO_TTRPC_REQUEST)
        return COCO_OK;
    if (frame->stream % 2 == 0)
        return respond(server, frame->stream, COCO_RPC_INVALID_ARGUMENT, "stream id must be odd",
                       NULL, err);
    if ((frame->flags & (COCO_TTRPC_REMOTE_OPEN | COCO_TTRPC_NO_DATA)) != 0)
        return respond(server, frame->stream, COCO_RPC_UNIMPLEMENTED, "streams are not served",
                       NULL, err);
    return answer_request(server, err);
}

static coco_status
server_open(const struct coco_rpc_service *service, coco_ctx *ctx, void **ret, coco_error **err)
{
    struct server *server = calloc(1, sizeof(*server));

    if (!server)
        return coco_fail_nomem(err);
    server->service = service;
    server->ctx = ctx;
    server->out.limit = PENDING_MAX;
    *ret = server;
    return COCO_OK;
}

static void
server_close(void *self)
{
    struct server *server = self;

    if (!server)
        return;
    coco_ttrpc_frame_reset(&server->frame);
    coco_buf_done(&server->out);
    free(server);
}

static coco_status
server_pending(void *self, const uint8_t **data, size_t *len, coco_error **err)
{
    struct server *server = self;

    (void)err;
    if (server->sent > 0) { /* what was lent before has gone */
        coco_buf_done(&server->out);
        server->out = (struct coco_buf){.limit = PENDING_MAX};
        server->sent = 0;
    }
    *data = server->out.data;
    *len = server->sent = server->out.len;
    return COCO_OK;
}

static coco_status
server_feed(void *self, const void *data, size_t len, coco_error **err)
{
    struct server *server = self;
    const uint8_t *p = data;
    coco_status status = COCO_OK;

    while (status == COCO_OK && len > 0) {
        size_t n = 0;

        status = coco_ttrpc_frame_feed(&server->frame, p, len, &n, err);
        p += n;
        len -= n;
        if (status == COCO_OK && coco_ttrpc_frame_is_whole(&server->frame)) {
            status = answer(server, err);
            coco_ttrpc_frame_reset(&server->frame);
        }
    }
    return status;
}

static bool
server_is_over(const void *self)
{
    (void)self; /* idle connections stay */
    return false;
}

const struct coco_rpc_protocol coco_ttrpc_protocol = {
    .open = server_open,
    .pending = server_pending,
    .feed = server_feed,
    .is_over = server_is_over,
    .close = server_close,
};
