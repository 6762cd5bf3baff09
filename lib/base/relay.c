/*
 * base/relay.c - stages of a stream on threads of their own
 *
 * One writer, one thread for each stage: each touches only its own part of the ring,
 * and the lock only guards where the parts end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/relay.h"

#include "base/fail.h"
#include "base/ring.h"
#include "base/thread.h"

#include <string.h>

struct stage {
    struct coco_relay *relay;
    struct coco_sink next;
    pthread_t thread;
    pthread_cond_t more; /* the thread waits for bytes */
    uint64_t taken;      /* bytes that were passed on */
    bool finished;       /* the thread is: status is what it came to */
    coco_status status;
    coco_error *err;
};

struct coco_relay {
    pthread_mutex_t lock;
    pthread_cond_t room; /* the writer waits for room, or for the end */

    struct coco_ring ring;
    bool ended;   /* no more will be written */
    bool dropped; /* nobody wants the rest */
    struct stage stages[COCO_RELAY_STAGES_MAX];
    size_t n; /* of which the thread runs */
};

/* Waits for bytes that lie in one piece; 0 when there will be no more. */
static size_t
wait_for_more(struct stage *stage, const uint8_t **at)
{
    struct coco_relay *relay = stage->relay;

    while (!relay->dropped && !relay->ended
           && !coco_ring_is_worth_taking(&relay->ring, stage->taken))
        pthread_cond_wait(&stage->more, &relay->lock);
    return relay->dropped ? 0 : coco_ring_piece(&relay->ring, stage->taken, at);
}

/* What all stages have taken is free. One that failed takes nothing, and nothing more is written.
 */
static void
take(struct stage *stage, size_t n)
{
    struct coco_relay *relay = stage->relay;
    uint64_t slowest;

    stage->taken += n;
    slowest = stage->taken;
    for (size_t i = 0; i < relay->n; i++)
        slowest = relay->stages[i].taken < slowest ? relay->stages[i].taken : slowest;
    coco_ring_free(&relay->ring, slowest);
    if (coco_ring_is_worth_putting(&relay->ring))
        pthread_cond_signal(&relay->room);
}

static coco_status
pass_on(struct stage *stage)
{
    struct coco_relay *relay = stage->relay;
    coco_status status = COCO_OK;
    const uint8_t *at;
    size_t piece;

    while (status == COCO_OK && (piece = wait_for_more(stage, &at)) > 0) {
        pthread_mutex_unlock(&relay->lock);
        status = coco_sink_write(&stage->next, at, piece, &stage->err);
        pthread_mutex_lock(&relay->lock);
        if (status == COCO_OK)
            take(stage, piece);
    }
    if (status != COCO_OK || relay->dropped)
        return status;
    pthread_mutex_unlock(&relay->lock);
    status = coco_sink_end(&stage->next, &stage->err);
    pthread_mutex_lock(&relay->lock);
    return status;
}

static void *
run(void *self)
{
    struct stage *stage = self;
    struct coco_relay *relay = stage->relay;

    pthread_mutex_lock(&relay->lock);
    stage->status = pass_on(stage);
    stage->finished = true;
    pthread_cond_signal(&relay->room);
    pthread_mutex_unlock(&relay->lock);
    return NULL;
}

/* The first stage that has failed, or NULL. */
static struct stage *
failed(struct coco_relay *relay)
{
    for (size_t i = 0; i < relay->n; i++)
        if (relay->stages[i].finished && relay->stages[i].status != COCO_OK)
            return &relay->stages[i];
    return NULL;
}

static bool
are_finished(const struct coco_relay *relay)
{
    for (size_t i = 0; i < relay->n; i++)
        if (!relay->stages[i].finished)
            return false;
    return true;
}

/* What the stages came to. Their error goes to whoever asks first. */
static coco_status
outcome(struct coco_relay *relay, coco_error **err)
{
    struct stage *stage = failed(relay);

    if (!stage)
        return COCO_OK;
    if (err)
        *err = coco_steal(&stage->err);
    return stage->status;
}

/* How much may be written at the end of what is there; 0 when a stage has failed. */
static size_t
wait_for_room(struct coco_relay *relay, uint8_t **at)
{
    if (coco_ring_is_full(&relay->ring))
        while (!failed(relay) && !coco_ring_is_worth_putting(&relay->ring))
            pthread_cond_wait(&relay->room, &relay->lock);
    return failed(relay) ? 0 : coco_ring_room(&relay->ring, at);
}

