/*
 * tee/eventlog_head.h - what reading and writing of event logs share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_EVENTLOG_HEAD_H
#define COCO_TEE_EVENTLOG_HEAD_H

#include "tee/eventlog.h"

/* Section 10.4.5.1: name, class of platform, version of the specification, size of UINTN. */
#define COCO_SPEC_ID_NAME "Spec ID Event03"
#define COCO_SPEC_ID_SIZE 24

/* The digest of a record in the older form. */
#define COCO_HEAD_DIGEST_SIZE 20

/* Section 10.4.5.3 */
#define COCO_STARTUP_LOCALITY "StartupLocality"

/* coco_eventlog_parse() that does not look at what is behind the end, nor at the size. */
coco_status coco_eventlog_scan(const void *data, size_t len, struct coco_eventlog *ret,
                               coco_error **err);

#endif
