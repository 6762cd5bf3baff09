/*
 * verifier/checks.h - all that may be checked of evidence
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_CHECKS_H
#define COCO_VERIFIER_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

struct coco_check_kind {
    const char *name;
    bool may_fail;    /* if the verifier is told to allow it */
    const char *hint; /* what to do where it does */
};

#define COCO_CHECK_KINDS_MAX 128

size_t coco_check_kinds(void);

/* NULL past the last. */
const struct coco_check_kind *coco_check_kind(size_t index);

/* Stores the index of the kind of that name; false if there is none. */
bool coco_check_kind_find(const char *name, size_t *ret);

#endif
