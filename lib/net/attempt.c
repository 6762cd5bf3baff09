/*
 * net/attempt.c - requests that are made again when it may help
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/attempt.h"

#include "net/hop.h"

#include <stdio.h>

void
coco_attempt_done(struct coco_attempt *attempt)
{
    coco_http_response_done(&attempt->response);
    coco_error_free(attempt->cause);
    *attempt = (struct coco_attempt){0};
}

/* Out of memory on the way to saying what the network did is not a failure of the network. */
static bool
may_pass(const struct coco_attempt *attempt, const struct coco_http *http)
{
    if (attempt->status == COCO_OK)
        return attempt->cut || (attempt->away && attempt->response.status == 307)
               || coco_retry_status(attempt->response.status);
    return attempt->status == COCO_ERR_NET && http->transient;
}

coco_status
coco_attempt_again(struct coco_attempt *attempt, const struct coco_http *http,
                   struct coco_retry *retry, coco_ctx *ctx, bool *ret, coco_error **err)
{
    bool answered = attempt->status == COCO_OK;
    const struct coco_http_response *response = answered ? &attempt->response : NULL;
    char why[64];

    *ret = false;
    if (!may_pass(attempt, http))
        return COCO_OK;
    if (attempt->cut)
        (void)snprintf(why, sizeof(why), "the answer ends too early");
    else if (answered)
        (void)snprintf(why, sizeof(why), "the server answers %ld", response->status);
    coco_status status = coco_retry_wait(
        retry, ctx, response, answered ? why : coco_error_message(attempt->cause), ret, err);
    if (*ret)
        coco_attempt_done(attempt);
    return status;
}

coco_status
coco_attempt_give(struct coco_attempt *attempt, struct coco_http_response *ret, coco_error **err)
{
    coco_status status = attempt->status;

    if (status != COCO_OK) {
        if (err)
            *err = coco_steal(&attempt->cause);
        return status;
    }
    *ret = attempt->response;
    attempt->response = (struct coco_http_response){0};
    return COCO_OK;
}

coco_status
coco_http_insist(struct coco_http *http, coco_ctx *ctx, const struct coco_http_request *request,
                 struct coco_http_response *ret, coco_error **err)
{
    _cleanup_attempt_ struct coco_attempt attempt = {0};
    struct coco_retry retry = {.policy = http->opts.retry};
    bool again = true;

    while (again) {
        attempt.status = coco_http_do(http, ctx, request, &attempt.response, &attempt.cause);
        coco_status status = coco_attempt_again(&attempt, http, &retry, ctx, &again, err);
        if (status != COCO_OK)
            return status;
    }
    /* It has been tried often enough: whoever called is not to begin again. */
    http->transient = false;
    return coco_attempt_give(&attempt, ret, err);
}
