/*
 * cli/process.h - other programs, started and never left behind
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CLI_PROCESS_H
#define COCO_CLI_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A child. It dies with its parent, however that ends. */
struct cli_process {
    pid_t pid; /* 0: none */
    int fd;    /* pidfd: readable once it has ended */
};
#define CLI_PROCESS_NONE                                                                           \
    {                                                                                              \
        0, -1                                                                                      \
    }

struct cli_spawn {
    const char *const *argv; /* argv[0] is a path */
    int output;              /* its stdout and stderr; -1: none */
    bool own_mounts;         /* give it a mount namespace that crun can live with */
};

/* Path of program in PATH or the usual directories; NULL if there is none. Free it. */
char *cli_find_program(const char *name);

/* Starts a program with an empty environment but PATH; errno on failure. */
int cli_process_start(const struct cli_spawn *spawn, struct cli_process *ret);

/*
 * Waits until it ends, stop_fd is readable or timeout_ms passed; negative means
 * for ever. True if it ended; *status is as of waitpid().
 */
bool cli_process_wait(struct cli_process *process, int stop_fd, int timeout_ms, int *status);

/* Kills it if it still runs, and waits for its end. */
void cli_process_kill(struct cli_process *process);

#endif
