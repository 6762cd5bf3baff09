/*
 * kbs/server.h - a KBS behind its sockets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_SERVER_H
#define COCO_KBS_SERVER_H

#include "httpd/server.h"
#include "kbs/core.h"

/* Serves core, which is lent, as its configuration has it. Errors of coco_httpd_server_start(). */
coco_status coco_kbs_server_start(struct coco_kbs_core *core, struct coco_httpd_server **ret,
                                  coco_error **err);

#endif
