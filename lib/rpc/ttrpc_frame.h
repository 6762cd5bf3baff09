/*
 * rpc/ttrpc_frame.h - frames of ttrpc: ten bytes of a head, and a message
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RPC_TTRPC_FRAME_H
#define COCO_RPC_TTRPC_FRAME_H

#include "base/buf.h"

#define COCO_TTRPC_HEAD_SIZE ((size_t)10)
#define COCO_TTRPC_DATA_MAX ((size_t)4 << 20)

enum coco_ttrpc_kind {
    COCO_TTRPC_REQUEST = 1,
    COCO_TTRPC_RESPONSE = 2,
    COCO_TTRPC_DATA = 3,
};

enum coco_ttrpc_flag {
    COCO_TTRPC_REMOTE_CLOSED = 0x01,
    COCO_TTRPC_REMOTE_OPEN = 0x02,
    COCO_TTRPC_NO_DATA = 0x04,
};

/* A frame as it comes in: all zero before the first byte. */
struct coco_ttrpc_frame {
    uint8_t bytes[COCO_TTRPC_HEAD_SIZE];
    size_t head_len;
    uint32_t len; /* of data, once the head is there */
    uint32_t stream;
    uint8_t kind;
    uint8_t flags;
    uint32_t passed; /* bytes of data that were thrown away: there are too many */
    struct coco_buf data;
};

/*
 * Takes the next bytes, at most what is left of this frame, and stores in *n how many that
 * were. A frame above COCO_TTRPC_DATA_MAX is read to its end and not kept.
 */
coco_status coco_ttrpc_frame_feed(struct coco_ttrpc_frame *frame, const void *data, size_t len,
                                  size_t *n, coco_error **err);

bool coco_ttrpc_frame_is_whole(const struct coco_ttrpc_frame *frame);
bool coco_ttrpc_frame_is_too_long(const struct coco_ttrpc_frame *frame);

/* Makes it ready for the next. */
void coco_ttrpc_frame_reset(struct coco_ttrpc_frame *frame);

/* Appends a frame without flags; COCO_ERR_LIMIT. */
coco_status coco_ttrpc_frame_format(uint32_t stream, enum coco_ttrpc_kind kind, const void *data,
                                    size_t len, struct coco_buf *buf, coco_error **err);

#endif
