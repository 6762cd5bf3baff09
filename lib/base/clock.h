/*
 * base/clock.h - the time that only goes forward
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_CLOCK_H
#define COCO_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds of CLOCK_MONOTONIC, for time spans and deadlines within this process. */
static inline uint64_t
coco_clock_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#endif
