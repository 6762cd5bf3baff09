/*
 * base/rfc3339.h - dates as JSON has them (RFC 3339)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_RFC3339_H
#define COCO_BASE_RFC3339_H

#include <coco/error.h>

/*
 * "2021-01-12T11:53:27[.5]Z" in seconds since 1970, a fraction cut. COCO_ERR_PROTO for all else,
 * other offsets than Z and days that no month has included.
 */
coco_status coco_rfc3339_parse(const char *text, int64_t *ret, coco_error **err);

/* The same, of any offset: "2021-01-12T13:53:27+02:00". */
coco_status coco_rfc3339_parse_local(const char *text, int64_t *ret, coco_error **err);

#endif
