/*
 * httpd/exposition.h - numbers as Prometheus reads them
 *
 * The text format 0.0.4 (Prometheus, exposition formats). Names, labels and help are the
 * caller's own words: nothing is escaped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_HTTPD_EXPOSITION_H
#define COCO_HTTPD_EXPOSITION_H

#include "base/buf.h"

#include <stdint.h>

/* The Content-Type. */
#define COCO_EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends what comes before the samples of a metric; type is "counter", "gauge" or "histogram". */
coco_status coco_exposition_head(const char *name, const char *help, const char *type,
                                 struct coco_buf *buf, coco_error **err);

/* Appends a sample; series is a name with its labels. */
coco_status coco_exposition_sample(const char *series, uint64_t value, struct coco_buf *buf,
                                   coco_error **err);

/* Appends a metric of one sample. */
coco_status coco_exposition_metric(const char *name, const char *help, const char *type,
                                   uint64_t value, struct coco_buf *buf, coco_error **err);

#endif
