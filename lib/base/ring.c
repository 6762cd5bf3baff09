/*
 * base/ring.c - bytes between one thread that puts them and others that take them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/ring.h"

#include "base/fail.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

coco_status
coco_ring_init(struct coco_ring *ring, size_t size, coco_error **err)
{
    *ring = (struct coco_ring){.bytes = malloc(size), .size = size};
    return ring->bytes ? COCO_OK : coco_fail_nomem(err);
}

void
coco_ring_done(struct coco_ring *ring)
{
    if (ring->bytes)
        OPENSSL_cleanse(ring->bytes, ring->size);
    free(ring->bytes);
    *ring = (struct coco_ring){0};
}

size_t
coco_ring_room(const struct coco_ring *ring, uint8_t **at)
{
    size_t tail = (size_t)(ring->put % ring->size);

    *at = ring->bytes + tail;
    return least(ring->size - (size_t)(ring->put - ring->free), ring->size - tail);
}

void
coco_ring_put(struct coco_ring *ring, size_t n)
{
    ring->put += n;
}

size_t
coco_ring_piece(const struct coco_ring *ring, uint64_t taken, const uint8_t **at)
{
    size_t head = (size_t)(taken % ring->size);

    *at = ring->bytes + head;
    return least(least((size_t)(ring->put - taken), ring->size - head), ring->size / 4);
}

void
coco_ring_free(struct coco_ring *ring, uint64_t taken)
{
    ring->free = taken;
}

void
coco_ring_clear(struct coco_ring *ring)
{
    ring->put = ring->free = 0;
}

bool
coco_ring_is_full(const struct coco_ring *ring)
{
    return ring->put - ring->free == ring->size;
}

bool
coco_ring_is_worth_taking(const struct coco_ring *ring, uint64_t taken)
{
    return ring->put - taken >= ring->size / 4;
}

bool
coco_ring_is_worth_putting(const struct coco_ring *ring)
{
    return ring->put - ring->free <= ring->size / 2;
}
