/*
 * kbc/verdictd.h - what Verdictd is asked, once there is TLS (guest-protocols 5.10)
 *
 * Texts of JSON with nothing between them: each is one write of the TLS's, and a reply ends
 * with a record that is not full, or with the size that was announced.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_VERDICTD_H
#define COCO_KBC_VERDICTD_H

#include "base/secret.h"
#include "rpc/stream.h"

#define COCO_VERDICTD_RESOURCE_MAX ((size_t)4 << 20) /* in base64 */

/* Asks for the version, which is the first thing said: COCO_ERR_PROTO unless it is "v1". */
coco_status coco_verdictd_greet(struct coco_stream *stream, coco_error **err);

/* The key called id; COCO_ERR_NOTFOUND as the server says, whatever its reason is. */
coco_status coco_verdictd_get_key(struct coco_stream *stream, const char *id,
                                  struct coco_secret *ret, coco_error **err);

/* The resource at path: its size first, and then itself. */
coco_status coco_verdictd_get_resource(struct coco_stream *stream, const char *path,
                                       struct coco_secret *ret, coco_error **err);

/* What replies hold: the version is good; the member name of data; the bytes of a resource. */
coco_status coco_verdictd_parse_version(const struct coco_buf *reply, coco_error **err);
coco_status coco_verdictd_parse_text(const struct coco_buf *reply, const char *name,
                                     struct coco_buf *text, coco_error **err);
coco_status coco_verdictd_parse_resource(const struct coco_buf *reply, struct coco_secret *ret,
                                         coco_error **err);

#endif
