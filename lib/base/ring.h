/*
 * base/ring.h - bytes between one thread that puts them and others that take them
 *
 * Of bounded size, and without a lock: its owner has one, under which the ends are
 * moved. Outside of it each side may touch its own piece, for what is put never meets
 * what is still to be taken. Positions are counted from the first byte on; each taker
 * keeps its own, and the owner says how far all of them are.
 *
 * Who waits should not be woken for every byte: to take is worth it when a quarter is
 * there, to put when half is free, so that two busy sides hardly ever meet at the lock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_RING_H
#define COCO_BASE_RING_H

#include <coco/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct coco_ring {
    uint8_t *bytes;
    size_t size;
    uint64_t put;  /* bytes that ever were */
    uint64_t free; /* and of these, from the first on, those that nobody needs any more */
};

coco_status coco_ring_init(struct coco_ring *ring, size_t size, coco_error **err);
void coco_ring_done(struct coco_ring *ring); /* wipes it */

/* The free bytes that lie in one piece, and how many they are; 0 when it is full. */
size_t coco_ring_room(const struct coco_ring *ring, uint8_t **at);
void coco_ring_put(struct coco_ring *ring, size_t n); /* so many were written there */
/* For who has taken so many bytes: the next that lie in one piece, at most a quarter; 0 for none.
 */
size_t coco_ring_piece(const struct coco_ring *ring, uint64_t taken, const uint8_t **at);
void coco_ring_free(struct coco_ring *ring, uint64_t taken); /* everybody has taken so many */
void coco_ring_clear(struct coco_ring *ring);

bool coco_ring_is_full(const struct coco_ring *ring);
bool coco_ring_is_worth_taking(const struct coco_ring *ring, uint64_t taken);
bool coco_ring_is_worth_putting(const struct coco_ring *ring);

#endif
