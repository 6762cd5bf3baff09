/*
 * httpd/sending.h - replies, on their way to a peer
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_HTTPD_SENDING_H
#define COCO_HTTPD_SENDING_H

#include "httpd/peer.h"

/*
 * Sends reply, of which is taken what is sent later, and forgets the request; the connection lives
 * on only if keep_alive. It may be gone when any of these return. All of a reply is out when the
 * connection is told that it may write and there is no stream.
 */
void coco_httpd_send(struct coco_httpd_connection *c, struct coco_httpd_reply *reply,
                     bool keep_alive);

/* Puts the next piece of the stream to what is sent. */
void coco_httpd_send_more(struct coco_httpd_connection *c);

/* A last reply, of what the handler says to status and detail. */
void coco_httpd_refuse(struct coco_httpd_connection *c, int status, const char *detail);

#endif
