/*
 * base/relay.c - a stage of a stream on a thread of its own
 *
 * One writer, one thread: each touches only its own part of the ring, and the
 * lock only guards where the parts end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/relay.h"

#include "base/fail.h"
#include "base/ring.h"
#include "base/thread.h"

#include <string.h>

struct coco_relay {
    struct coco_sink next;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more; /* the thread waits for bytes */
    pthread_cond_t room; /* the writer waits for room, or for the end */

    struct coco_ring ring;
    bool ended;    /* no more will be written */
    bool dropped;  /* nobody wants the rest */
    bool finished; /* the thread is: status is what it came to */
    coco_status status;
    coco_error *err;
};

/* Waits for bytes that lie in one piece; 0 when there will be no more. */
static size_t
wait_for_more(struct coco_relay *relay, const uint8_t **at)
{
    while (!relay->dropped && !relay->ended && !coco_ring_is_worth_taking(&relay->ring))
        pthread_cond_wait(&relay->more, &relay->lock);
    return relay->dropped ? 0 : coco_ring_piece(&relay->ring, at);
}

static coco_status
pass_on(struct coco_relay *relay)
{
    coco_status status = COCO_OK;
    const uint8_t *at;
    size_t piece;

    while (status == COCO_OK && (piece = wait_for_more(relay, &at)) > 0) {
        pthread_mutex_unlock(&relay->lock);
        status = coco_sink_write(&relay->next, at, piece, &relay->err);
        pthread_mutex_lock(&relay->lock);
        coco_ring_take(&relay->ring, piece);
        if (coco_ring_is_worth_putting(&relay->ring))
            pthread_cond_signal(&relay->room);
    }
    if (status != COCO_OK || relay->dropped)
        return status;
    pthread_mutex_unlock(&relay->lock);
    status = coco_sink_end(&relay->next, &relay->err);
    pthread_mutex_lock(&relay->lock);
    return status;
}

static void *
run(void *self)
{
    struct coco_relay *relay = self;

    pthread_mutex_lock(&relay->lock);
    relay->status = pass_on(relay);
    relay->finished = true;
    pthread_cond_signal(&relay->room);
    pthread_mutex_unlock(&relay->lock);
    return NULL;
}

/* What the stages behind came to. Their error goes to whoever asks first. */
static coco_status
outcome(struct coco_relay *relay, coco_error **err)
{
    if (err)
        *err = coco_steal(&relay->err);
    return relay->status;
}

/* How much may be written at the end of what is there; 0 when the thread is finished. */
static size_t
wait_for_room(struct coco_relay *relay, uint8_t **at)
{
    if (coco_ring_is_full(&relay->ring))
        while (!relay->finished && !coco_ring_is_worth_putting(&relay->ring))
            pthread_cond_wait(&relay->room, &relay->lock);
    return relay->finished ? 0 : coco_ring_room(&relay->ring, at);
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
        memcpy(at, data, piece);
        pthread_mutex_lock(&relay->lock);
        data += piece;
        len -= piece;
        coco_ring_put(&relay->ring, piece);
        if (coco_ring_is_worth_taking(&relay->ring))
            pthread_cond_signal(&relay->more);
    }
    pthread_mutex_unlock(&relay->lock);
    return status;
}

static coco_status
relay_end(void *self, coco_error **err)
{
    struct coco_relay *relay = self;

    pthread_mutex_lock(&relay->lock);
    relay->ended = true;
    pthread_cond_signal(&relay->more);
    while (!relay->finished)
        pthread_cond_wait(&relay->room, &relay->lock);
    coco_status status = outcome(relay, err);
    pthread_mutex_unlock(&relay->lock);
    return status;
}

coco_status
coco_relay_new(size_t size, const struct coco_sink *next, struct coco_relay **ret, coco_error **err)
{
    _cleanup_free_ struct coco_relay *relay = calloc(1, sizeof(*relay));

    if (!relay)
        return coco_fail_nomem(err);
    relay->next = *next;
    coco_status status =
        coco_ring_init(&relay->ring, size < COCO_RELAY_SIZE_MIN ? COCO_RELAY_SIZE_MIN : size, err);
    if (status != COCO_OK)
        return status;
    /* With default attributes none of the three can fail here. */
    (void)pthread_mutex_init(&relay->lock, NULL);
    (void)pthread_cond_init(&relay->more, NULL);
    (void)pthread_cond_init(&relay->room, NULL);
    status = coco_thread_start(run, relay, &relay->thread, err);
    if (status != COCO_OK) {
        coco_ring_done(&relay->ring);
        return status;
    }
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
    pthread_cond_signal(&relay->more);
    pthread_mutex_unlock(&relay->lock);
    (void)pthread_join(relay->thread, NULL);

    pthread_cond_destroy(&relay->room);
    pthread_cond_destroy(&relay->more);
    pthread_mutex_destroy(&relay->lock);
    coco_error_free(relay->err);
    coco_ring_done(&relay->ring);
    free(relay);
}

struct coco_sink
coco_relay_sink(struct coco_relay *relay)
{
    return (struct coco_sink){.write = relay_write, .end = relay_end, .self = relay};
}
