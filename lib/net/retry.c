/*
 * net/retry.c - when to try again, and when to give up
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/retry.h"

#include "base/clock.h"
#include "base/context.h"
#include "base/fail.h"
#include "net/field.h"
#include "net/http.h"

#include <inttypes.h>
#include <limits.h>
#include <openssl/rand.h>
#include <poll.h>
#include <time.h>

#define BASE_MS 500
#define BACKOFF_MAX_MS ((uint64_t)30 * 1000)
#define MIB ((uint64_t)1 << 20)

static int64_t
machine_now(void *self)
{
    (void)self;
    return time(NULL);
}

static coco_status
machine_wait(void *self, coco_ctx *ctx, uint64_t ms, coco_error **err)
{
    struct pollfd cancel = {.fd = coco_ctx_cancel_fd(ctx), .events = POLLIN};
    uint64_t end = coco_clock_ms() + ms;

    (void)self;
    for (;;) {
        uint64_t now = coco_clock_ms();
        coco_status status = coco_ctx_check(ctx, err);
        if (status != COCO_OK || now >= end)
            return status;
        uint64_t left = end - now;
        if (poll(&cancel, 1, left < INT_MAX ? (int)left : INT_MAX) < 0 && errno != EINTR)
            return coco_fail_errno(err, errno, "poll");
    }
}

const struct coco_clock coco_clock_machine = {.now = machine_now, .wait = machine_wait};

bool
coco_retry_status(long status)
{
    return status == 408 || status == 429 || status == 500 || status == 502 || status == 503
           || status == 504;
}

void
coco_retry_gain(struct coco_retry *retry, uint64_t bytes)
{
    if (bytes == 0)
        return;
    retry->in_vain = 0;
    retry->gained += bytes;
}

/* Anything from 0 to below limit. Without random bytes, which hardly happens, all of it. */
static uint64_t
jitter(uint64_t limit)
{
    uint32_t random = 0;

    if (RAND_bytes((unsigned char *)&random, sizeof(random)) != 1)
        return limit;
    return limit * random >> 32;
}

/* What the server asks for, in seconds; its own Date is the clock it reads (RFC 9110, 6.6.1). */
static coco_status
asked_for(const struct coco_clock *clock, const struct coco_http_response *response, bool *ret,
          uint32_t *seconds, coco_error **err)
{
    _cleanup_free_ char *after = NULL;
    _cleanup_free_ char *date = NULL;
    int64_t now = 0;

    *ret = false;
    coco_status status =
        response ? coco_http_header(response, "retry-after", &after, err) : COCO_OK;
    if (status != COCO_OK || !after)
        return status;
    status = coco_http_header(response, "date", &date, err);
    if (status != COCO_OK)
        return status;
    if (!date || !coco_http_date_parse(date, &now))
        now = clock->now(clock->self);
    *ret = coco_retry_after_parse(after, now, seconds);
    return COCO_OK;
}

static coco_status
delay(const struct coco_retry *retry, const struct coco_clock *clock,
      const struct coco_http_response *response, uint64_t *ret, coco_error **err)
{
    uint32_t seconds = 0;
    bool asked = false;

    coco_status status = asked_for(clock, response, &asked, &seconds, err);
    if (status != COCO_OK)
        return status;
    if (seconds > COCO_RETRY_AFTER_MAX)
        seconds = COCO_RETRY_AFTER_MAX;
    /* 0 may be less than a second, as OpenBao's quotas count: then asking at once is in vain. */
    if (asked && seconds > 0) {
        *ret = (uint64_t)seconds * 1000 + jitter(BASE_MS);
        return COCO_OK;
    }
    uint64_t limit = BASE_MS;
    for (uint32_t i = 0; i < retry->in_vain && limit < BACKOFF_MAX_MS; i++)
        limit *= 2;
    *ret = jitter(limit < BACKOFF_MAX_MS ? limit : BACKOFF_MAX_MS);
    return COCO_OK;
}

coco_status
coco_retry_wait(struct coco_retry *retry, coco_ctx *ctx, const struct coco_http_response *response,
                const char *why, bool *ret, coco_error **err)
{
    const struct coco_clock *clock =
        retry->policy.clock ? retry->policy.clock : &coco_clock_machine;
    uint32_t retries = retry->policy.retries ? retry->policy.retries : COCO_RETRIES_DEFAULT;
    uint64_t total = COCO_RETRY_TOTAL + retry->gained / MIB;
    uint64_t ms = 0;

    *ret = false;
    if (retries == COCO_RETRIES_NONE || retry->in_vain >= retries || retry->tries >= total)
        return COCO_OK;
    coco_status status = delay(retry, clock, response, &ms, err);
    if (status != COCO_OK)
        return status;
    if (ms > COCO_RETRY_WAIT_MAX - retry->waited)
        return COCO_OK;
    coco_ctx_log(ctx, COCO_LOG_INFO, "%s: again in %" PRIu64 " ms", why, ms);
    status = clock->wait(clock->self, ctx, ms, err);
    if (status != COCO_OK)
        return status;
    retry->in_vain++;
    retry->tries++;
    retry->waited += ms;
    *ret = true;
    return COCO_OK;
}
