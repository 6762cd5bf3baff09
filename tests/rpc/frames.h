/*
 * tests/rpc/frames.h - frames of HTTP/2, as no decent peer would send them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_RPC_FRAMES_H
#define COCO_TESTS_RPC_FRAMES_H

#include "base/buf.h"

#include <string.h>

enum { DATA = 0, HEADERS = 1, RST = 3, SETTINGS = 4, PUSH = 5, PING = 6, GOAWAY = 7, MORE = 9 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8 };

/* RFC 9113 section 4.1. */
static inline void
put_frame(struct coco_buf *buf, int type, int flags, uint32_t stream, const void *payload,
          size_t len)
{
    const uint8_t head[9] = {
        (uint8_t)(len >> 16),    (uint8_t)(len >> 8),    (uint8_t)len,
        (uint8_t)type,           (uint8_t)flags,         (uint8_t)(stream >> 24),
        (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};

    (void)coco_buf_append(buf, head, sizeof(head), NULL);
    (void)coco_buf_append(buf, payload, len, NULL);
}

/* RFC 7541 section 6.2.2: a literal that is not indexed, of less than 127 bytes each. */
static inline void
put_header(struct coco_buf *buf, const char *name, const char *value)
{
    const uint8_t kind = 0;
    uint8_t len = (uint8_t)strlen(name);

    (void)coco_buf_append(buf, &kind, 1, NULL);
    (void)coco_buf_append(buf, &len, 1, NULL);
    (void)coco_buf_append(buf, name, len, NULL);
    len = (uint8_t)strlen(value);
    (void)coco_buf_append(buf, &len, 1, NULL);
    (void)coco_buf_append(buf, value, len, NULL);
}

/* A HEADERS frame of "name: value\n" lines. */
static inline void
put_headers(struct coco_buf *buf, int flags, uint32_t stream, const char *lines)
{
    struct coco_buf block = {.limit = 16 << 10};
    char line[256];

    while (*lines != '\0') {
        size_t len = strcspn(lines, "\n");
        memcpy(line, lines, len);
        line[len] = '\0';
        char *colon = strstr(line, ": ");
        *colon = '\0';
        put_header(&block, line, colon + 2);
        lines += len + (lines[len] == '\n');
    }
    put_frame(buf, HEADERS, flags, stream, block.data, block.len);
    coco_buf_done(&block);
}

#endif
