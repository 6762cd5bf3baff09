/*
 * tee/serde.h - bytes in JSON as Rust's serde writes them
 *
 * Upstream's evidence of SNP and CSV is what serde makes of Rust's structures:
 * an array of bytes is an array of integers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_SERDE_H
#define COCO_TEE_SERDE_H

#include "base/buf.h"
#include "base/json.h"

/* Exactly len bytes of the member; COCO_ERR_PROTO for anything else. */
coco_status coco_serde_get_bytes(const cJSON *object, const char *name, uint8_t *ret, size_t len,
                                 coco_error **err);

/* The same of an array inside of the member. */
coco_status coco_serde_bytes(const cJSON *array, const char *name, uint8_t *ret, size_t len,
                             coco_error **err);

/* Appends the bytes of the member, as many as there are: COCO_ERR_LIMIT besides. */
coco_status coco_serde_get_buf(const cJSON *object, const char *name, struct coco_buf *ret,
                               coco_error **err);

/* A number of at most max; the second form gives 0 for one that is missing or null. */
coco_status coco_serde_get_number(const cJSON *object, const char *name, uint64_t max,
                                  uint64_t *ret, coco_error **err);
coco_status coco_serde_get_number_opt(const cJSON *object, const char *name, uint64_t max,
                                      uint64_t *ret, coco_error **err);

coco_status coco_serde_add_bytes(cJSON *object, const char *name, const uint8_t *data, size_t len,
                                 coco_error **err);

#endif
