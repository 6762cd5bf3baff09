/*
 * fuzz/http_field/target.c - header fields that say how a transfer goes on
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/cleanup.h"
#include "net/field.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Whatever is taken for a field of one kind makes sense as one. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_free_ char *text = strndup((const char *)data, len);
    struct coco_content_range range = {0};
    uint64_t length = 0;
    size_t target_len = 0;
    uint32_t seconds = 0;
    int64_t date = 0;

    if (!text)
        abort();
    if (coco_content_range_parse(text, &range)
        && (range.first > range.last || !(range.satisfied || range.complete)
            || (range.satisfied && range.complete && range.last >= range.total)))
        abort();
    if (coco_content_length_parse(text, &length) && strspn(text, "0123456789") != strlen(text))
        abort();
    if (coco_upload_range_parse(text, &length) && (length == 1 || !strchr(text, '-')))
        abort();
    if (coco_max_age_parse(text, &length) && !strcasestr(text, "max-age"))
        abort();
    bool dated = coco_http_date_parse(text, &date);
    bool valid = coco_retry_after_parse(text, 784111777, &seconds);
    if (dated && !valid)
        abort();
    if (dated && date - 784111777 != (int64_t)seconds && date > 784111777 && seconds != UINT32_MAX)
        abort();
    if (coco_etag_is_strong(text)
        && (strlen(text) < 2 || strpbrk(text, " \t\r\n") || text[0] != '"'))
        abort();
    const char *target = coco_link_next(text, &target_len);
    if (target
        && (target == text || target[-1] != '<' || target[target_len] != '>'
            || memchr(target, '>', target_len) || !strcasestr(target + target_len, "next")))
        abort();
    return 0;
}
