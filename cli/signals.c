/*
 * cli/signals.c - an interrupt cancels what runs
 *
 * A thread waits for the signals, so nothing runs in a handler and nothing is
 * global. They stay blocked in every other thread; a child process unblocks them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Whoever insists this often does not care for cleaning up. */
#define PATIENCE 5

static void
watched(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGHUP);
    (void)sigaddset(set, SIGUSR2); /* cli_signals_end()'s */
}

static void *
watch(void *user)
{
    struct cli_signals *signals = user;
    unsigned count = 0;
    sigset_t set;

    watched(&set);
    for (;;) {
        int got = 0;
        const uint64_t one = 1;

        if (sigwait(&set, &got) != 0)
            continue;
        if (got == SIGUSR2)
            return NULL;
        if (++count == PATIENCE)
            _exit(CLI_CANCELED);
        coco_ctx_cancel(signals->ctx);
        ssize_t n = write(signals->canceled_fd, &one, sizeof(one));
        (void)n;
    }
}

int
cli_signals_begin(struct cli_signals *signals, coco_ctx *ctx)
{
    sigset_t set;

    signals->ctx = ctx;
    signals->canceled_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (signals->canceled_fd < 0)
        return errno;
    watched(&set);
    int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (error == 0)
        error = pthread_create(&signals->thread, NULL, watch, signals);
    signals->running = error == 0;
    return error;
}

void
cli_signals_end(struct cli_signals *signals)
{
    if (signals->running) {
        (void)pthread_kill(signals->thread, SIGUSR2);
        (void)pthread_join(signals->thread, NULL);
    }
    if (signals->canceled_fd >= 0)
        (void)close(signals->canceled_fd);
    signals->running = false;
    signals->canceled_fd = -1;
}
