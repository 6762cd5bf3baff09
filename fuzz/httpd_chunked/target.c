/*
 * fuzz/httpd_chunked/target.c - bodies of HTTP requests that come in chunks
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/buf.h"
#include "httpd/chunked.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    struct coco_buf body;
    size_t used;
    int bad;
    bool end;
};

static struct outcome
decode(const uint8_t *data, size_t size, size_t at_once)
{
    struct outcome o = {.body = {.limit = LIMIT}};
    struct coco_httpd_chunked chunked = {.limit = LIMIT};

    while (!o.bad && o.used < size && chunked.state != COCO_HTTPD_CHUNKED_END) {
        struct coco_httpd_chunked_step step;
        size_t room = size - o.used < at_once ? size - o.used : at_once;

        o.bad = coco_httpd_chunked_read(&chunked, data + o.used, room, &step);
        if (step.used == 0 || step.used > room || step.data > step.used
            || chunked.len > chunked.limit)
            abort();
        o.used += step.used;
        if (!o.bad
            && coco_buf_append(&o.body, data + o.used - step.data, step.data, NULL) != COCO_OK)
            abort();
    }
    o.end = !o.bad && chunked.state == COCO_HTTPD_CHUNKED_END;
    if ((o.end && o.body.len != chunked.len) || (o.bad && o.bad != 400 && o.bad != 413))
        abort();
    return o;
}

/* However it comes, it is the same body of the same length, or as bad at the same byte. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = decode(data, size, SIZE_MAX);

    for (size_t at_once = 1; at_once < 4; at_once++) {
        struct outcome o = decode(data, size, at_once);

        if (o.bad != whole.bad || o.end != whole.end || o.used != whole.used
            || o.body.len != whole.body.len
            || memcmp(coco_buf_text(&o.body), coco_buf_text(&whole.body), o.body.len) != 0)
            abort();
        coco_buf_done(&o.body);
    }
    /* Whatever another reader makes of it, a body ends with an empty line. */
    if (whole.end && (whole.used < 5 || memcmp(data + whole.used - 4, "\r\n\r\n", 4) != 0))
        abort();
    coco_buf_done(&whole.body);
    return 0;
}
