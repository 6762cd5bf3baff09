/*
 * rpc/grpc_exchange.c - one unary call over gRPC, as its client sees it, without I/O
 *
 * The rules are those of "gRPC over HTTP2": headers, one message, trailers with the status;
 * or trailers alone. What the server sends before it is asked to send anything is bounded by
 * what nghttp2 keeps, and all it sends by BYTES_MAX.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/grpc_exchange.h"

#include "base/fail.h"
#include "rpc/code.h"
#include "rpc/grpc_frame.h"
#include "rpc/grpc_status.h"
#include "rpc/h2.h"
#include "rpc/message.h"

#include <string.h>

/* All that is not the message: settings, pings, window updates, padding. */
#define OVERHEAD_MAX ((uint64_t)4 << 20)

struct coco_grpc_exchange {
    nghttp2_session *session;
    struct coco_rpc_memory memory;
    int32_t stream;

    struct coco_buf request; /* in its frame */
    size_t sent;

    struct coco_h2_headers headers;
    struct coco_grpc_frame reply;
    uint64_t received;
    uint64_t received_max;
    uint32_t http_status;
    bool is_grpc; /* the answer's content-type says so */
    bool has_code;
    uint32_t code;
    struct coco_buf message; /* of the status */

    bool closed;
    uint32_t reset; /* what the stream was closed with */
    coco_status status;
    coco_error *err; /* of a callback */
};

