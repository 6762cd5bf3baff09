/*
 * httpd/exposition.c - numbers as Prometheus reads them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/exposition.h"

#include <inttypes.h>

coco_status
coco_exposition_head(const char *name, const char *help, const char *type, struct coco_buf *buf,
                     coco_error **err)
{
    return coco_buf_printf(buf, err, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

coco_status
coco_exposition_sample(const char *series, uint64_t value, struct coco_buf *buf, coco_error **err)
{
    return coco_buf_printf(buf, err, "%s %" PRIu64 "\n", series, value);
}

coco_status
coco_exposition_metric(const char *name, const char *help, const char *type, uint64_t value,
                       struct coco_buf *buf, coco_error **err)
{
    coco_status status = coco_exposition_head(name, help, type, buf, err);

    return status == COCO_OK ? coco_exposition_sample(name, value, buf, err) : status;
}
