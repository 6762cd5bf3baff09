/*
 * tee/utf16.h - UEFI's text as ours
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_UTF16_H
#define COCO_TEE_UTF16_H

#include "base/buf.h"

#include <stdbool.h>

/*
 * Appends UTF-16 in little-endian, len bytes of it, as UTF-8. A surrogate alone is
 * COCO_ERR_PROTO, or with lossy U+FFFD; half a unit at the end is passed over.
 * COCO_ERR_PROTO for U+0000, which no text here can hold.
 */
coco_status coco_utf16_to_utf8(const uint8_t *data, size_t len, bool lossy, struct coco_buf *buf,
                               coco_error **err);

#endif
