/*
 * tee/devicepath.h - UEFI's names of devices and files, as text
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_DEVICEPATH_H
#define COCO_TEE_DEVICEPATH_H

#include "base/buf.h"
#include "base/reader.h"

/* A node of a device path: UEFI 2.10, section 10.3.1. */
struct coco_device_node {
    uint8_t type;
    uint8_t subtype;
    const uint8_t *data;
    size_t len;
};

/* Reads the next node; COCO_ERR_PROTO if its length is not there. */
coco_status coco_device_node_read(struct coco_reader *r, struct coco_device_node *ret,
                                  coco_error **err);

/*
 * Appends the node as text (section 10.6.1.6), as upstream's claims have it, which is
 * "Path(type,subtype,hex)" for all but some.
 */
coco_status coco_device_node_format(const struct coco_device_node *node, struct coco_buf *buf,
                                    coco_error **err);

#endif
