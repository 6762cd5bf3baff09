/*
 * kbs/router.h - which request means what
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_ROUTER_H
#define COCO_KBS_ROUTER_H

#include "kbs/core.h"

/*
 * Answers request, come what may: what goes wrong becomes a reply too, with an
 * ErrorInformation (kbs-protocol A.8) as its body. reply is {0}.
 */
void coco_kbs_handle(struct coco_kbs_core *core, const struct coco_httpd_request *request,
                     struct coco_httpd_reply *reply);

/* A reply with this status and an ErrorInformation, for what never became a request.
 * id, of an explanation, and trace, W3C's, may be NULL. */
void coco_kbs_reply_error(int status, const char *name, const char *detail, const char *id,
                          const char *trace, struct coco_httpd_reply *reply);

/* Whether /kbs/v0/<name> is a path of the KBS itself, so that no plug-in can have it. */
bool coco_kbs_is_route(const char *name);

/*
 * Puts on record what an owner is about to change, before it is: else it would be done, and
 * nobody would know, where the log is full or the KBS is killed. To look at something needs no
 * such entry.
 */
coco_status coco_kbs_announce(struct coco_kbs_call *call, coco_error **err);

#endif
