/*
 * tests/roundtrip/test_csv.c - a report of Hygon CSV, from the device to the verdict
 *
 * What stands for the firmware answers each request as a chip does: the report signed by the
 * PEK that it sends along, whose chip the verifier knows from Hygon's certificates.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/csv.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "tests/fakemachine.h"
#include "tests/tee/csv_kit.h"
#include "tests/verifier/bound.h"
#include "tests/verifier/failing.h"
#include "tests/verifier/trust.h"

#include <stdlib.h>
#include <string.h>

#define BOUND "nonce and key"
#define SERIAL "KPA64911240507"

struct fixture {
    struct csv_kit kit;
    struct csv_kit other;
    const struct csv_kit *answers;
    struct fake_kernel fake;
    bool has_registers;
    char dir[64];
    coco_ctx *ctx;
    coco_attester *attester;
    coco_collateral *collateral;
    coco_verifier *verifier;
    coco_error *err;
};

static int
module(struct fake_kernel *fake, unsigned long request, void *arg)
{
    struct fixture *f = fake->user;

    if (request == COCO_CSV_RTMR_REQ)
        return f->has_registers ? 0 : ENOTTY;
    if (request != COCO_CSV_GET_REPORT)
        return EINVAL;
    const struct coco_csv_guest_report *about = arg;
    csv_kit_answer(f->answers, SERIAL, NULL, fake_memory_at(about->addr));
    return 0;
}

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    *f = (struct fixture){.answers = &f->kit};
    csv_kit_make(&f->kit);
    csv_kit_make(&f->other);
    make_temp_dir(f->dir, sizeof(f->dir));
    csv_kit_write(&f->kit, f->dir, SERIAL);
    assert_ok(coco_collateral_new_dir(f->dir, &f->collateral, &f->err), f->err);
    assert_ok(coco_verifier_new(&f->verifier, &f->err), f->err);
    coco_verifier_set_collateral(f->verifier, f->collateral);
    trust_hrk(f->verifier, &f->kit.hrk);
    fake_kernel_init(&f->fake);
    f->fake.user = f;
    f->fake.ioctl = module;
    f->fake.files[0].path = "/dev/csv-guest";
    fake_machine_begin(&f->fake, &coco_csv_attester, &f->ctx, &f->attester);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    fake_machine_end(&f->fake, f->ctx, f->attester);
    coco_verifier_free(f->verifier);
    csv_kit_done(&f->kit);
    csv_kit_done(&f->other);
    remove_temp_dir(f->dir);
    return 0;
}

/* The names of the checks that do not hold, with a space behind each. */
static void
assert_failing(struct fixture *f, const char *bound, const char *names)
{
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_ok(coco_attester_collect(f->attester, f->ctx, (const uint8_t *)BOUND, strlen(BOUND),
                                    &evidence, &f->err),
              f->err);
    assert_ok(verify_bound(f->verifier, "csv", (const char *)coco_bytes_data(evidence), bound,
                           strlen(bound), &verdict, &f->err),
              f->err);
    assert_failing_checks(verdict, names);
}

static void
evidence_of_this_chip_is_valid(void **state)
{
    struct fixture *f = *state;

    assert_failing(f, BOUND, "");
    f->has_registers = true;
    assert_failing(f, BOUND, "");
}

static void
what_is_swapped_is_refused_by_its_check(void **state)
{
    struct fixture *f = *state;

    assert_failing(f, "other and key", "report-data ");
    assert_failing(f, "nonce and kez", "report-data ");
    /* A chip of the same number that Hygon did not make. */
    f->answers = &f->other;
    assert_failing(f, BOUND, "certificates ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(evidence_of_this_chip_is_valid),
        TEST(what_is_swapped_is_refused_by_its_check),
    };

    return cmocka_run_group_tests_name("roundtrip/csv", tests, NULL, NULL);
}
