/*
 * net/hop_tls.h - TLS of one exchange, inside of net/http.c
 *
 * What goes wrong is left in the coco_http of the hop: distrust, refusal, asked, heard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_NET_HOP_TLS_H
#define COCO_NET_HOP_TLS_H

#include "net/hop.h"

/* TLS with the server: its certificate by the CAs of the client, or those of this peer. */
void coco_hop_set_tls(struct coco_hop *hop, CURLcode *rc);

/* TLS with the proxy, which is trusted as peers are, but for what is known of one peer alone. */
void coco_hop_set_proxy_tls(const struct coco_hop *hop, CURLcode *rc);

#endif
