/*
 * base/ring.h - bytes between one thread that puts them and one that takes them
 *
 * Of bounded size, and without a lock: its owner has one, under which the ends are
 * moved. Outside of it each side may touch its own piece, for the pieces never meet.
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
    size_t head;   /* where the first byte is that was not taken */
    size_t filled; /* bytes from there on, around the end */
};

coco_status coco_ring_init(struct coco_ring *ring, size_t size, coco_error **err);
void coco_ring_done(struct coco_ring *ring); /* wipes it */

/* The free bytes that lie in one piece, and how many they are; 0 when it is full. */
size_t coco_ring_room(const struct coco_ring *ring, uint8_t **at);
void coco_ring_put(struct coco_ring *ring, size_t n); /* so many were written there */
/* The first bytes that lie in one piece, at most a quarter of the ring; 0 when it is empty. */
size_t coco_ring_piece(const struct coco_ring *ring, const uint8_t **at);
void coco_ring_take(struct coco_ring *ring, size_t n); /* so many were read there */
void coco_ring_clear(struct coco_ring *ring);

bool coco_ring_is_full(const struct coco_ring *ring);
bool coco_ring_is_worth_taking(const struct coco_ring *ring);
bool coco_ring_is_worth_putting(const struct coco_ring *ring);

#endif
