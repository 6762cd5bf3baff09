/*
 * tests/registry.h - Debian's docker-registry for one test
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_REGISTRY_H
#define COCO_TESTS_REGISTRY_H

#include "tests/support.h"

#include <pthread.h>
#include <sys/types.h>

struct registry {
    char host[64]; /* "127.0.0.1:<port>" */
    pid_t pid;
    int output;
    pthread_t drain;
};

/*
 * Starts one that keeps its blobs below dir; more is put into its configuration,
 * YAML such as "auth: {…}\n" or "", tls what stands below http. The test is skipped
 * where there is none.
 */
void registry_start(struct registry *registry, const char *dir, const char *more, const char *tls);
void registry_stop(struct registry *registry);

#endif
