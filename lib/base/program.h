/*
 * base/program.h - another program, run within bounds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_PROGRAM_H
#define COCO_BASE_PROGRAM_H

#include "base/buf.h"

#include <coco/context.h>
#include <sys/types.h>

struct coco_program {
    const char *path;        /* of the file: nothing is looked for, and no shell sees it */
    const char *const *argv; /* ended by NULL; the first is the program's name */
    const char *const *env;  /* all of its environment, ended by NULL */
    const void *input;       /* what it reads from its stdin */
    size_t input_len;
    unsigned timeout; /* seconds */
};

/* How a program ended that somebody else in this process has waited for. */
#define COCO_PROGRAM_UNKNOWN (-1)

/*
 * Runs the program until it ends and takes what it writes: all of its stdout, and
 * of its stderr as much as there is room for. It has no terminal, no descriptor but
 * those three, no signal blocked or ignored, and a session of its own, which is
 * killed with it when it is not let run to its end.
 *
 * *ret gets its exit code, 128 and more for a signal, or COCO_PROGRAM_UNKNOWN: a
 * process that ignores SIGCHLD, or waits for whatever ends, takes the code away.
 *
 * COCO_ERR_NOTFOUND without such a file, COCO_ERR_LIMIT when output is full,
 * COCO_ERR_IO when the time is up or the system fails, COCO_ERR_CANCELED.
 */
coco_status coco_program_run(const struct coco_program *program, coco_ctx *ctx,
                             struct coco_buf *output, struct coco_buf *errors, int *ret,
                             coco_error **err);

/* Descriptors that a program begins with: 0, 1 and 2. */
#define COCO_PROGRAM_STDIO 3

/*
 * Starts the program, of which input and timeout do not count, with these descriptors of 3 and
 * above as its first, and likewise in a session of its own. COCO_ERR_NOTFOUND without the file.
 */
coco_status coco_program_spawn(const struct coco_program *program,
                               const int stdio[COCO_PROGRAM_STDIO], pid_t *ret, coco_error **err);

#endif
