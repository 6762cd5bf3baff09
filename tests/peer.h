/*
 * tests/peer.h - another program that a test talks to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_PEER_H
#define COCO_TESTS_PEER_H

#include "tests/support.h"

#include <sys/types.h>

struct peer {
    pid_t pid;
    int out;
    char said[512]; /* its first line */
};

/*
 * Starts a Python program of tests/, such as "rpc/grpc_peer.py", with arguments that end
 * with NULL, and waits for its first line. One that begins with "skip:" skips the test.
 */
void peer_start(struct peer *peer, const char *program, const char *const *args);

/* All else that it says until it ends by itself, which must be with success. */
void peer_finish(struct peer *peer, char *buf, size_t size);

/* The path of such a program, for whoever else starts it. */
void peer_path(const char *program, char *buf, size_t size);

/* Ends it. */
void peer_stop(struct peer *peer);

#endif
