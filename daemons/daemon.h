/*
 * daemons/daemon.h - what daemons have in common: a log, a configuration, an end
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_DAEMONS_DAEMON_H
#define COCO_DAEMONS_DAEMON_H

#include <coco/coco.h>

#include <signal.h>

/* As the coco program has them. */
enum {
    EXIT_DONE = 0,
    EXIT_OTHER = 1,
    EXIT_USAGE = 2,
};

struct daemon {
    bool json; /* the log is for machines */
};

/* One line to stderr; other threads' lines do not get into it. */
void daemon_say(const struct daemon *daemon, const char *level, const char *message);

/* A coco_log_fn whose user is a struct daemon. */
void daemon_on_log(void *user, coco_log_level level, const char *message);

/* Says why, frees err and gives EXIT_OTHER. */
int daemon_fail(const struct daemon *daemon, coco_error *err);
int daemon_fail_errno(const struct daemon *daemon, const char *what);

/* Reads --log's argument; false if it is neither text nor json. */
bool daemon_set_log(struct daemon *daemon, const char *format);

/*
 * Before any thread starts or file is opened: signals wait for daemon_wait(), no core file, files
 * for nobody else, and nothing else in the place of stdin, stdout and stderr.
 */
int daemon_begin(const struct daemon *daemon, sigset_t *ends);

/* The whole file as text; NULL, and said so, if it cannot be that. */
char *daemon_read(const struct daemon *daemon, const char *path);
/* Wipes and frees such a text, for it may hold a key; NULL is fine. */
void daemon_wipe(char *text);

/* Tells systemd that it is ready, where that wants to know: sd_notify(3). */
void daemon_ready(void);

/* Until SIGTERM or SIGINT. */
int daemon_wait(const sigset_t *ends);

#endif
