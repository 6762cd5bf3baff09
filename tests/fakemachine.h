/*
 * tests/fakemachine.h - an attester that asks a kernel in memory
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_FAKEMACHINE_H
#define COCO_TESTS_FAKEMACHINE_H

#include "attester/driver.h"
#include "attester/paths.h"
#include "base/context.h"
#include "tests/fakekernel.h"
#include "tests/support.h"

#include <stdlib.h>

/* The attester of driver on a machine that has fake, and a context for it. */
static inline void
fake_machine_begin(struct fake_kernel *fake, const struct coco_attester_driver *driver,
                   coco_ctx **ctx, coco_attester **attester)
{
    coco_error *err = NULL;
    void *self = NULL;

    assert_ok(coco_ctx_new(ctx, &err), err);
    assert_ok(coco_machine_new(&fake->table, &self, &err), err);
    assert_ok(coco_attester_wrap(driver, self, attester, &err), err);
    assert_int_equal(unsetenv(COCO_TEE_ROOT_VARIABLE), 0);
}

/* Of the kernel nothing is left open, nor in configfs. */
static inline void
fake_machine_end(struct fake_kernel *fake, coco_ctx *ctx, coco_attester *attester)
{
    coco_attester_free(attester);
    coco_ctx_free(ctx);
    assert_int_equal(fake->entries, 0);
    assert_int_equal(fake_kernel_open(fake), 0);
    assert_int_equal(unsetenv(COCO_TEE_ROOT_VARIABLE), 0);
}

/* What the address that a device was given leads to. */
static inline void *
fake_memory_at(uint64_t address)
{
    return (void *)(uintptr_t)address; /* NOLINT(performance-no-int-to-ptr): it was one */
}

#endif
