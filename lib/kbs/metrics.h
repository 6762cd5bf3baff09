/*
 * kbs/metrics.h - what a KBS counts, for Prometheus
 *
 * Names and meanings are upstream's (Trustee, kbs/docs/metrics.md), so that its
 * dashboards go on. No label is a name that a guest or an owner chose: no resource
 * is told, and there are as many series after a year as at the start.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_METRICS_H
#define COCO_KBS_METRICS_H

#include "base/buf.h"

#include <stdint.h>

/* What a request is for. */
enum coco_kbs_operation {
    COCO_KBS_UNCOUNTED, /* those who watch */
    COCO_KBS_AUTH,
    COCO_KBS_ATTEST,
    COCO_KBS_READ,  /* of a resource, by a guest */
    COCO_KBS_WRITE, /* of a resource */
    COCO_KBS_OTHER,
};

/* What the resource policy said. */
enum coco_kbs_ruling {
    COCO_KBS_NOT_ASKED,
    COCO_KBS_ALLOWED,
    COCO_KBS_FORBIDDEN,
    COCO_KBS_FAILED, /* to say anything; that forbids it, too */
};

/* One request that was answered. */
struct coco_kbs_event {
    enum coco_kbs_operation operation;
    enum coco_kbs_ruling ruling;
    const char *tee; /* whose evidence was judged; NULL: none was */
    int status;      /* of HTTP */
    uint64_t duration_ns;
    uint64_t request_size; /* bytes of the bodies */
    uint64_t reply_size;
};

/* Any thread. */
struct coco_kbs_metrics;

coco_status coco_kbs_metrics_new(struct coco_kbs_metrics **ret, coco_error **err);
void coco_kbs_metrics_free(struct coco_kbs_metrics *metrics);
COCO_DEFINE_CLEANUP(struct coco_kbs_metrics *, coco_kbs_metrics_free);

void coco_kbs_metrics_count(struct coco_kbs_metrics *metrics, const struct coco_kbs_event *event);

/* A connection that never became a request. */
void coco_kbs_metrics_count_limited(struct coco_kbs_metrics *metrics);

/* Appends all of them as Prometheus reads them (httpd/exposition.h), as they were at one moment. */
coco_status coco_kbs_metrics_write(struct coco_kbs_metrics *metrics, struct coco_buf *buf,
                                   coco_error **err);

#endif
