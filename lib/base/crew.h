/*
 * base/crew.h - threads that nobody waits for one by one, but for all of them at the end
 *
 * Not detached: a detached thread is still on its way out, in code that may be unloaded
 * and with what OpenSSL keeps of it, when its last word has been heard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_CREW_H
#define COCO_BASE_CREW_H

#include <coco/error.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct coco_crew {
    pthread_mutex_t lock;
    pthread_cond_t left; /* the last of them has */
    size_t present;
    pthread_t last; /* who left last, and is to be joined */
    bool has_last;
};

void coco_crew_init(struct coco_crew *crew);

/* Runs fn(self) in a thread of its own, as coco_thread_start() does. */
coco_status coco_crew_start(struct coco_crew *crew, void (*fn)(void *self), void *self,
                            coco_error **err);

/* How many are there. */
size_t coco_crew_count(struct coco_crew *crew);

/* Waits until all have ended, those too that are started meanwhile. */
void coco_crew_wait(struct coco_crew *crew);

/* Waits for all; nobody starts one any more. */
void coco_crew_done(struct coco_crew *crew);

#endif
