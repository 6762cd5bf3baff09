/*
 * kbs/server.h - sockets, TLS and the loop of a KBS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_SERVER_H
#define COCO_KBS_SERVER_H

#include "kbs/core.h"

struct coco_kbs_server;

/*
 * Binds the sockets of the configuration and serves core, which is lent, on a
 * thread of its own. COCO_ERR_INVALID for plain HTTP on an address that is not
 * loopback, unless insecure_http is set.
 */
coco_status coco_kbs_server_start(struct coco_kbs_core *core, struct coco_kbs_server **ret,
                                  coco_error **err);

/* Ends the replies under way, for a few seconds at most, and frees; NULL is fine. */
void coco_kbs_server_stop(struct coco_kbs_server *server);
COCO_DEFINE_CLEANUP(struct coco_kbs_server *, coco_kbs_server_stop);

/* "https://127.0.0.1:8080" of the first socket. */
const char *coco_kbs_server_url(const struct coco_kbs_server *server);

#endif
