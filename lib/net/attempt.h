/*
 * net/attempt.h - requests that are made again when it may help
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_NET_ATTEMPT_H
#define COCO_NET_ATTEMPT_H

#include "net/http.h"

/* What one try came to: an answer of any status, or the cause why there is none. */
struct coco_attempt {
    coco_status status;
    struct coco_http_response response;
    coco_error *cause;
    bool cut;  /* whoever made it knows that it ended too early: that may pass */
    bool away; /* and that 307 is of who cannot answer for now */
};

/*
 * After a try that was the last use of http: when another may do better and is
 * still allowed, waits and sets *ret; attempt is empty then. Connections that
 * could not be made, were cut or stalled, and statuses that pass, may do better;
 * certificates, refusals and what a sink fails with never do.
 */
coco_status coco_attempt_again(struct coco_attempt *attempt, const struct coco_http *http,
                               struct coco_retry *retry, coco_ctx *ctx, bool *ret,
                               coco_error **err);

/* Hands the outcome over as that of the whole request. */
coco_status coco_attempt_give(struct coco_attempt *attempt, struct coco_http_response *ret,
                              coco_error **err);

void coco_attempt_done(struct coco_attempt *attempt);
#define _cleanup_attempt_ _cleanup_(coco_attempt_done)

/*
 * coco_http_do() as often as the client's policy has it. The request has neither
 * sink nor reader, and does no more when it is made twice than once.
 */
coco_status coco_http_insist(struct coco_http *http, coco_ctx *ctx,
                             const struct coco_http_request *request,
                             struct coco_http_response *ret, coco_error **err);

#endif
