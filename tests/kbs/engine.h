/*
 * tests/kbs/engine.h - tests that need the policy engine
 *
 *     if (!have_engine())
 *         return;
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_KBS_ENGINE_H
#define COCO_TESTS_KBS_ENGINE_H

#include "kbs/policy.h"

#include "tests/support.h"

/* Whether this build has it; says so if not. */
static inline bool
have_engine(void)
{
    if (!coco_policy_supported())
        print_message("# skipped: this build has no policy engine\n");
    return coco_policy_supported();
}

#endif
