/*
 * kbs/provider.c - the keys of identity providers, and when they are got anew
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/provider.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/thread.h"
#include "kbs/provider_source.h"

#include <string.h>

/* The set of one provider. */
struct known {
    struct coco_kbs_providers *all;
    const struct coco_kbs_provider *provider;
    struct coco_jwk_set set; /* empty: never got */
    int64_t got;             /* when the request began that it came by */
    int64_t tried;           /* when the last one began */
    bool busy;               /* somebody is at it */
    pthread_t thread;        /* the last that was */
    bool has_thread;
};

struct coco_kbs_providers {
    coco_ctx *ctx; /* lent, for the log */
    coco_ctx *own; /* canceled at the end */

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t idle;  /* one less is busy */
    size_t n;
    struct known known[COCO_KBS_LIST_MAX];
};

static bool
has_set(const struct coco_kbs_provider *provider)
{
    return provider->jwk_set_uri || !provider->key; /* or what the issuer says */
}

/* Takes what a request came to. */
static void
take_over(struct known *known, coco_status status, struct coco_jwk_set *set, const coco_error *why)
{
    struct coco_kbs_providers *all = known->all;

    if (status != COCO_OK)
        coco_ctx_log(all->ctx, COCO_LOG_WARN, "keys of an identity provider: %s",
                     why ? coco_error_message(why) : "out of memory");
    (void)pthread_mutex_lock(&all->lock);
    if (status == COCO_OK) {
        struct coco_jwk_set old = known->set;

        known->set = *set;
        known->got = known->tried;
        *set = old;
    }
    known->busy = false;
    (void)pthread_cond_broadcast(&all->idle);
    (void)pthread_mutex_unlock(&all->lock);
}

static coco_status
get(struct known *known, coco_error **err)
{
    _cleanup_jwk_set_ struct coco_jwk_set set = {0};
    coco_error *why = NULL;

    coco_status status = coco_kbs_provider_get(known->provider, known->all->own, &set, &why);
    take_over(known, status, &set, why);
    coco_error_give(err, why);
    return status;
}

static void *
run(void *self)
{
    (void)get(self, NULL);
    return NULL;
}

/* Who is not busy any more takes no lock either, but may still be on the way out. */
static void
join(struct known *known)
{
    if (known->has_thread)
        (void)pthread_join(known->thread, NULL);
    known->has_thread = false;
}

/* Sees to it that the set is got; the lock is held, but not while a file is read. */
static void
send_for(struct known *known, int64_t now)
{
    struct coco_kbs_providers *all = known->all;

    known->busy = true;
    known->tried = now;
    if (coco_kbs_provider_is_file(known->provider)) {
        (void)pthread_mutex_unlock(&all->lock);
        (void)get(known, NULL);
        (void)pthread_mutex_lock(&all->lock);
        return;
    }
    join(known);
    known->has_thread = coco_thread_start(run, known, &known->thread, NULL) == COCO_OK;
    known->busy = known->has_thread;
}

/* A clock that was set back makes nothing wait. */
static bool
is_older(int64_t then, int64_t now, int64_t seconds)
{
    return now < then || now - then >= seconds;
}

static void
look_after(struct known *known, const char *kid, int64_t now)
{
    int64_t pause = coco_kbs_provider_is_file(known->provider) ? COCO_KBS_PROVIDER_FILE_PAUSE
                                                               : COCO_KBS_PROVIDER_PAUSE;
    bool wanted =
        known->set.n == 0 || is_older(known->got, now, COCO_KBS_PROVIDER_FRESH)
        || (kid && strlen(kid) <= COCO_JWK_KID_MAX && !coco_jwk_set_find(&known->set, kid));

    if (wanted && !known->busy && is_older(known->tried, now, pause))
        send_for(known, now);
}

coco_status
coco_kbs_providers_key(struct coco_kbs_providers *providers, size_t index, const char *kid,
                       int64_t now, EVP_PKEY **ret, coco_error **err)
{
    struct known *known = &providers->known[index];
    EVP_PKEY *key = NULL;

    if (!has_set(known->provider))
        return coco_fail(err, COCO_ERR_VERIFY, "the provider has no set of keys");
    (void)pthread_mutex_lock(&providers->lock);
    look_after(known, kid, now);
    if (!is_older(known->got, now, COCO_KBS_PROVIDER_ENDED))
        key = coco_jwk_set_find(&known->set, kid);
    if (key && EVP_PKEY_up_ref(key) != 1)
        key = NULL;
    bool busy = known->busy;
    (void)pthread_mutex_unlock(&providers->lock);
    if (key) {
        *ret = key;
        return COCO_OK;
    }
    if (busy)
        return coco_fail_again(err, "the provider is being asked for its keys");
    return coco_fail(err, COCO_ERR_VERIFY, "the provider has no such key");
}

static bool
is_busy(const struct coco_kbs_providers *providers)
{
    for (size_t i = 0; i < providers->n; i++)
        if (providers->known[i].busy)
            return true;
    return false;
}

void
coco_kbs_providers_settle(struct coco_kbs_providers *providers)
{
    (void)pthread_mutex_lock(&providers->lock);
    while (is_busy(providers))
        (void)pthread_cond_wait(&providers->idle, &providers->lock);
    (void)pthread_mutex_unlock(&providers->lock);
}

static coco_status
begin(struct known *known, int64_t now, coco_error **err)
{
    if (!has_set(known->provider))
        return COCO_OK;
    if (coco_kbs_provider_is_file(known->provider)) {
        known->tried = now;
        return get(known, err);
    }
    (void)pthread_mutex_lock(&known->all->lock);
    send_for(known, now);
    (void)pthread_mutex_unlock(&known->all->lock);
    return COCO_OK;
}

coco_status
coco_kbs_providers_new(coco_ctx *ctx, const struct coco_kbs_provider *list, size_t n, int64_t now,
                       struct coco_kbs_providers **ret, coco_error **err)
{
    struct coco_kbs_providers *made = calloc(1, sizeof(*made));

    if (!made)
        return coco_fail_nomem(err);
    (void)pthread_mutex_init(&made->lock, NULL);
    (void)pthread_cond_init(&made->idle, NULL);
    made->ctx = ctx;
    _cleanup_(coco_kbs_providers_freep) struct coco_kbs_providers *providers = made;

    coco_status status = coco_ctx_new(&providers->own, err);
    for (size_t i = 0; i < n && status == COCO_OK; i++) {
        providers->known[i] = (struct known){.all = providers, .provider = &list[i]};
        status = begin(&providers->known[i], now, err);
        providers->n++;
    }
    if (status == COCO_OK)
        *ret = coco_steal(&providers);
    return status;
}

void
coco_kbs_providers_free(struct coco_kbs_providers *providers)
{
    if (!providers)
        return;
    if (providers->own)
        coco_ctx_cancel(providers->own);
    coco_kbs_providers_settle(providers);
    for (size_t i = 0; i < providers->n; i++) {
        join(&providers->known[i]);
        coco_jwk_set_done(&providers->known[i].set);
    }
    coco_ctx_free(providers->own);
    (void)pthread_cond_destroy(&providers->idle);
    (void)pthread_mutex_destroy(&providers->lock);
    free(providers);
}
