/*
 * image/defer.c - failures that wait until a blob was verified
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/defer.h"

void
coco_defer_done(struct coco_defer *defer)
{
    coco_error_free(defer->err);
    *defer = (struct coco_defer){0};
}

/* No other bytes would have helped. */
static bool
is_of_the_system(coco_status status)
{
    return status == COCO_ERR_NOMEM || status == COCO_ERR_IO || status == COCO_ERR_CANCELED;
}

static coco_status
give(coco_status status, coco_error **from, coco_error **err)
{
    if (err)
        *err = coco_steal(from);
    return status;
}

static coco_status
defer_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct coco_defer *defer = self;

    if (defer->status != COCO_OK)
        return COCO_OK;
    coco_status status = coco_sink_write(&defer->next, data, len, &defer->err);
    if (is_of_the_system(status))
        return give(status, &defer->err, err);
    defer->status = status;
    return COCO_OK;
}

static coco_status
defer_end(void *self, coco_error **err)
{
    struct coco_defer *defer = self;

    if (defer->status != COCO_OK)
        return give(defer->status, &defer->err, err);
    return coco_sink_end(&defer->next, err);
}

struct coco_sink
coco_defer_sink(struct coco_defer *defer)
{
    return (struct coco_sink){.write = defer_write, .end = defer_end, .self = defer};
}
