/*
 * tee/utf16.c - UEFI's text as ours
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/utf16.h"

#include "base/fail.h"
#include "base/text.h"

#define REPLACEMENT 0xfffd

static uint32_t
unit(const uint8_t *data, size_t at)
{
    return (uint32_t)data[at] | (uint32_t)data[at + 1] << 8;
}

static bool
is_high(uint32_t value)
{
    return value >= 0xd800 && value < 0xdc00;
}

static bool
is_low(uint32_t value)
{
    return value >= 0xdc00 && value < 0xe000;
}

coco_status
coco_utf16_to_utf8(const uint8_t *data, size_t len, bool lossy, struct coco_buf *buf,
                   coco_error **err)
{
    for (size_t at = 0; at + 1 < len; at += 2) {
        uint32_t code = unit(data, at);
        char text[4];

        if (is_high(code) && at + 3 < len && is_low(unit(data, at + 2))) {
            code = 0x10000 + ((code - 0xd800) << 10) + (unit(data, at + 2) - 0xdc00);
            at += 2;
        } else if (is_high(code) || is_low(code)) {
            if (!lossy)
                return coco_fail(err, COCO_ERR_PROTO, "text is not UTF-16");
            code = REPLACEMENT;
        }
        if (code == 0)
            return coco_fail(err, COCO_ERR_PROTO, "text holds a NUL");
        coco_status status = coco_buf_append(buf, text, coco_utf8_put(code, text), err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}
