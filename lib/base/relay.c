/*
 * base/relay.c - a stage of a stream on a thread of its own
 *
 * One writer, one thread: each touches only its own part of the ring, and the
 * lock only guards where the parts end. Who waits is not woken for every byte:
 * the thread begins when a quarter is there, the writer goes on when half is
 * free, so that two busy sides hardly ever meet at the lock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/relay.h"

#include "base/fail.h"
#include "base/thread.h"

#include <openssl/crypto.h>
#include <string.h>

struct coco_relay {
    struct coco_sink next;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more; /* the thread waits for bytes */
    pthread_cond_t room; /* the writer waits for room, or for the end */

    uint8_t *ring;
    size_t size;
    size_t head;   /* where the first byte is that is not passed on */
    size_t filled; /* bytes from there on, around the end of the ring */
    bool ended;    /* no more will be written */
    bool dropped;  /* nobody wants the rest */
    bool finished; /* the thread is: status is what it came to */
    coco_status status;
    coco_error *err;
};

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Waits for bytes that lie in one piece; 0 when there will be no more. */
static size_t
wait_for_more(struct coco_relay *relay)
{
    while (!relay->dropped && !relay->ended && relay->filled < relay->size / 4)
        pthread_cond_wait(&relay->more, &relay->lock);
    if (relay->dropped)
        return 0;
    return least(least(relay->filled, relay->size - relay->head), relay->size / 4);
}

static coco_status
pass_on(struct coco_relay *relay)
{
    coco_status status = COCO_OK;
    size_t piece;

    while (status == COCO_OK && (piece = wait_for_more(relay)) > 0) {
        pthread_mutex_unlock(&relay->lock);
        status = coco_sink_write(&relay->next, relay->ring + relay->head, piece, &relay->err);
        pthread_mutex_lock(&relay->lock);
        relay->head = (relay->head + piece) % relay->size;
        relay->filled -= piece;
        if (relay->filled <= relay->size / 2)
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
wait_for_room(struct coco_relay *relay)
{
    if (relay->filled == relay->size)
        while (!relay->finished && relay->filled > relay->size / 2)
            pthread_cond_wait(&relay->room, &relay->lock);
    if (relay->finished)
        return 0;
    size_t tail = (relay->head + relay->filled) % relay->size;
    return tail < relay->head ? relay->head - tail : relay->size - tail;
}

static coco_status
relay_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct coco_relay *relay = self;
    coco_status status = COCO_OK;

    pthread_mutex_lock(&relay->lock);
    while (len > 0) {
        size_t room = wait_for_room(relay);
        if (room == 0) {
            status = outcome(relay, err);
            break;
        }
        size_t piece = least(len, room);
        size_t tail = (relay->head + relay->filled) % relay->size;
        pthread_mutex_unlock(&relay->lock);
        memcpy(relay->ring + tail, data, piece);
        pthread_mutex_lock(&relay->lock);
        data += piece;
        len -= piece;
        relay->filled += piece;
        if (relay->filled >= relay->size / 4)
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
    struct coco_relay *relay = calloc(1, sizeof(*relay));

    if (!relay)
        return coco_fail_nomem(err);
    relay->next = *next;
    relay->size = size < COCO_RELAY_SIZE_MIN ? COCO_RELAY_SIZE_MIN : size;
    relay->ring = malloc(relay->size);
    if (!relay->ring) {
        free(relay);
        return coco_fail_nomem(err);
    }
    /* With default attributes none of the three can fail here. */
    (void)pthread_mutex_init(&relay->lock, NULL);
    (void)pthread_cond_init(&relay->more, NULL);
    (void)pthread_cond_init(&relay->room, NULL);
    coco_status status = coco_thread_start(run, relay, &relay->thread, err);
    if (status != COCO_OK) {
        free(relay->ring);
        free(relay);
        return status;
    }
    *ret = relay;
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
    OPENSSL_cleanse(relay->ring, relay->size);
    free(relay->ring);
    free(relay);
}

struct coco_sink
coco_relay_sink(struct coco_relay *relay)
{
    return (struct coco_sink){.write = relay_write, .end = relay_end, .self = relay};
}
