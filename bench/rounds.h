/*
 * bench/rounds.h - the same work measured several times, in CPU time
 *
 * What else the machine does makes rounds longer and never shorter: the shortest is
 * what the work costs, the median what to expect.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BENCH_ROUNDS_H
#define COCO_BENCH_ROUNDS_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 30

struct rounds {
    double us[ROUNDS];
};

static inline double
rounds_now(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

/* What one of each_round calls of work costs, in each round. */
static inline struct rounds
rounds_of(void (*work)(void *user, size_t i), void *user, size_t each_round)
{
    struct rounds rounds;

    for (size_t i = 0; i < ROUNDS; i++) {
        double start = rounds_now();

        for (size_t j = 0; j < each_round; j++)
            work(user, j);
        rounds.us[i] = (rounds_now() - start) / (double)each_round;
    }
    return rounds;
}

static inline int
rounds_compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sorts them, prints both figures, and returns the shorter. */
static inline double
rounds_print(const char *what, struct rounds *rounds)
{
    qsort(rounds->us, ROUNDS, sizeof(rounds->us[0]), rounds_compare);
    (void)printf("%-44s %7.0f us, median %7.0f us\n", what, rounds->us[0], rounds->us[ROUNDS / 2]);
    return rounds->us[0];
}

static inline void
rounds_judge(const char *what, double us, double target, double bare)
{
    (void)printf("%-44s %s %.0f us, %.2f of its bare signatures\n", what,
                 us < target ? "below" : "NOT below", target, us / bare);
}

#endif
