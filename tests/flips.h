/*
 * tests/flips.h - bits that a test flips, one at a time
 *
 *     for_each_flip(flip, data, len, 1)
 *     {
 *         if (is_valid(...))
 *             fail_msg("byte %zu can be changed", flip.at);
 *     }
 *
 * One bit of each byte, another one in each, or of one byte in so many; every bit of
 * every byte where $COCO_ALL_BITS is set (CONTRIBUTING.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_FLIPS_H
#define COCO_TESTS_FLIPS_H

#include "tests/support.h"

#include <stdlib.h>

struct flips {
    uint8_t *data;
    size_t len;
    size_t step;
    size_t at; /* the byte that is changed */
    size_t n;  /* so many were */
    uint8_t mask;
    bool all;
};

static inline bool
flips_all(void)
{
    return getenv("COCO_ALL_BITS") != NULL;
}

/* How many bits of a byte are flipped. */
static inline size_t
flips_per_byte(void)
{
    return flips_all() ? 8 : 1;
}

static inline struct flips
flips_of(void *data, size_t len, size_t step)
{
    return (struct flips){.data = data, .len = len, .step = step, .all = flips_all()};
}

/* Undoes the last one; false if there is no more. */
static inline bool
flips_next(struct flips *flips)
{
    if (flips->n > 0)
        flips->data[flips->at] ^= flips->mask;
    if (flips->n > 0 && flips->all && flips->mask != 0x80) {
        flips->mask = (uint8_t)(flips->mask << 1);
    } else {
        flips->at += flips->n == 0 ? 0 : flips->all ? 1 : flips->step;
        flips->mask = (uint8_t)(1U << (flips->all ? 0 : flips->at % 8));
    }
    if (flips->at >= flips->len) {
        if (flips->all)
            print_message("# %zu bits flipped, all of %zu bytes\n", flips->n, flips->len);
        return false;
    }
    flips->data[flips->at] ^= flips->mask;
    flips->n++;
    return true;
}

#define for_each_flip(flip, data, len, step)                                                       \
    for (struct flips flip = flips_of((data), (len), (step)); flips_next(&(flip));)

#endif
