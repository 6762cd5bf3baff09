/*
 * base/sink.c - where a stream of bytes goes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/sink.h"

static coco_status
buf_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_buf_append(self, data, len, err);
}

static coco_status
buf_end(void *self, coco_error **err)
{
    (void)self;
    (void)err;
    return COCO_OK;
}

struct coco_sink
coco_sink_to_buf(struct coco_buf *buf)
{
    return (struct coco_sink){.write = buf_write, .end = buf_end, .self = buf};
}
