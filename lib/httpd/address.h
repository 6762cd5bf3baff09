/*
 * httpd/address.h - where a server listens
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_HTTPD_ADDRESS_H
#define COCO_HTTPD_ADDRESS_H

#include "base/buf.h"

#include <sys/socket.h>

struct coco_httpd_address {
    struct sockaddr_storage data;
    socklen_t len;
};

/* "127.0.0.1:8080", "[::1]:8080" or "localhost:8080"; no other names. COCO_ERR_INVALID. */
coco_status coco_httpd_address_parse(const char *text, struct coco_httpd_address *ret,
                                     coco_error **err);

/* Whether only this machine reaches it. */
bool coco_httpd_address_is_loopback(const struct coco_httpd_address *address);

/* Appends it as the host and port of a URL. */
coco_status coco_httpd_address_format(const struct coco_httpd_address *address,
                                      struct coco_buf *buf, coco_error **err);

#endif
