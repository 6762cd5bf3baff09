/*
 * verifier/roots.h - roots of the makers of hardware
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_ROOTS_H
#define COCO_VERIFIER_ROOTS_H

#include "base/digest.h"

struct coco_root {
    const char *maker; /* one of coco_root_maker() */
    struct coco_digest fingerprint;
};

/* The maker of that name as a text that lives for good, or NULL. */
const char *coco_root_maker(const char *name);

/* Whether the maker itself says so. */
bool coco_root_is_known(const char *maker, const struct coco_digest *fingerprint);

#endif
