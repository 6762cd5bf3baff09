/*
 * kbs/guest.c - who has attested
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/guest.h"

#include "base/fail.h"
#include "kbs/token.h"
#include "rcar/tee_key.h"

#include <pthread.h>
#include <string.h>

/* A guest that takes more than this share of all the room is not remembered. */
#define SHARE 8
#define OPENED_KEY_SIZE ((size_t)2048) /* what OpenSSL has of one, about */
#define BLOCK_SIZE ((size_t)16)        /* what malloc() adds */

struct entry {
    struct coco_digest shown;
    struct coco_kbs_guest *guest; /* NULL: free */
    uint64_t epoch;
    int64_t until;
    size_t size;
    uint64_t heard; /* counts up with each one that is asked for */
};

struct coco_kbs_guests {
    pthread_mutex_t lock; /* of all that follows */
    struct entry entries[COCO_KBS_GUESTS_MAX];
    size_t size;
    uint64_t heard;
};

static coco_status
fill(struct coco_kbs_guest *guest, coco_error **err)
{
    _cleanup_buf_ struct coco_buf id = {.limit = sizeof(guest->id) - 1};
    const cJSON *jwk = NULL;

    coco_status status = coco_rcar_tee_key_of_token(guest->claims, NULL, &jwk, err);
    if (status == COCO_OK)
        status = coco_kbs_token_version(guest->claims, &guest->version, err);
    if (status == COCO_OK && !guest->key)
        status = coco_rcar_tee_key_parse(guest->version, jwk, &guest->key, err);
    if (status == COCO_OK)
        status = coco_rcar_tee_key_id(jwk, &id, err);
    if (status == COCO_OK)
        memcpy(guest->id, coco_buf_text(&id), id.len + 1);
    return status;
}

coco_status
coco_kbs_guest_new(cJSON *claims, EVP_PKEY *key, struct coco_kbs_guest **ret, coco_error **err)
{
    struct coco_kbs_guest *made = calloc(1, sizeof(*made));

    if (!made || (key && EVP_PKEY_up_ref(key) != 1)) {
        coco_json_free(claims);
        free(made);
        return coco_fail_nomem(err);
    }
    atomic_init(&made->refs, 1);
    made->claims = claims;
    made->key = key;
    _cleanup_guest_ struct coco_kbs_guest *guest = made;

    coco_status status = fill(guest, err);
    if (status == COCO_OK)
        *ret = coco_steal(&guest);
    return status;
}

struct coco_kbs_guest *
coco_kbs_guest_ref(struct coco_kbs_guest *guest)
{
    (void)atomic_fetch_add(&guest->refs, 1);
    return guest;
}

void
coco_kbs_guest_unref(struct coco_kbs_guest *guest)
{
    if (!guest || atomic_fetch_sub(&guest->refs, 1) != 1)
        return;
    EVP_PKEY_free(guest->key);
    coco_json_free(guest->claims);
    free(guest);
}

/* What a tree takes of memory, about. Its depth is bounded, as whoever reads it bounds it. */
static size_t
size_of(const cJSON *value)
{
    size_t size = sizeof(*value) + BLOCK_SIZE;

    if (value->string)
        size += strlen(value->string) + BLOCK_SIZE;
    if (value->valuestring)
        size += strlen(value->valuestring) + BLOCK_SIZE;
    for (const cJSON *child = value->child; child; child = child->next)
        size += size_of(child);
    return size;
}

coco_status
coco_kbs_guests_new(struct coco_kbs_guests **ret, coco_error **err)
{
    struct coco_kbs_guests *guests = calloc(1, sizeof(*guests));

    if (!guests)
        return coco_fail_nomem(err);
    (void)pthread_mutex_init(&guests->lock, NULL);
    *ret = guests;
    return COCO_OK;
}

void
coco_kbs_guests_free(struct coco_kbs_guests *guests)
{
    if (!guests)
        return;
    for (size_t i = 0; i < COCO_KBS_GUESTS_MAX; i++)
        coco_kbs_guest_unref(guests->entries[i].guest);
    (void)pthread_mutex_destroy(&guests->lock);
    free(guests);
}

static void
forget(struct coco_kbs_guests *guests, struct entry *entry)
{
    guests->size -= entry->size;
    coco_kbs_guest_unref(entry->guest);
    *entry = (struct entry){0};
}

static struct entry *
find_entry(struct coco_kbs_guests *guests, const struct coco_digest *shown)
{
    for (size_t i = 0; i < COCO_KBS_GUESTS_MAX; i++)
        if (guests->entries[i].guest && coco_digest_equal(&guests->entries[i].shown, shown))
            return &guests->entries[i];
    return NULL;
}

struct coco_kbs_guest *
coco_kbs_guests_find(struct coco_kbs_guests *guests, const struct coco_digest *shown,
                     uint64_t epoch, int64_t now)
{
    struct coco_kbs_guest *guest = NULL;

    (void)pthread_mutex_lock(&guests->lock);
    struct entry *entry = find_entry(guests, shown);
    if (entry && (entry->epoch != epoch || entry->until <= now)) {
        forget(guests, entry);
    } else if (entry) {
        entry->heard = ++guests->heard;
        guest = coco_kbs_guest_ref(entry->guest);
    }
    (void)pthread_mutex_unlock(&guests->lock);
    return guest;
}

static void
forget_oldest(struct coco_kbs_guests *guests)
{
    struct entry *oldest = NULL;

    for (size_t i = 0; i < COCO_KBS_GUESTS_MAX; i++) {
        struct entry *entry = &guests->entries[i];

        if (entry->guest && (!oldest || entry->heard < oldest->heard))
            oldest = entry;
    }
    if (oldest)
        forget(guests, oldest);
}

/* A free entry, or else the one that was longest not heard of. */
static struct entry *
find_place(struct coco_kbs_guests *guests)
{
    struct entry *place = &guests->entries[0];

    for (size_t i = 0; i < COCO_KBS_GUESTS_MAX && place->guest; i++)
        if (!guests->entries[i].guest || guests->entries[i].heard < place->heard)
            place = &guests->entries[i];
    return place;
}

static void
keep(struct coco_kbs_guests *guests, const struct entry *made)
{
    struct entry *entry = find_entry(guests, &made->shown);

    if (entry)
        forget(guests, entry);
    while (guests->size > 0 && guests->size + made->size > COCO_KBS_GUESTS_SIZE)
        forget_oldest(guests);
    entry = find_place(guests);
    if (entry->guest)
        forget(guests, entry);
    *entry = *made;
    entry->guest = coco_kbs_guest_ref(made->guest);
    entry->heard = ++guests->heard;
    guests->size += made->size;
}

void
coco_kbs_guests_keep(struct coco_kbs_guests *guests, const struct coco_digest *shown,
                     uint64_t epoch, int64_t until, struct coco_kbs_guest *guest)
{
    const struct entry made = {
        .shown = *shown,
        .guest = guest,
        .epoch = epoch,
        .until = until,
        .size = sizeof(*guest) + OPENED_KEY_SIZE + size_of(guest->claims),
    };

    if (made.size > COCO_KBS_GUESTS_SIZE / SHARE)
        return;
    (void)pthread_mutex_lock(&guests->lock);
    keep(guests, &made);
    (void)pthread_mutex_unlock(&guests->lock);
}
