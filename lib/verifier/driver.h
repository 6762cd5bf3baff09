/*
 * verifier/driver.h - what the verifier of one TEE is made of
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_DRIVER_H
#define COCO_VERIFIER_DRIVER_H

#include "base/json.h"

#include <coco/verifier.h>

COCO_DEFINE_CLEANUP(coco_verifier *, coco_verifier_free);
COCO_DEFINE_CLEANUP(coco_verdict *, coco_verdict_free);

#define COCO_SOFTWARE_ROOTS_MAX 16
#define COCO_REPORT_DATA_MAX 64

struct coco_verifier {
    bool allow_sample;
    struct coco_buf software_roots[COCO_SOFTWARE_ROOTS_MAX]; /* DER */
    size_t n_software_roots;
};

/* Evidence, and what it must be. */
struct coco_verification {
    const coco_verifier *verifier;
    const cJSON *evidence;
    const uint8_t *report_data;
    size_t len; /* of report_data: 1 to COCO_REPORT_DATA_MAX */
};

/* One TEE; the table of them is in verifier.c. */
struct coco_verifier_driver {
    const char *tee;
    /*
     * Adds every check to verdict, also those after the first that does not
     * hold: a person wants to see all that is wrong. Adds to claims what the
     * evidence says, under upstream's names.
     */
    coco_status (*verify)(const struct coco_verification *verification, coco_verdict *verdict,
                          cJSON *claims, coco_error **err);
};

extern const struct coco_verifier_driver coco_sample_verifier;
extern const struct coco_verifier_driver coco_software_verifier;

/* Adds one check; name is lent for good, want and got are copied, foreign bytes escaped. */
coco_status coco_verdict_add(coco_verdict *verdict, const char *name, bool ok, const char *want,
                             const char *got, coco_error **err);

/* Adds one check that got is want followed by zeros; both are shown as hex. */
coco_status coco_verdict_add_bytes(coco_verdict *verdict, const char *name, const uint8_t *want,
                                   size_t want_len, const uint8_t *got, size_t got_len,
                                   coco_error **err);

#endif
