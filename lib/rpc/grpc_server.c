/*
 * rpc/grpc_server.c - unary calls over gRPC, as their server sees them, without I/O
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/service.h"

#include "base/fail.h"
#include "rpc/code.h"
#include "rpc/grpc_frame.h"
#include "rpc/grpc_status.h"
#include "rpc/h2.h"
#include "rpc/message.h"

#include <stdio.h>
#include <string.h>

#define STREAMS_MAX 8 /* calls of one connection at a time: each has a message */
#define METHOD_MAX ((size_t)256)
#define ABANDONED_MAX 100 /* calls that a client may make and take back again */

/* One request, and the answer to it. */
struct call {
    int32_t stream; /* 0: this place is free */
    struct coco_h2_headers headers;
    char method[METHOD_MAX + 1];
    bool is_post;
    bool is_grpc;
    enum coco_rpc_code refused; /* before it was read, for what its headers say; or OK */
    struct coco_grpc_frame request;
    bool answered;

    struct coco_buf reply; /* in its frame */
    size_t sent;
    enum coco_rpc_code code;
    struct coco_buf message; /* of the status, as it is sent */
};

struct server {
    const struct coco_rpc_service *service;
    coco_ctx *ctx;
    nghttp2_session *session;
    struct coco_rpc_memory memory;
    struct call calls[STREAMS_MAX];
    unsigned abandoned;
    coco_status status;
    coco_error *err; /* of a callback */
};

static int
keep(struct server *server, coco_status status)
{
    if (status == COCO_OK)
        return 0;
    server->status = status;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

static coco_error **
place(struct server *server)
{
    coco_error_free(server->err);
    server->err = NULL;
    return &server->err;
}

static void
call_done(struct call *call)
{
    coco_grpc_frame_done(&call->request);
    coco_buf_done(&call->reply);
    coco_buf_done(&call->message);
    *call = (struct call){0};
}

static struct call *
find(struct server *server, int32_t stream)
{
    for (size_t i = 0; i < STREAMS_MAX; i++)
        if (server->calls[i].stream == stream)
            return &server->calls[i];
    return NULL;
}

static int
on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct server *server = user;

    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct call *call = find(server, 0);
    if (!call) /* the client does not keep to what it was told */
        return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                         NGHTTP2_REFUSED_STREAM);
    *call = (struct call){.stream = frame->hd.stream_id};
    call->request.limit = COCO_RPC_MESSAGE_MAX;
    call->reply.limit = COCO_RPC_MESSAGE_MAX + COCO_GRPC_FRAME_HEAD_SIZE;
    call->message.limit = 3 * COCO_GRPC_STATUS_MESSAGE_MAX;
    return 0;
}

static coco_status
take_header(struct server *server, struct call *call, nghttp2_vec name, nghttp2_vec value)
{
    coco_status status = coco_h2_count(&call->headers, name, value, place(server));

    if (status != COCO_OK)
        return status;
    if (coco_h2_is(name, ":method")) {
        call->is_post = coco_h2_is(value, "POST");
    } else if (coco_h2_is(name, ":path")) {
        if (value.len > METHOD_MAX)
            call->refused = COCO_RPC_UNIMPLEMENTED;
        else
            memcpy(call->method, value.base, value.len);
    } else if (coco_h2_is(name, "content-type")) {
        call->is_grpc = coco_h2_is_grpc(value);
    } else if (coco_h2_is(name, "grpc-encoding") && !coco_h2_is(value, "identity")) {
        call->refused = COCO_RPC_UNIMPLEMENTED;
    } else if (coco_h2_is(name, "grpc-timeout")) {
        uint64_t ms = 0;

        if (coco_grpc_timeout_parse((const char *)value.base, value.len, &ms, NULL) != COCO_OK)
            call->refused = COCO_RPC_INVALID_ARGUMENT;
    }
    return COCO_OK;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
          nghttp2_rcbuf *value, uint8_t flags, void *user)
{
    struct server *server = user;
    struct call *call = find(server, frame->hd.stream_id);

    (void)session, (void)flags;
    return call ? keep(server, take_header(server, call, nghttp2_rcbuf_get_buf(name),
                                           nghttp2_rcbuf_get_buf(value)))
                : 0;
}

