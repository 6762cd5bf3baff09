/*
 * collateral/flights.h - one request for all who want the same
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_COLLATERAL_FLIGHTS_H
#define COCO_COLLATERAL_FLIGHTS_H

#include "collateral/items.h"
#include "net/retry.h"

#include <pthread.h>

/* Requests at once. */
#define COCO_FLIGHTS_MAX 16
/* Seconds for which nobody asks again for what there is not, or what failed. */
#define COCO_FLIGHTS_MISSING ((int64_t)300)
#define COCO_FLIGHTS_FAILED ((int64_t)30)

/* One request on its way. */
struct coco_flight {
    struct coco_flight *next;
    const char *name; /* lent by whoever makes the request */
    unsigned users;   /* who makes it, and those who wait */
    bool over;
    coco_status status;
    coco_error *why;
};

struct coco_flights {
    const struct coco_clock *clock; /* lent; NULL: the machine's */

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t news;  /* a flight is over */
    struct coco_flight *first;
    size_t n;
    struct coco_items failures; /* why, until `expires`, with the status in `fetched` */
};

void coco_flights_init(struct coco_flights *flights);
void coco_flights_done(struct coco_flights *flights);

/* Seconds since 1970. */
int64_t coco_flights_now(const struct coco_flights *flights);

/*
 * Calls fn(user), or waits for who does so for the same name and takes what came of it.
 * What has just failed fails again without being tried: hostile evidence may name what
 * there is not. COCO_ERR_NET if too many are under way. Any thread.
 */
coco_status coco_flights_run(struct coco_flights *flights, const char *name,
                             coco_status (*fn)(void *user, coco_error **err), void *user,
                             coco_error **err);

/*
 * The same in two halves, for who does not wait. *ret is NULL if somebody is at it, or
 * else must be given to coco_flights_end() once it is known what came of it; name is
 * lent until then, why is taken.
 */
coco_status coco_flights_begin(struct coco_flights *flights, const char *name,
                               struct coco_flight **ret, coco_error **err);
void coco_flights_end(struct coco_flights *flights, struct coco_flight *flight, coco_status status,
                      coco_error *why);

#endif
