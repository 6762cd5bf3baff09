/*
 * base/buf.h - bytes that grow, up to a limit
 *
 *     _cleanup_buf_ struct coco_buf body = {.limit = BODY_MAX};
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_BUF_H
#define COCO_BASE_BUF_H

#include "base/cleanup.h"

#include <coco/error.h>

/* Always NUL-terminated once data is set; the NUL is not counted in len. */
struct coco_buf {
    uint8_t *data;
    size_t len;
    size_t limit; /* growing past it fails with COCO_ERR_LIMIT */
    size_t room;  /* what data can hold, with its NUL */
};

coco_status coco_buf_append(struct coco_buf *buf, const void *data, size_t len, coco_error **err);
coco_status coco_buf_append_text(struct coco_buf *buf, const char *text, coco_error **err);
coco_status coco_buf_printf(struct coco_buf *buf, coco_error **err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends the bytes as lower-case hex. */
coco_status coco_buf_append_hex(struct coco_buf *buf, const void *data, size_t len,
                                coco_error **err);

/* The content as text; "" for a buffer that nothing was ever added to. */
const char *coco_buf_text(const struct coco_buf *buf);

/* Drops the content, wiped, and keeps the limit. */
void coco_buf_reset(struct coco_buf *buf);

/* Wipes and frees: a buffer does not know whether it held a secret. */
void coco_buf_done(struct coco_buf *buf);

#define _cleanup_buf_ _cleanup_(coco_buf_done)

#endif