/* ---- the answer ---- */

static int
submit_headers(struct server *server, const struct call *call, const char *http_status,
               bool with_body, nghttp2_data_provider *provider)
{
    char code[16];
    nghttp2_nv headers[5];
    size_t n = 0;

    (void)snprintf(code, sizeof(code), "%d", (int)call->code);
    headers[n++] = coco_h2_header(":status", http_status);
    headers[n++] = coco_h2_header("content-type", "application/grpc");
    headers[n++] = coco_h2_header("grpc-accept-encoding", "identity");
    if (!with_body) {
        headers[n++] = coco_h2_header("grpc-status", code);
        headers[n++] = coco_h2_header("grpc-message", coco_buf_text(&call->message));
    }
    return nghttp2_submit_response(server->session, call->stream, headers, n, provider);
}

static ssize_t
read_reply(nghttp2_session *session, int32_t stream, uint8_t *data, size_t size, uint32_t *flags,
           nghttp2_data_source *source, void *user)
{
    struct call *call = find(user, stream);

    (void)source;
    if (!call)
        return NGHTTP2_ERR_DEFERRED;
    size_t n = call->reply.len - call->sent;
    n = n < size ? n : size;
    memcpy(data, call->reply.data + call->sent, n);
    call->sent += n;
    if (call->sent == call->reply.len) {
        const nghttp2_nv trailers[] = {coco_h2_header("grpc-status", "0")};

        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (nghttp2_submit_trailer(session, stream, trailers, 1) != 0)
            return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return (ssize_t)n;
}

/* Failures of the service are the client's to read; that of memory to tell of one is ours. */
static coco_status
answer_failure(struct server *server, struct call *call, coco_status failed, const coco_error *why)
{
    call->code = coco_rpc_code_of(failed);
    coco_status status =
        coco_grpc_message_format(why ? coco_error_message(why) : "", &call->message, place(server));
    if (status != COCO_OK)
        return status;
    int rc = submit_headers(server, call, "200", false, NULL);
    return rc == 0 ? COCO_OK : coco_h2_fail(rc, &server->memory, place(server));
}

static coco_status
call_service(struct server *server, struct call *call, struct coco_buf *reply, coco_error **err)
{
    bool empty = true;

    if (call->refused != COCO_RPC_OK)
        return coco_fail(
            err, call->refused == COCO_RPC_UNIMPLEMENTED ? COCO_ERR_NOTSUP : COCO_ERR_INVALID,
            "this call is not understood");
    coco_status status = coco_grpc_frame_finish(&call->request, &empty, err);
    if (status == COCO_OK && empty)
        status = coco_fail(err, COCO_ERR_PROTO, "the call has no message");
    if (status == COCO_OK)
        status = server->service->call(server->service->self, server->ctx, call->method,
                                       call->request.message.data, call->request.message.len, reply,
                                       err);
    return status;
}

static coco_status
answer(struct server *server, struct call *call)
{
    _cleanup_buf_ struct coco_buf reply = {.limit = COCO_RPC_MESSAGE_MAX};
    nghttp2_data_provider provider = {.read_callback = read_reply};
    coco_error *why = NULL;

    call->answered = true;
    if (!call->is_post || !call->is_grpc) {
        int rc = submit_headers(server, call, call->is_post ? "415" : "405", false, NULL);
        return rc == 0 ? COCO_OK : coco_h2_fail(rc, &server->memory, place(server));
    }
    coco_status status = call_service(server, call, &reply, &why);
    if (status == COCO_OK)
        status = coco_grpc_frame_format(reply.data, reply.len, &call->reply, &why);
    if (status != COCO_OK) {
        status = answer_failure(server, call, status, why);
        coco_error_free(why);
        return status;
    }
    int rc = submit_headers(server, call, "200", true, &provider);
    return rc == 0 ? COCO_OK : coco_h2_fail(rc, &server->memory, place(server));
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t len,
        void *user)
{
    struct server *server = user;
    struct call *call = find(server, stream);
    coco_error *why = NULL;

    (void)session, (void)flags;
    if (!call || call->answered || !call->is_grpc)
        return 0;
    coco_status status = coco_grpc_frame_feed(&call->request, data, len, &why);
    if (status != COCO_OK) {
        call->answered = true; /* what else comes of it is not read */
        status = answer_failure(server, call, status, why);
    }
    coco_error_free(why);
    return keep(server, status);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct server *server = user;
    struct call *call = find(server, frame->hd.stream_id);

    (void)session;
    if (!call || call->answered || frame->hd.stream_id == 0
        || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0
        || (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS))
        return 0;
    return keep(server, answer(server, call));
}

static int
on_close(nghttp2_session *session, int32_t stream, uint32_t reset, void *user)
{
    struct server *server = user;
    struct call *call = find(server, stream);

    (void)session;
    if (!call)
        return 0;
    call_done(call);
    /* Who opens and resets calls has us work for nothing (CVE-2023-44487). */
    if (reset != NGHTTP2_NO_ERROR && ++server->abandoned > ABANDONED_MAX)
        return keep(server, coco_fail(place(server), COCO_ERR_LIMIT, "too many calls taken back"));
    return 0;
}

static coco_status
make_session(struct server *server, coco_error **err)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MAX},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, COCO_H2_HEADER_BYTES_MAX},
    };
    nghttp2_mem memory = coco_h2_memory(&server->memory);
    nghttp2_session_callbacks *callbacks = NULL;

    int rc = nghttp2_session_callbacks_new(&callbacks);
    if (rc == 0) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
        nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
        rc = nghttp2_session_server_new3(&server->session, callbacks, server, NULL, &memory);
    }
    nghttp2_session_callbacks_del(callbacks);
    if (rc == 0)
        rc = nghttp2_submit_settings(server->session, NGHTTP2_FLAG_NONE, settings, 2);
    return rc == 0 ? COCO_OK : coco_h2_fail(rc, &server->memory, err);
}

