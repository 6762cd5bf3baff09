/*
 * kbc/watch.c - a resource that is looked at from time to time
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/watch.h"

#include "base/context.h"
#include "base/digest.h"
#include "base/fail.h"
#include "base/secret.h"
#include "kbc/driver.h"

#include <string.h>

#define SECONDS_DEFAULT 60
#define SECONDS_MAX 86400

/* What was seen last: its tag, and its digest, for not every broker knows tags. */
struct seen {
    char tag[COCO_KBC_TAG_SIZE];
    struct coco_digest digest; /* {0}: nothing yet */
};

/* Tells of what is new; *more says whether somebody wants to hear of the next. */
static coco_status
tell(const struct coco_watch *watch, const coco_bytes *bytes, struct seen *seen, bool *more,
     coco_error **err)
{
    const uint8_t *data = coco_bytes_data(bytes);
    size_t len = coco_bytes_size(bytes);
    struct coco_digest digest = {0};

    coco_status status = coco_digest_of(COCO_SHA256, data, len, &digest, err);
    if (status != COCO_OK || coco_digest_equal(&digest, &seen->digest))
        return status;
    seen->digest = digest;
    *more = watch->fn(watch->user, data, len);
    return COCO_OK;
}

/* What is held is not taken away by who cuts the way to the broker: a refusal is the broker's. */
static bool
may_pass(coco_status status, const struct seen *seen)
{
    return seen->digest.alg != 0 && status == COCO_ERR_NET;
}

static coco_status
look(const struct coco_watch *watch, coco_ctx *ctx, struct seen *seen, bool *more, coco_error **err)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    coco_error *why = NULL;

    coco_status status = coco_kbc_get_newer(watch->kbc, ctx, watch->uri, seen->tag, &bytes, &why);
    if (status == COCO_OK)
        return bytes ? tell(watch, bytes, seen, more, err) : COCO_OK;
    if (!may_pass(status, seen)) {
        coco_error_give(err, why);
        return status;
    }
    coco_ctx_log(ctx, COCO_LOG_WARN, "watching goes on: %s", coco_error_message(why));
    coco_error_free(why);
    return COCO_OK;
}

/* Three to five quarters of the time. */
static coco_status
wait_a_while(const struct coco_watch *watch, const struct coco_clock *clock, coco_ctx *ctx,
             coco_error **err)
{
    uint64_t ms = (uint64_t)(watch->seconds > 0 ? watch->seconds : SECONDS_DEFAULT) * 1000;
    uint64_t random = 0;

    coco_status status = coco_random(&random, sizeof(random), err);
    if (status == COCO_OK)
        status = clock->wait(clock->self, ctx, ms - ms / 4 + random % (ms / 2 + 1), err);
    return status;
}

coco_status
coco_watch_run(const struct coco_watch *watch, coco_ctx *ctx, coco_error **err)
{
    const struct coco_clock *clock = watch->clock ? watch->clock : &coco_clock_machine;
    struct seen seen = {0};
    bool more = true;

    if (watch->seconds > SECONDS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "watching every more than %d seconds", SECONDS_MAX);
    coco_status status = look(watch, ctx, &seen, &more, err);
    while (status == COCO_OK && more) {
        status = wait_a_while(watch, clock, ctx, err);
        if (status == COCO_OK)
            status = look(watch, ctx, &seen, &more, err);
    }
    explicit_bzero(&seen, sizeof(seen));
    return status;
}

coco_status
coco_kbc_watch(coco_kbc *kbc, coco_ctx *ctx, const char *uri, uint32_t seconds,
               coco_kbc_watch_fn *fn, void *user, coco_error **err)
{
    const struct coco_watch watch = {
        .kbc = kbc,
        .uri = uri,
        .seconds = seconds,
        .fn = fn,
        .user = user,
    };

    return coco_watch_run(&watch, ctx, err);
}
