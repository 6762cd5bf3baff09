/*
 * rpc/stream.h - bytes to a peer and back, through TLS or plain, for a bounded time
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RPC_STREAM_H
#define COCO_RPC_STREAM_H

#include "base/cleanup.h"
#include "rpc/target.h"
#include "rpc/tls.h"

#include <coco/context.h>

struct coco_stream;

struct coco_stream_options {
    struct coco_tls_options tls;
    uint64_t timeout_ms; /* for all that follows, connecting included */
};

/*
 * Connects, through TLS where the target has it. COCO_ERR_NET where nobody answers or TLS
 * fails, COCO_ERR_CANCELED. ctx must outlive the stream.
 */
coco_status coco_stream_open(const struct coco_target *target,
                             const struct coco_stream_options *opts, coco_ctx *ctx,
                             struct coco_stream **ret, coco_error **err);

/* The same of a socket that is connected, which is taken, also if it fails; plain. */
coco_status coco_stream_adopt(int fd, uint64_t timeout_ms, coco_ctx *ctx, struct coco_stream **ret,
                              coco_error **err);

/* Closes it, without a goodbye; NULL is fine. */
void coco_stream_free(struct coco_stream *stream);
COCO_DEFINE_CLEANUP(struct coco_stream *, coco_stream_free);

/* Another limit of time, from now on. */
void coco_stream_set_timeout(struct coco_stream *stream, uint64_t timeout_ms);

/*
 * Sends or receives what can be at once, and stores how much that was in *n, which may be
 * 0: wait then. A read of a stream that has ended sets *end.
 */
coco_status coco_stream_try_write(struct coco_stream *stream, const void *data, size_t len,
                                  size_t *n, coco_error **err);
coco_status coco_stream_try_read(struct coco_stream *stream, void *data, size_t size, size_t *n,
                                 bool *end, coco_error **err);

/* Waits until a read, or a write too, may get on: COCO_ERR_NET when the time is over. */
coco_status coco_stream_wait(struct coco_stream *stream, bool writing, coco_error **err);

/* All of data; or at least one byte, *n 0 at the end. */
coco_status coco_stream_write(struct coco_stream *stream, const void *data, size_t len,
                              coco_error **err);
coco_status coco_stream_read(struct coco_stream *stream, void *data, size_t size, size_t *n,
                             coco_error **err);

#endif
