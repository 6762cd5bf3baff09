/*
 * base/sink.h - where a stream of bytes goes
 *
 * The stages of a pull are sinks that hold the next one: a blob's bytes are
 * pushed through hash, cipher, inflate and tar without ever being whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_SINK_H
#define COCO_BASE_SINK_H

#include "base/buf.h"

#include <coco/error.h>

struct coco_sink {
    /* Takes all len bytes or fails; after a failure the stream is dead. */
    coco_status (*write)(void *self, const uint8_t *data, size_t len, coco_error **err);
    /*
     * The stream is complete: checks what can only be checked now and passes the
     * end on. Not called after a failure. What a stream produced counts only
     * once this said COCO_OK.
     */
    coco_status (*end)(void *self, coco_error **err);
    void *self;
    /*
     * Or NULL. Lends *room bytes, until the next call, into which the next write may
     * be prepared: what is then written from there is copied no more. Gives NULL
     * where there are none.
     */
    uint8_t *(*lend)(void *self, size_t *room);
};

static inline coco_status
coco_sink_write(const struct coco_sink *sink, const void *data, size_t len, coco_error **err)
{
    return sink->write(sink->self, data, len, err);
}

static inline coco_status
coco_sink_end(const struct coco_sink *sink, coco_error **err)
{
    return sink->end(sink->self, err);
}

static inline uint8_t *
coco_sink_lend(const struct coco_sink *sink, size_t *room)
{
    return sink->lend ? sink->lend(sink->self, room) : NULL;
}

/* Appends to buf, whose limit bounds the stream. */
struct coco_sink coco_sink_to_buf(struct coco_buf *buf);

/*
 * Where a stream of bytes comes from. Gives up to room bytes, and 0 only at the
 * end, which it reached having checked what can only be checked then.
 */
struct coco_stream {
    coco_status (*read)(void *self, uint8_t *data, size_t room, size_t *ret, coco_error **err);
    void *self;
};

static inline coco_status
coco_stream_read(const struct coco_stream *stream, uint8_t *data, size_t room, size_t *ret,
                 coco_error **err)
{
    return stream->read(stream->self, data, room, ret, err);
}

#endif
