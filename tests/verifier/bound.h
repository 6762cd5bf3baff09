/*
 * tests/verifier/bound.h - verifying what is bound to some report data
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_VERIFIER_BOUND_H
#define COCO_TESTS_VERIFIER_BOUND_H

#include "verifier/driver.h"

/* Evidence of tee, verified as bound to len bytes of report_data and nothing else. */
static inline coco_status
verify_bound(const coco_verifier *verifier, const char *tee, const char *evidence,
             const void *report_data, size_t len, coco_verdict **ret, coco_error **err)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;

    coco_status status = coco_binding_new(&binding, err);
    if (status == COCO_OK)
        status = coco_binding_set_report_data(binding, report_data, len, err);
    if (status == COCO_OK)
        status = coco_verify(verifier, tee, evidence, binding, ret, err);
    return status;
}

#endif
