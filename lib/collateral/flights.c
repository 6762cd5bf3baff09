/*
 * collateral/flights.c - one request for all who want the same
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/flights.h"

#include "base/fail.h"

#include <string.h>
#include <time.h>

#define FAILURES_MAX 256

void
coco_flights_init(struct coco_flights *flights)
{
    *flights = (struct coco_flights){0};
    (void)pthread_mutex_init(&flights->lock, NULL);
    (void)pthread_cond_init(&flights->news, NULL);
}

void
coco_flights_done(struct coco_flights *flights)
{
    coco_items_done(&flights->failures);
    (void)pthread_cond_destroy(&flights->news);
    (void)pthread_mutex_destroy(&flights->lock);
}

int64_t
coco_flights_now(const struct coco_flights *flights)
{
    const struct coco_clock *clock = flights->clock;

    return clock ? clock->now(clock->self) : (int64_t)time(NULL);
}

/* ---- failures; the lock is held, here and below ---- */

/* What failed lately is not tried again; true if that is so. */
static bool
has_failed(struct coco_flights *flights, const char *name, coco_status *ret, coco_error **err)
{
    struct coco_item *failure = coco_items_find(&flights->failures, name);

    if (!failure)
        return false;
    if (failure->expires <= coco_flights_now(flights)) {
        coco_items_remove(&flights->failures, failure);
        return false;
    }
    *ret = coco_fail(err, (coco_status)failure->fetched, "%s; not asked again for a while",
                     coco_buf_text(&failure->data));
    return true;
}

static struct coco_item *
first_to_end(const struct coco_items *failures)
{
    struct coco_item *first = &failures->list[0];

    for (size_t i = 1; i < failures->n; i++)
        if (failures->list[i].expires < first->expires)
            first = &failures->list[i];
    return first;
}

/* Remembers what is the peer's doing. Not to be able to is no failure. */
static void
remember(struct coco_flights *flights, const struct coco_flight *flight)
{
    struct coco_items *failures = &flights->failures;
    const char *message = coco_error_message(flight->why);
    struct coco_item *failure = NULL;
    coco_status status = flight->status;

    if (status != COCO_ERR_NOTFOUND && status != COCO_ERR_NET && status != COCO_ERR_PROTO
        && status != COCO_ERR_VERIFY && status != COCO_ERR_LIMIT)
        return;
    if (failures->n == FAILURES_MAX && !coco_items_find(failures, flight->name))
        coco_items_remove(failures, first_to_end(failures));
    if (coco_items_put(failures, flight->name, message, strlen(message), &failure, NULL) != COCO_OK)
        return;
    failure->fetched = status;
    failure->expires = coco_flights_now(flights)
                       + (status == COCO_ERR_NOTFOUND ? COCO_FLIGHTS_MISSING : COCO_FLIGHTS_FAILED);
}

/* ---- flights ---- */

/* What came of it, for one who was part of it. */
static coco_status
leave(struct coco_flight *flight, coco_error **err)
{
    coco_status status = flight->status;

    if (status != COCO_OK)
        coco_error_repeat(err, flight->why);
    if (--flight->users == 0) {
        coco_error_free(flight->why);
        free(flight);
    }
    return status;
}

static coco_status
join(struct coco_flights *flights, struct coco_flight *flight, coco_error **err)
{
    flight->users++;
    while (!flight->over)
        (void)pthread_cond_wait(&flights->news, &flights->lock);
    return leave(flight, err);
}

static void
land(struct coco_flights *flights, struct coco_flight *flight)
{
    struct coco_flight **at = &flights->first;

    while (*at != flight)
        at = &(*at)->next;
    *at = flight->next;
    flights->n--;
    if (flight->status != COCO_OK)
        remember(flights, flight);
    flight->over = true;
    (void)pthread_cond_broadcast(&flights->news);
}

static coco_status
start(struct coco_flights *flights, const char *name, struct coco_flight **ret, coco_error **err)
{
    coco_status status = COCO_OK;

    if (has_failed(flights, name, &status, err))
        return status;
    if (flights->n == COCO_FLIGHTS_MAX)
        return coco_fail_again(err, "more than %d requests are under way: ask again",
                               COCO_FLIGHTS_MAX);
    struct coco_flight *flight = calloc(1, sizeof(*flight));
    if (!flight)
        return coco_fail_nomem(err);
    *flight = (struct coco_flight){.next = flights->first, .name = name, .users = 1};
    flights->first = flight;
    flights->n++;
    *ret = flight;
    return COCO_OK;
}

static struct coco_flight *
find(const struct coco_flights *flights, const char *name)
{
    struct coco_flight *flight = flights->first;

    while (flight && strcmp(flight->name, name) != 0)
        flight = flight->next;
    return flight;
}

coco_status
coco_flights_run(struct coco_flights *flights, const char *name,
                 coco_status (*fn)(void *user, coco_error **err), void *user, coco_error **err)
{
    (void)pthread_mutex_lock(&flights->lock);
    struct coco_flight *flight = find(flights, name);
    coco_status status = COCO_OK;
    if (flight) {
        status = join(flights, flight, err);
    } else if ((status = start(flights, name, &flight, err)) == COCO_OK && flight) {
        (void)pthread_mutex_unlock(&flights->lock);
        flight->status = fn(user, &flight->why);
        (void)pthread_mutex_lock(&flights->lock);
        land(flights, flight);
        status = leave(flight, err);
    }
    (void)pthread_mutex_unlock(&flights->lock);
    return status;
}

coco_status
coco_flights_begin(struct coco_flights *flights, const char *name, struct coco_flight **ret,
                   coco_error **err)
{
    coco_status status = COCO_OK;

    *ret = NULL;
    (void)pthread_mutex_lock(&flights->lock);
    if (!find(flights, name))
        status = start(flights, name, ret, err);
    (void)pthread_mutex_unlock(&flights->lock);
    return status;
}

void
coco_flights_end(struct coco_flights *flights, struct coco_flight *flight, coco_status status,
                 coco_error *why)
{
    (void)pthread_mutex_lock(&flights->lock);
    flight->status = status;
    flight->why = why;
    land(flights, flight);
    (void)leave(flight, NULL);
    (void)pthread_mutex_unlock(&flights->lock);
}
