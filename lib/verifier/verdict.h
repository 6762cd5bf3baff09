/*
 * verifier/verdict.h - inside of a coco_verdict
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_VERDICT_H
#define COCO_VERIFIER_VERDICT_H

#include "verifier/driver.h"

#define COCO_CHECKS_MAX 64
#define COCO_CLAIMS_MAX ((size_t)1 << 20)

struct coco_check {
    size_t kind; /* index in checks.h */
    bool ok;
    bool allowed;   /* not to hold */
    bool unreached; /* whoever was to be asked could not be: nobody knows */
    char *want;
    char *got;
};

struct coco_verdict {
    const coco_verifier *verifier; /* while checks are added */
    struct coco_check checks[COCO_CHECKS_MAX];
    size_t n_checks;
    struct coco_buf claims; /* JSON */
};

#endif
