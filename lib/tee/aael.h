/*
 * tee/aael.h - events that a guest measures as it runs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_AAEL_H
#define COCO_TEE_AAEL_H

#include "base/buf.h"

#include <stdbool.h>

/*
 * The attestation agent's event log (Trustee, kbs/docs/confidential-containers-eventlog.md):
 * "domain operation content", three texts with one space between them, as the data of a
 * tagged event (PC Client PFP, section 10.4.2.1) whose digest is that of all its bytes:
 *
 *     u32 tag  u32 size  text
 */
#define COCO_AAEL_TAG 0x4141454cU
#define COCO_AAEL_TEXT_MAX ((size_t)64 << 10)

struct coco_aael {
    const char *domain;
    const char *operation;
    const char *content;
};

/*
 * Appends the text. COCO_ERR_INVALID unless all are UTF-8 without control characters
 * and the first two without spaces, for the text would be read as another event;
 * COCO_ERR_LIMIT for one that is too long.
 */
coco_status coco_aael_format_text(const struct coco_aael *event, struct coco_buf *buf,
                                  coco_error **err);

/* Appends the tagged event. */
coco_status coco_aael_format(const struct coco_aael *event, struct coco_buf *buf, coco_error **err);

/* The same for a text that is there already. */
coco_status coco_aael_format_tagged(const void *text, size_t len, struct coco_buf *buf,
                                    coco_error **err);

/* An event that was read, and the text its members are in. */
struct coco_aael_text {
    char *text;
    struct coco_aael event;
};

void coco_aael_text_done(struct coco_aael_text *text);
#define _cleanup_aael_text_ _cleanup_(coco_aael_text_done)

/* Reads a text of len bytes; COCO_ERR_PROTO unless it has three parts of UTF-8 without NUL. */
coco_status coco_aael_parse_text(const void *text, size_t len, struct coco_aael_text *ret,
                                 coco_error **err);

/*
 * Reads the data of an event of type COCO_EV_EVENT_TAG: *tag is what it starts with,
 * *text and *len what it holds, lent. COCO_ERR_PROTO if it is cut. What follows is
 * passed over, as upstream does.
 */
coco_status coco_tagged_event_parse(const void *data, size_t len, uint32_t *tag,
                                    const uint8_t **text, size_t *text_len, coco_error **err);

#endif
