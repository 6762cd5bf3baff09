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

/* One that owners' policies are evaluated by. Unref it. */
static inline struct coco_policy_engine *
new_engine(void)
{
    struct coco_policy_engine *engine = NULL;
    coco_error *err = NULL;

    assert_ok(coco_policy_engine_new(&engine, &err), err);
    return engine;
}

#endif
