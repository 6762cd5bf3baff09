/*
 * kbs/limiter.h - how much one source may ask for
 *
 * A token bucket for each address that peers ask from: what may cost cryptography
 * before anybody has proven anything takes a token, and is not done without one. The
 * table has a fixed size. Who has more addresses than it has room has the capacity of
 * all of them anyway.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_LIMITER_H
#define COCO_KBS_LIMITER_H

#include "base/cleanup.h"
#include "httpd/http.h"

/* Sources that are remembered at once; those that have asked longest ago are forgotten. */
#define COCO_KBS_LIMITER_SOURCES 8192

/* What the caller is to do. */
enum coco_kbs_leave {
    COCO_KBS_LEAVE,      /* go on */
    COCO_KBS_NO_LEAVE,   /* not now */
    COCO_KBS_LEAVE_ENDS, /* the same, and the one before had leave */
};

/* Any thread. */
struct coco_kbs_limiter;

/* Each source gets per_second tokens a second, of which it keeps burst at most. */
coco_status coco_kbs_limiter_new(uint64_t per_second, uint64_t burst, struct coco_kbs_limiter **ret,
                                 coco_error **err);
void coco_kbs_limiter_free(struct coco_kbs_limiter *limiter);
COCO_DEFINE_CLEANUP(struct coco_kbs_limiter *, coco_kbs_limiter_free);

/* Takes a token of source; now is in seconds. What has no address has leave always. */
enum coco_kbs_leave coco_kbs_limiter_take(struct coco_kbs_limiter *limiter,
                                          const struct coco_httpd_source *source, int64_t now);

/* Gives a token back, of what has turned out to be entitled to what it asked for. */
void coco_kbs_limiter_give_back(struct coco_kbs_limiter *limiter,
                                const struct coco_httpd_source *source);

#endif
