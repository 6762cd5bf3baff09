/*
 * base/address.h - where a server listens, and where one that is near is met
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_ADDRESS_H
#define COCO_BASE_ADDRESS_H

#include "base/buf.h"

#include <sys/socket.h>

struct coco_address {
    struct sockaddr_storage data;
    socklen_t len;
};

/*
 * COCO_ERR_INVALID for anything but
 *   - "127.0.0.1:8080", "[::1]:8080" and "localhost:8080", with or without "tcp:" before
 *     them; no other names;
 *   - "unix:/path";
 *   - "vsock:CID:PORT", with a number or "any" as CID: vsock(7).
 */
coco_status coco_address_parse(const char *text, struct coco_address *ret, coco_error **err);

/* Whether it is one place that a client can ask, not "any" of them. */
bool coco_address_is_one(const struct coco_address *address);

/* Whether only this machine and its guests reach it. */
bool coco_address_is_local(const struct coco_address *address);

/* The path of a socket in the file system, lent by address; NULL for any other. */
const char *coco_address_path(const struct coco_address *address);

/* Appends it as parse reads it, without "tcp:". */
coco_status coco_address_format(const struct coco_address *address, struct coco_buf *buf,
                                coco_error **err);

#endif
