/*
 * image/names.c - the set of names that a layer has put into directories
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/names.h"

#include "base/fail.h"
#include "base/secret.h"

#include <string.h>

#define ROOM_MIN ((size_t)1024)

static inline uint64_t
rotate(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static inline void
sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static inline void
sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

/* SipHash-2-4 (Aumasson, Bernstein 2012) of dir and name. */
static uint64_t
hash(const uint64_t key[2], uint64_t dir, const char *name)
{
    uint64_t v[4] = {
        key[0] ^ 0x736f6d6570736575,
        key[1] ^ 0x646f72616e646f6d,
        key[0] ^ 0x6c7967656e657261,
        key[1] ^ 0x7465646279746573,
    };
    size_t len = strlen(name);
    uint64_t last = (uint64_t)(len + sizeof(dir)) << 56;

    sip_word(v, dir);
    for (; len >= sizeof(uint64_t); len -= sizeof(uint64_t), name += sizeof(uint64_t)) {
        uint64_t word;

        memcpy(&word, name, sizeof(word));
        sip_word(v, word);
    }
    for (size_t i = 0; i < len; i++)
        last |= (uint64_t)(uint8_t)name[i] << (8 * i);
    sip_word(v, last);
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    uint64_t result = v[0] ^ v[1] ^ v[2] ^ v[3];
    return result != 0 ? result : 1;
}

coco_status
coco_names_init(struct coco_names *names, coco_error **err)
{
    *names = (struct coco_names){0};
    return coco_random(names->key, sizeof(names->key), err);
}

void
coco_names_done(struct coco_names *names)
{
    free(names->slots);
    *names = (struct coco_names){0};
}

/* Where value is, or the free slot where it would be. */
static size_t
find(const uint64_t *slots, size_t room, uint64_t value)
{
    size_t i = (size_t)value & (room - 1);

    while (slots[i] != 0 && slots[i] != value)
        i = (i + 1) & (room - 1);
    return i;
}

static coco_status
grow(struct coco_names *names, coco_error **err)
{
    size_t room = names->room > 0 ? 2 * names->room : ROOM_MIN;
    uint64_t *slots = calloc(room, sizeof(*slots));

    if (!slots)
        return coco_fail_nomem(err);
    for (size_t i = 0; i < names->room; i++)
        if (names->slots[i] != 0)
            slots[find(slots, room, names->slots[i])] = names->slots[i];
    free(names->slots);
    names->slots = slots;
    names->room = room;
    return COCO_OK;
}

coco_status
coco_names_add(struct coco_names *names, uint64_t dir, const char *name, coco_error **err)
{
    uint64_t value = hash(names->key, dir, name);

    if (names->n >= names->room / 4 * 3) {
        coco_status status = grow(names, err);
        if (status != COCO_OK)
            return status;
    }
    size_t i = find(names->slots, names->room, value);
    if (names->slots[i] == 0)
        names->n++;
    names->slots[i] = value;
    return COCO_OK;
}

bool
coco_names_has(const struct coco_names *names, uint64_t dir, const char *name)
{
    if (names->room == 0)
        return false;
    return names->slots[find(names->slots, names->room, hash(names->key, dir, name))] != 0;
}
