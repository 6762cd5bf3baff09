/*
 * net/field.h - values of header fields that a transfer goes by
 *
 * Whoever sends them may be hostile: what is not of the form is none, numbers
 * that do not fit are none, and nothing is read past the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_NET_FIELD_H
#define COCO_NET_FIELD_H

#include <coco/types.h>

/* Content-Length (RFC 9110 section 8.6): digits and nothing else. */
bool coco_content_length_parse(const char *text, uint64_t *ret);

/* Content-Range (RFC 9110 section 14.4), in bytes. */
struct coco_content_range {
    bool satisfied; /* there is a part; false for "bytes * /1234", which goes with 416 */
    uint64_t first; /* of the part's bytes, */
    uint64_t last;  /* and this is one of them, too */
    bool complete;  /* the total is known */
    uint64_t total;
};

bool coco_content_range_parse(const char *text, struct coco_content_range *ret);

/*
 * Range of a registry's answer about an upload (distribution-spec, "Resuming an upload"):
 * how many bytes it has, all from the first on. "0-0" is said of none, too, so it is none.
 */
bool coco_upload_range_parse(const char *text, uint64_t *ret);

/* Seconds since 1970 of an HTTP-date (RFC 9110 section 5.6.7), in any of its three forms. */
bool coco_http_date_parse(const char *text, int64_t *ret);

/*
 * Seconds to wait after now, which is in seconds since 1970, for a Retry-After
 * (RFC 9110 section 10.2.3); UINT32_MAX for more, 0 for a date that has passed.
 */
bool coco_retry_after_parse(const char *text, int64_t now, uint32_t *ret);

/*
 * The least max-age of a Cache-Control (RFC 9111 section 5.2.2.1), in seconds; 0 for one that
 * is malformed. False if there is none.
 */
bool coco_max_age_parse(const char *text, uint64_t *ret);

/*
 * The target of the first link in a Link field (RFC 8288 section 3) whose relation is "next",
 * lent by text and *len bytes long; NULL if there is none. What is behind a malformed link is
 * not looked at.
 */
const char *coco_link_next(const char *text, size_t *len);

/* Whether an ETag is one that If-Range may hold: strong and whole (RFC 9110 section 8.8.3). */
bool coco_etag_is_strong(const char *text);

#endif
