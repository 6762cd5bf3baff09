/*
 * httpd/reading.h - requests, on their way from a peer
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_HTTPD_READING_H
#define COCO_HTTPD_READING_H

#include "httpd/peer.h"

/*
 * Goes on as far as what has arrived allows: whether there is a whole request, in c->request and
 * c->body. To one that is bad the peer is told so, and the connection may be gone.
 */
bool coco_httpd_read(struct coco_httpd_connection *c);

#endif
