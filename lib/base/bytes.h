/*
 * base/bytes.h - making a coco_bytes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_BYTES_H
#define COCO_BASE_BYTES_H

#include <coco/bytes.h>

#include "base/buf.h"
#include "base/cleanup.h"

COCO_DEFINE_CLEANUP(coco_bytes *, coco_bytes_free);

/* Copies. */
coco_status coco_bytes_new(const void *data, size_t len, coco_bytes **ret, coco_error **err);

/* Takes over the content of buf on success, which is then empty. */
coco_status coco_bytes_take(struct coco_buf *buf, coco_bytes **ret, coco_error **err);

#endif
