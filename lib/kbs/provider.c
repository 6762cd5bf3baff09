/*
 * kbs/provider.c - the keys of identity providers, and when they are got anew
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/provider.h"

#include "base/context.h"
#include "base/crew.h"
#include "base/fail.h"
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
};

struct coco_kbs_providers {
    coco_ctx *ctx; /* lent, for the log */
    coco_ctx *own; /* canceled at the end */
    struct coco_crew crew;

    pthread_mutex_t lock; /* of what follows */
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

static void
run(void *self)
{
    (void)get(self, NULL);
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
    known->busy = coco_crew_start(&all->crew, run, known, NULL) == COCO_OK;
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

void
coco_kbs_providers_settle(struct coco_kbs_providers *providers)
{
    coco_crew_wait(&providers->crew);
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
    coco_crew_init(&made->crew);
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
    coco_crew_done(&providers->crew);
    for (size_t i = 0; i < providers->n; i++)
        coco_jwk_set_done(&providers->known[i].set);
    coco_ctx_free(providers->own);
    (void)pthread_mutex_destroy(&providers->lock);
    free(providers);
}
