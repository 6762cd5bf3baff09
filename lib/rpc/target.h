/*
 * rpc/target.h - whom to call: a name, an address or a socket, and whether through TLS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RPC_TARGET_H
#define COCO_RPC_TARGET_H

#include "base/address.h"

#include <stdbool.h>

#define COCO_TARGET_HOST_MAX ((size_t)253) /* RFC 1035 section 2.3.4 */

struct coco_target {
    bool tls;
    bool is_near;                             /* a unix or vsock socket: near says which */
    struct coco_address near;                 /* of such a one */
    char host[COCO_TARGET_HOST_MAX + 1];      /* name or address, without brackets; "" if near */
    char port[6];                             /* in decimal */
    char server[COCO_TARGET_HOST_MAX + 1];    /* whom TLS is with: host; near, "localhost" */
    char authority[COCO_TARGET_HOST_MAX + 9]; /* HOST:PORT, with brackets where they belong */
};

/*
 * COCO_ERR_INVALID for anything but "host:port", "[::1]:port" and those behind "tcp://",
 * "http://" or "https://", with or without a "/" at the end, "unix:/path",
 * "unix:///path", "vsock:CID:PORT" and "vsock://CID:PORT". TLS is what https is.
 */
coco_status coco_target_parse(const char *text, struct coco_target *ret, coco_error **err);

/*
 * Calls through TLS, with the server of that name or address, wherever it is; NULL for the one that
 * target names. COCO_ERR_INVALID for what is none.
 */
coco_status coco_target_set_tls(struct coco_target *target, const char *server, coco_error **err);

#endif