/* With all, those that wait for no byte but the end, too. */
static void
wake_stages(struct coco_relay *relay, bool all)
{
    for (size_t i = 0; i < relay->n; i++)
        if (all || coco_ring_is_worth_taking(&relay->ring, relay->stages[i].taken))
            pthread_cond_signal(&relay->stages[i].more);
}

static coco_status
relay_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct coco_relay *relay = self;
    coco_status status = COCO_OK;

    pthread_mutex_lock(&relay->lock);
    while (len > 0) {
        uint8_t *at;
        size_t room = wait_for_room(relay, &at);
        if (room == 0) {
            status = outcome(relay, err);
            break;
        }
        size_t piece = len < room ? len : room;
        pthread_mutex_unlock(&relay->lock);
        if (at != data)
            memcpy(at, data, piece);
        pthread_mutex_lock(&relay->lock);
        data += piece;
        len -= piece;
        coco_ring_put(&relay->ring, piece);
        wake_stages(relay, false);
    }
    pthread_mutex_unlock(&relay->lock);
    return status;
}

/* In the ring itself, where the next byte goes; none once a stage has failed. */
static uint8_t *
relay_lend(void *self, size_t *room)
{
    struct coco_relay *relay = self;
    uint8_t *at = NULL;

    pthread_mutex_lock(&relay->lock);
    *room = wait_for_room(relay, &at);
    pthread_mutex_unlock(&relay->lock);
    return *room > 0 ? at : NULL;
}

static coco_status
relay_end(void *self, coco_error **err)
{
    struct coco_relay *relay = self;

    pthread_mutex_lock(&relay->lock);
    relay->ended = true;
    wake_stages(relay, true);
    while (!are_finished(relay))
        pthread_cond_wait(&relay->room, &relay->lock);
    coco_status status = outcome(relay, err);
    pthread_mutex_unlock(&relay->lock);
    return status;
}

static coco_status
start(struct coco_relay *relay, const struct coco_sink *next, coco_error **err)
{
    struct stage *stage = &relay->stages[relay->n];

    stage->relay = relay;
    stage->next = *next;
    (void)pthread_cond_init(&stage->more, NULL);
    coco_status status = coco_thread_start(run, stage, &stage->thread, err);
    if (status != COCO_OK) {
        pthread_cond_destroy(&stage->more);
        return status;
    }
    /* The thread may look at it already. */
    pthread_mutex_lock(&relay->lock);
    relay->n++;
    pthread_mutex_unlock(&relay->lock);
    return COCO_OK;
}

coco_status
coco_relay_new(size_t size, const struct coco_sink *nexts, size_t n, struct coco_relay **ret,
               coco_error **err)
{
    _cleanup_(coco_relay_freep) struct coco_relay *relay = calloc(1, sizeof(*relay));

    if (!relay)
        return coco_fail_nomem(err);
    /* With default attributes neither can fail here. */
    (void)pthread_mutex_init(&relay->lock, NULL);
    (void)pthread_cond_init(&relay->room, NULL);
    coco_status status =
        coco_ring_init(&relay->ring, size < COCO_RELAY_SIZE_MIN ? COCO_RELAY_SIZE_MIN : size, err);
    for (size_t i = 0; i < n && status == COCO_OK; i++)
        status = start(relay, &nexts[i], err);
    if (status != COCO_OK)
        return status;
    *ret = coco_steal(&relay);
    return COCO_OK;
}

void
coco_relay_free(struct coco_relay *relay)
{
    if (!relay)
        return;
    pthread_mutex_lock(&relay->lock);
    relay->dropped = true;
    wake_stages(relay, true);
    pthread_mutex_unlock(&relay->lock);
    for (size_t i = 0; i < relay->n; i++) {
        (void)pthread_join(relay->stages[i].thread, NULL);
        pthread_cond_destroy(&relay->stages[i].more);
        coco_error_free(relay->stages[i].err);
    }
    pthread_cond_destroy(&relay->room);
    pthread_mutex_destroy(&relay->lock);
    coco_ring_done(&relay->ring);
    free(relay);
}

struct coco_sink
coco_relay_sink(struct coco_relay *relay)
{
    return (struct coco_sink){
        .write = relay_write, .end = relay_end, .lend = relay_lend, .self = relay};
}
