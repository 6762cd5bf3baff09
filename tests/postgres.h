/*
 * tests/postgres.h - a PostgreSQL server for one test program
 *
 * Debian's, with a cluster of its own below a temporary directory, that listens on a
 * socket there and nowhere else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_POSTGRES_H
#define COCO_TESTS_POSTGRES_H

#include "tests/support.h"

struct postgres_server {
    char dir[64]; /* of its socket, too: the "host" of a connection */
};

#define POSTGRES_PORT 5432
#define POSTGRES_DATABASE "postgres"
#define POSTGRES_USER "postgres"

/* False, with a message, where there is none. */
bool postgres_start(struct postgres_server *server);
/* Runs SQL in it. */
void postgres_run(const struct postgres_server *server, const char *sql);
/* Ends it at once, as a crash does, and starts it again. */
void postgres_crash(const struct postgres_server *server);
void postgres_stop(struct postgres_server *server);

#endif
