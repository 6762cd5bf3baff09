/*
 * rpc/grpc_frame.h - one message of gRPC within the bytes of an HTTP/2 stream
 *
 * gRPC over HTTP2, "Length-Prefixed-Message": a byte that says whether the message is
 * compressed, its length in four bytes, big-endian, and the message. Unary calls have one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RPC_GRPC_FRAME_H
#define COCO_RPC_GRPC_FRAME_H

#include "base/buf.h"

#define COCO_GRPC_FRAME_HEAD_SIZE ((size_t)5)

struct coco_grpc_frame {
    size_t limit; /* of the message */
    uint8_t head[COCO_GRPC_FRAME_HEAD_SIZE];
    size_t head_len;
    size_t len; /* of the message, once the head is there */
    struct coco_buf message;
};

/*
 * Takes the next bytes, however they were cut. COCO_ERR_LIMIT for a message above limit,
 * before there is memory for it, COCO_ERR_NOTSUP for one that is compressed, which nobody
 * has asked for, COCO_ERR_PROTO for bytes behind it.
 */
coco_status coco_grpc_frame_feed(struct coco_grpc_frame *frame, const void *data, size_t len,
                                 coco_error **err);

/* Whether nothing has come, or all of it: COCO_ERR_PROTO for a part. */
coco_status coco_grpc_frame_finish(const struct coco_grpc_frame *frame, bool *empty,
                                   coco_error **err);

/* Appends the head and the message. */
coco_status coco_grpc_frame_format(const void *message, size_t len, struct coco_buf *buf,
                                   coco_error **err);

void coco_grpc_frame_done(struct coco_grpc_frame *frame);

#endif