static void
server_close(void *self)
{
    struct server *server = self;

    if (!server)
        return;
    nghttp2_session_del(server->session);
    for (size_t i = 0; i < STREAMS_MAX; i++)
        call_done(&server->calls[i]);
    coco_error_free(server->err);
    free(server);
}

static coco_status
server_open(const struct coco_rpc_service *service, coco_ctx *ctx, void **ret, coco_error **err)
{
    struct server *server = calloc(1, sizeof(*server));

    if (!server)
        return coco_fail_nomem(err);
    server->service = service;
    server->ctx = ctx;
    server->memory.left = COCO_H2_MEMORY_MAX;
    coco_status status = make_session(server, err);
    if (status != COCO_OK) {
        server_close(server);
        return status;
    }
    *ret = server;
    return COCO_OK;
}

static coco_status
server_pending(void *self, const uint8_t **data, size_t *len, coco_error **err)
{
    struct server *server = self;
    ssize_t n = nghttp2_session_mem_send(server->session, data);

    if (n < 0)
        return coco_h2_fail((int)n, &server->memory, err);
    *len = (size_t)n;
    return COCO_OK;
}

static coco_status
server_feed(void *self, const void *data, size_t len, coco_error **err)
{
    struct server *server = self;
    ssize_t n = nghttp2_session_mem_recv(server->session, data, len);

    if (n == NGHTTP2_ERR_CALLBACK_FAILURE && server->err) {
        coco_error_give(err, coco_steal(&server->err));
        return server->status;
    }
    return n >= 0 && (size_t)n == len ? COCO_OK : coco_h2_fail((int)n, &server->memory, err);
}

static bool
server_is_over(const void *self)
{
    const struct server *server = self;

    return nghttp2_session_want_read(server->session) == 0
           && nghttp2_session_want_write(server->session) == 0;
}

const struct coco_rpc_protocol coco_grpc_protocol = {
    .open = server_open,
    .pending = server_pending,
    .feed = server_feed,
    .is_over = server_is_over,
    .close = server_close,
};
