/*
 * base/dial.h - connecting to a server that is near: on this machine or on its host
 *
 * Names are not resolved, and nothing but the address is asked: a unix or vsock
 * socket, or an IP address.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_DIAL_H
#define COCO_BASE_DIAL_H

#include "base/address.h"

#include <coco/context.h>

/*
 * Connects within timeout seconds; *ret is the caller's to close, and does not block.
 * COCO_ERR_NET if nobody answers there, COCO_ERR_CANCELED.
 */
coco_status coco_dial(const struct coco_address *address, coco_ctx *ctx, uint32_t timeout, int *ret,
                      coco_error **err);

#endif
