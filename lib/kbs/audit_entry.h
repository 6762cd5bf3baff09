/*
 * kbs/audit_entry.h - one line of an audit log
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_AUDIT_ENTRY_H
#define COCO_KBS_AUDIT_ENTRY_H

#include "kbs/audit.h"

#define COCO_KBS_AUDIT_HASH_SIZE 65 /* hex and a NUL */
#define COCO_KBS_AUDIT_FIRST "0000000000000000000000000000000000000000000000000000000000000000"

/* Where an entry stands. */
struct coco_kbs_audit_place {
    uint64_t seq; /* from 1 */
    int64_t time;
    char prev[COCO_KBS_AUDIT_HASH_SIZE]; /* of the line before; COCO_KBS_AUDIT_FIRST for none */
};

/* The hash of a line, without its newline. */
coco_status coco_kbs_audit_hash(const void *line, size_t len, char ret[COCO_KBS_AUDIT_HASH_SIZE],
                                coco_error **err);

/* Append a line, with its newline. */
coco_status coco_kbs_audit_format(const struct coco_kbs_audit_place *place,
                                  const struct coco_kbs_audit_event *event, struct coco_buf *buf,
                                  coco_error **err);
coco_status coco_kbs_audit_format_checkpoint(const struct coco_kbs_audit_place *place,
                                             EVP_PKEY *key, struct coco_buf *buf, coco_error **err);

/*
 * Reads a line, without its newline. *is_checkpoint says that it is one, whose
 * signature is verified unless key is NULL: COCO_ERR_VERIFY.
 */
coco_status coco_kbs_audit_parse(const char *line, size_t len, EVP_PKEY *key,
                                 struct coco_kbs_audit_place *ret, bool *is_checkpoint,
                                 coco_error **err);

#endif
