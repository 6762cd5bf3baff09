/*
 * base/traceparent.h - which requests belong together (W3C Trace Context)
 *
 *     00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
 *     version, id of the trace, id of the parent, flags
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_TRACEPARENT_H
#define COCO_BASE_TRACEPARENT_H

#include <coco/error.h>

#include <stdbool.h>

/* With their NULs. */
#define COCO_TRACEPARENT_SIZE 56
#define COCO_TRACE_ID_SIZE 33

/*
 * Reads the value of a header, or NULL; false unless it is one. Of a later version the
 * part that is known counts, as version 00 (section 3.2.4).
 */
bool coco_traceparent_parse(const char *text, char ret[COCO_TRACEPARENT_SIZE]);

/* Begins a trace. */
coco_status coco_traceparent_new(char ret[COCO_TRACEPARENT_SIZE], coco_error **err);

/* The next step of the trace of parent, which coco_traceparent_parse() gave. */
coco_status coco_traceparent_next(const char *parent, char ret[COCO_TRACEPARENT_SIZE],
                                  coco_error **err);

/* The id of its trace. */
void coco_traceparent_id(const char *traceparent, char ret[COCO_TRACE_ID_SIZE]);

#endif