/* A callback has failed: its error waits until nghttp2 has returned. */
static int
keep(struct coco_grpc_exchange *e, coco_status status)
{
    if (status == COCO_OK)
        return 0;
    e->status = status;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* nghttp2 reads the name of a call's own error from here: the first counts. */
static coco_error **
place(struct coco_grpc_exchange *e)
{
    coco_error_free(e->err);
    e->err = NULL;
    return &e->err;
}

static coco_status
take_header(struct coco_grpc_exchange *e, nghttp2_vec name, nghttp2_vec value)
{
    const char *text = (const char *)value.base;
    coco_status status = coco_h2_count(&e->headers, name, value, place(e));

    if (status != COCO_OK)
        return status;
    if (coco_h2_is(name, ":status")) {
        /* nghttp2 has seen that it is three digits; a later one is the final answer's. */
        e->http_status = (uint32_t)((value.base[0] - '0') * 100 + (value.base[1] - '0') * 10
                                    + value.base[2] - '0');
    } else if (coco_h2_is(name, "content-type")) {
        e->is_grpc = coco_h2_is_grpc(value);
    } else if (coco_h2_is(name, "grpc-status")) {
        if (e->has_code)
            return coco_fail(place(e), COCO_ERR_PROTO, "two grpc-status");
        status = coco_grpc_status_parse(text, value.len, &e->code, place(e));
        e->has_code = status == COCO_OK;
    } else if (coco_h2_is(name, "grpc-message")) {
        coco_buf_reset(&e->message);
        status = coco_grpc_message_parse(text, value.len, &e->message, place(e));
    } else if (coco_h2_is(name, "grpc-encoding") && !coco_h2_is(value, "identity")) {
        return coco_fail(place(e), COCO_ERR_NOTSUP, "message is compressed");
    }
    return status;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
          nghttp2_rcbuf *value, uint8_t flags, void *user)
{
    struct coco_grpc_exchange *e = user;

    (void)session, (void)flags;
    if (frame->hd.stream_id != e->stream)
        return 0;
    return keep(e, take_header(e, nghttp2_rcbuf_get_buf(name), nghttp2_rcbuf_get_buf(value)));
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t len,
        void *user)
{
    struct coco_grpc_exchange *e = user;

    (void)session, (void)flags;
    /* The body of an answer that is not gRPC's says nothing to us. */
    if (stream != e->stream || e->http_status != 200 || !e->is_grpc)
        return 0;
    return keep(e, coco_grpc_frame_feed(&e->reply, data, len, place(e)));
}

static int
on_close(nghttp2_session *session, int32_t stream, uint32_t reset, void *user)
{
    struct coco_grpc_exchange *e = user;

    (void)session;
    if (stream == e->stream) {
        e->closed = true;
        e->reset = reset;
    }
    return 0;
}

static ssize_t
read_request(nghttp2_session *session, int32_t stream, uint8_t *data, size_t size, uint32_t *flags,
             nghttp2_data_source *source, void *user)
{
    struct coco_grpc_exchange *e = user;
    size_t n = e->request.len - e->sent;

    (void)session, (void)stream, (void)source;
    n = n < size ? n : size;
    memcpy(data, e->request.data + e->sent, n);
    e->sent += n;
    if (e->sent == e->request.len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static coco_status
make_session(struct coco_grpc_exchange *e, coco_error **err)
{
    nghttp2_mem memory = coco_h2_memory(&e->memory);
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;

    int rc = nghttp2_session_callbacks_new(&callbacks);
    if (rc == 0)
        rc = nghttp2_option_new(&option);
    if (rc == 0) {
        nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
        nghttp2_option_set_max_reserved_remote_streams(option, 0);
        rc = nghttp2_session_client_new3(&e->session, callbacks, e, option, &memory);
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return rc == 0 ? COCO_OK : coco_h2_fail(rc, &e->memory, err);
}

static coco_status
submit(struct coco_grpc_exchange *e, const struct coco_grpc_request *request, coco_error **err)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, COCO_H2_HEADER_BYTES_MAX},
    };
    _cleanup_buf_ struct coco_buf timeout = {.limit = 16};
    nghttp2_data_provider provider = {.read_callback = read_request};
    coco_status status = COCO_OK;

    if (request->timeout_ms > 0)
        status = coco_grpc_timeout_format(request->timeout_ms, &timeout, err);
    if (status != COCO_OK)
        return status;
    const nghttp2_nv headers[] = {
        coco_h2_header(":method", "POST"),
        coco_h2_header(":scheme", request->tls ? "https" : "http"),
        coco_h2_header(":path", request->method),
        coco_h2_header(":authority", request->authority),
        coco_h2_header("te", "trailers"),
        coco_h2_header("content-type", "application/grpc"),
        coco_h2_header("user-agent", "grpc-c-libcoco"),
        coco_h2_header("grpc-accept-encoding", "identity"),
        coco_h2_header("grpc-timeout", coco_buf_text(&timeout)),
    };
    size_t n = sizeof(headers) / sizeof(headers[0]) - (request->timeout_ms == 0);
    int rc = nghttp2_submit_settings(e->session, NGHTTP2_FLAG_NONE, settings, 2);
    if (rc == 0)
        rc = e->stream = nghttp2_submit_request(e->session, NULL, headers, n, &provider, NULL);
    return rc >= 0 ? COCO_OK : coco_h2_fail(rc, &e->memory, err);
}

coco_status
coco_grpc_exchange_new(const struct coco_grpc_request *request, struct coco_grpc_exchange **ret,
                       coco_error **err)
{
    _cleanup_(coco_grpc_exchange_freep) struct coco_grpc_exchange *e = calloc(1, sizeof(*e));

    if (!e)
        return coco_fail_nomem(err);
    e->memory.left = COCO_H2_MEMORY_MAX;
    e->request.limit = COCO_RPC_MESSAGE_MAX + COCO_GRPC_FRAME_HEAD_SIZE;
    e->reply.limit = request->reply_max > 0 ? request->reply_max : COCO_RPC_MESSAGE_MAX;
    e->received_max = e->reply.limit + OVERHEAD_MAX;
    e->message.limit = COCO_GRPC_STATUS_MESSAGE_MAX;
    coco_status status = coco_grpc_frame_format(request->message, request->len, &e->request, err);
    if (status == COCO_OK)
        status = make_session(e, err);
    if (status == COCO_OK)
        status = submit(e, request, err);
    if (status != COCO_OK)
        return status;
    *ret = coco_steal(&e);
    return COCO_OK;
}

void
coco_grpc_exchange_free(struct coco_grpc_exchange *e)
{
    if (!e)
        return;
    nghttp2_session_del(e->session);
    coco_buf_done(&e->request);
    coco_buf_done(&e->message);
    coco_grpc_frame_done(&e->reply);
    coco_error_free(e->err);
    free(e);
}

coco_status
coco_grpc_exchange_pending(struct coco_grpc_exchange *e, const uint8_t **data, size_t *len,
                           coco_error **err)
{
    ssize_t n = nghttp2_session_mem_send(e->session, data);

    if (n < 0)
        return coco_h2_fail((int)n, &e->memory, err);
    *len = (size_t)n;
    return COCO_OK;
}

coco_status
coco_grpc_exchange_feed(struct coco_grpc_exchange *e, const void *data, size_t len,
                        coco_error **err)
{
    e->received += len;
    if (e->received > e->received_max)
        return coco_fail(err, COCO_ERR_LIMIT, "the peer sends without end");
    ssize_t n = nghttp2_session_mem_recv(e->session, data, len);
    if (n == NGHTTP2_ERR_CALLBACK_FAILURE && e->err) {
        coco_error_give(err, coco_steal(&e->err));
        return e->status;
    }
    if (n < 0 || (size_t)n != len)
        return coco_h2_fail((int)n, &e->memory, err);
    if (nghttp2_session_want_read(e->session) == 0 && nghttp2_session_want_write(e->session) == 0)
        e->closed = true; /* it has said GOAWAY, and we have nothing more to say */
    return COCO_OK;
}

bool
coco_grpc_exchange_is_over(const struct coco_grpc_exchange *e)
{
    return e->closed;
}

coco_status
coco_grpc_exchange_finish(struct coco_grpc_exchange *e, struct coco_buf *reply, coco_error **err)
{
    bool empty = true;

    if (!e->closed)
        return coco_fail(err, COCO_ERR_NET, "the peer has closed the connection");
    if (e->http_status == 0 && e->reset != NGHTTP2_NO_ERROR)
        return coco_fail(err, COCO_ERR_NET, "the peer ended the call: %s",
                         nghttp2_http2_strerror(e->reset));
    if (e->http_status == 0)
        return coco_fail(err, COCO_ERR_NET, "the peer ended the connection");
    if (e->http_status != 200)
        return coco_rpc_code_fail(coco_grpc_status_of_http(e->http_status), "no gRPC", err);
    if (!e->is_grpc)
        return coco_fail(err, COCO_ERR_PROTO, "the answer is not gRPC's");
    if (!e->has_code && e->reset != NGHTTP2_NO_ERROR)
        return coco_fail(err, COCO_ERR_NET, "the peer ended the call: %s",
                         nghttp2_http2_strerror(e->reset));
    if (!e->has_code)
        return coco_fail(err, COCO_ERR_PROTO, "the answer has no grpc-status");
    if (e->code != COCO_RPC_OK)
        return coco_rpc_code_fail(e->code, coco_buf_text(&e->message), err);
    coco_status status = coco_grpc_frame_finish(&e->reply, &empty, err);
    if (status == COCO_OK && empty)
        status = coco_fail(err, COCO_ERR_PROTO, "the answer has no message");
    if (status == COCO_OK)
        status = coco_buf_append(reply, e->reply.message.data, e->reply.message.len, err);
    return status;
}
