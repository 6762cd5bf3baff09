/*
 * verifier/event_details.h - what an event says of itself
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_EVENT_DETAILS_H
#define COCO_VERIFIER_EVENT_DETAILS_H

#include "base/json.h"
#include "base/reader.h"
#include "tee/eventlog.h"

/*
 * Adds to details what upstream reads of the data of an event, by its type. Of data
 * that cannot be read nothing is added, where upstream refuses the log: the digest
 * is still true, and no policy finds what it looks for.
 */
coco_status coco_event_details(const struct coco_event *event, cJSON *details, coco_error **err);

/* Appends the text that upstream reads of EV_IPL, which each boot loader writes in its own way. */
coco_status coco_event_ipl_text(const struct coco_event *event, struct coco_buf *text,
                                coco_error **err);

/* The nodes of the path that an image was loaded from, without the last, which ends it. */
coco_status coco_event_image_path(const struct coco_event *event, struct coco_reader *ret,
                                  coco_error **err);

#endif
