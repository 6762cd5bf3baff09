/*
 * kbs/limiter.c - how much one source may ask for
 *
 * A table of sets: a source is in the set that its hash names, or takes the place of
 * the one there that has asked longest ago.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/limiter.h"

#include "base/fail.h"
#include "base/secret.h"

#include <pthread.h>
#include <string.h>

#define WAYS 8
#define SETS (COCO_KBS_LIMITER_SOURCES / WAYS)

struct bucket {
    uint64_t source; /* 0: free */
    int64_t seen;
    uint64_t tokens;
    bool told; /* that there are none */
};

struct coco_kbs_limiter {
    uint64_t per_second;
    uint64_t burst;
    uint64_t salt; /* so that nobody can choose whose set to fill */
    pthread_mutex_t lock;
    struct bucket sets[SETS][WAYS];
};

coco_status
coco_kbs_limiter_new(uint64_t per_second, uint64_t burst, struct coco_kbs_limiter **ret,
                     coco_error **err)
{
    uint64_t salt = 0;

    coco_status status = coco_random(&salt, sizeof(salt), err);
    if (status != COCO_OK)
        return status;
    struct coco_kbs_limiter *limiter = calloc(1, sizeof(*limiter));
    if (!limiter)
        return coco_fail_nomem(err);
    limiter->per_second = per_second;
    limiter->burst = burst;
    limiter->salt = salt;
    (void)pthread_mutex_init(&limiter->lock, NULL);
    *ret = limiter;
    return COCO_OK;
}

void
coco_kbs_limiter_free(struct coco_kbs_limiter *limiter)
{
    if (!limiter)
        return;
    (void)pthread_mutex_destroy(&limiter->lock);
    free(limiter);
}

static uint64_t
number_of(const struct coco_httpd_source *source)
{
    uint64_t number = 0;

    for (size_t i = 0; i < sizeof(source->bytes); i++)
        number = number << 8 | source->bytes[i];
    return number;
}

/* The finalizer of MurmurHash3: each bit of its input changes half of its output. */
static size_t
set_of(const struct coco_kbs_limiter *limiter, uint64_t source)
{
    uint64_t x = source ^ limiter->salt;

    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdU;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53U;
    x ^= x >> 33;
    return (size_t)(x % SETS);
}

/* NULL if it is not remembered. */
static struct bucket *
find(struct coco_kbs_limiter *limiter, uint64_t source)
{
    struct bucket *set = limiter->sets[set_of(limiter, source)];

    for (size_t i = 0; i < WAYS; i++)
        if (set[i].source == source)
            return &set[i];
    return NULL;
}

static struct bucket *
remember(struct coco_kbs_limiter *limiter, uint64_t source, int64_t now)
{
    struct bucket *set = limiter->sets[set_of(limiter, source)];
    struct bucket *oldest = &set[0];

    for (size_t i = 1; i < WAYS; i++)
        if (oldest->source && (!set[i].source || set[i].seen < oldest->seen))
            oldest = &set[i];
    *oldest = (struct bucket){.source = source, .seen = now, .tokens = limiter->burst};
    return oldest;
}

/* A clock that was set back fills nothing. */
static void
fill(const struct coco_kbs_limiter *limiter, struct bucket *bucket, int64_t now)
{
    uint64_t room = limiter->burst - bucket->tokens;
    uint64_t seconds = now > bucket->seen ? (uint64_t)(now - bucket->seen) : 0;

    bucket->tokens += seconds > room / limiter->per_second ? room : seconds * limiter->per_second;
    bucket->seen = now;
}

static enum coco_kbs_leave
take(struct bucket *bucket)
{
    if (bucket->tokens > 0) {
        bucket->tokens--;
        bucket->told = false;
        return COCO_KBS_LEAVE;
    }
    bool told = bucket->told;
    bucket->told = true;
    return told ? COCO_KBS_NO_LEAVE : COCO_KBS_LEAVE_ENDS;
}

enum coco_kbs_leave
coco_kbs_limiter_take(struct coco_kbs_limiter *limiter, const struct coco_httpd_source *source,
                      int64_t now)
{
    uint64_t number = number_of(source);

    if (number == 0)
        return COCO_KBS_LEAVE;
    (void)pthread_mutex_lock(&limiter->lock);
    struct bucket *bucket = find(limiter, number);
    if (!bucket)
        bucket = remember(limiter, number, now);
    fill(limiter, bucket, now);
    enum coco_kbs_leave leave = take(bucket);
    (void)pthread_mutex_unlock(&limiter->lock);
    return leave;
}

void
coco_kbs_limiter_give_back(struct coco_kbs_limiter *limiter, const struct coco_httpd_source *source)
{
    uint64_t number = number_of(source);

    if (number == 0)
        return;
    (void)pthread_mutex_lock(&limiter->lock);
    struct bucket *bucket = find(limiter, number);
    if (bucket && bucket->tokens < limiter->burst)
        bucket->tokens++;
    (void)pthread_mutex_unlock(&limiter->lock);
}
