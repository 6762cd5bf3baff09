/*
 * base/crew.c - threads that nobody waits for one by one, but for all of them at the end
 *
 * Who leaves joins who left before, and is joined by the next one or by who waits for
 * all: there is never more than one that ended and was not joined.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/crew.h"

#include "base/cleanup.h"
#include "base/fail.h"
#include "base/thread.h"

struct hand {
    struct coco_crew *crew;
    void (*fn)(void *self);
    void *self;
};

void
coco_crew_init(struct coco_crew *crew)
{
    *crew = (struct coco_crew){0};
    (void)pthread_mutex_init(&crew->lock, NULL);
    (void)pthread_cond_init(&crew->left, NULL);
}

/* Says whom to join; the crew may be gone as soon as this returns. */
static bool
leave(struct coco_crew *crew, pthread_t *before)
{
    (void)pthread_mutex_lock(&crew->lock);
    bool has_before = crew->has_last;
    *before = crew->last;
    crew->last = pthread_self();
    crew->has_last = true;
    if (--crew->present == 0)
        (void)pthread_cond_broadcast(&crew->left);
    (void)pthread_mutex_unlock(&crew->lock);
    return has_before;
}

static void *
run(void *self)
{
    struct hand hand = *(struct hand *)self;
    pthread_t before;

    free(self);
    hand.fn(hand.self);
    if (leave(hand.crew, &before))
        (void)pthread_join(before, NULL);
    return NULL;
}

coco_status
coco_crew_start(struct coco_crew *crew, void (*fn)(void *self), void *self, coco_error **err)
{
    _cleanup_free_ struct hand *hand = malloc(sizeof(*hand));
    pthread_t thread;

    if (!hand)
        return coco_fail_nomem(err);
    *hand = (struct hand){.crew = crew, .fn = fn, .self = self};
    (void)pthread_mutex_lock(&crew->lock);
    coco_status status = coco_thread_start(run, hand, &thread, err);
    if (status == COCO_OK) {
        hand = NULL;
        crew->present++; /* it leaves under the lock, which is ours */
    }
    (void)pthread_mutex_unlock(&crew->lock);
    return status;
}

size_t
coco_crew_count(struct coco_crew *crew)
{
    (void)pthread_mutex_lock(&crew->lock);
    size_t present = crew->present;
    (void)pthread_mutex_unlock(&crew->lock);
    return present;
}

void
coco_crew_wait(struct coco_crew *crew)
{
    (void)pthread_mutex_lock(&crew->lock);
    while (crew->present > 0)
        (void)pthread_cond_wait(&crew->left, &crew->lock);
    bool has_last = crew->has_last;
    pthread_t last = crew->last;
    crew->has_last = false;
    (void)pthread_mutex_unlock(&crew->lock);
    if (has_last)
        (void)pthread_join(last, NULL);
}

void
coco_crew_done(struct coco_crew *crew)
{
    coco_crew_wait(crew);
    (void)pthread_cond_destroy(&crew->left);
    (void)pthread_mutex_destroy(&crew->lock);
}
