/*
 * tests/verifier/test_tcb.c - lib/verifier/tcb.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/tcb.h"

#include "tests/support.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static coco_error *err;

enum {
    OK = COCO_TCB_UP_TO_DATE,
    HARDEN = COCO_TCB_SW_HARDENING_NEEDED,
    CONFIGURE = COCO_TCB_CONFIGURATION_NEEDED,
    OLD = COCO_TCB_OUT_OF_DATE,
    RELAUNCH = COCO_TCB_RELAUNCH_ADVISED,
    REVOKED = COCO_TCB_REVOKED,
};

/* A machine of TDX, its module of version 1, and what Intel says of both. */
struct machine {
    struct coco_tcb_level levels[2];
    struct coco_pcs_level module_levels[2];
    struct coco_tcb_module modules[2];
    struct coco_tcb_info info;
    struct coco_pck pck;
    struct coco_quote quote;
    struct coco_pcs_level qe;
    struct coco_tcb_input input;
};

static void
begin(struct machine *m)
{
    *m = (struct machine){
        .levels =
            {
                {.sgx = {5, 5}, .tdx = {4, 0, 6}, .pce_svn = 13},
                {.sgx = {5, 4}, .tdx = {2, 0, 5}, .pce_svn = 5, .status = OLD},
            },
        .module_levels = {{.svn = 4}, {.svn = 2, .status = OLD}},
        .pck = {.components = {5, 5}, .pce_svn = 13},
        .quote = {.body = COCO_QUOTE_TD15, .td = {.tcb_svn = {4, 1, 6}, .tcb_svn2 = {4, 1, 6}}},
    };
    memset(m->modules[0].attributes_mask, 0xff, 8);
    m->modules[1] = m->modules[0];
    m->modules[1].version = 1;
    m->modules[1].levels = (struct coco_pcs_levels){.levels = m->module_levels, .n = 2};
    m->info = (struct coco_tcb_info){
        .tdx = true,
        .version = 3,
        .levels = m->levels,
        .n_levels = 2,
        .modules = m->modules,
        .n_modules = 2,
    };
    m->input =
        (struct coco_tcb_input){.info = &m->info, .pck = &m->pck, .quote = &m->quote, .qe = &m->qe};
}

static unsigned
judge(struct machine *m)
{
    struct coco_tcb_judgement judgement = {0};

    assert_ok(coco_tcb_judge(&m->input, &judgement, &err), err);
    assert_non_null(judgement.level);
    assert_non_null(coco_tcb_status_name(judgement.status));
    return judgement.status;
}

static void
the_first_level_that_all_components_reach_counts(void **state)
{
    struct machine m;
    struct coco_tcb_judgement judgement = {0};

    (void)state;
    begin(&m);
    assert_int_equal(judge(&m), OK);
    m.pck.components[1] = 4;
    assert_int_equal(judge(&m), OLD);
    begin(&m);
    m.pck.pce_svn = 12;
    assert_int_equal(judge(&m), OLD);
    begin(&m);
    m.quote.td.tcb_svn[2] = 5; /* microcode */
    assert_int_equal(judge(&m), OLD);
    begin(&m);
    m.pck.components[15] = 255; /* higher than any */
    assert_int_equal(judge(&m), OK);
    m.pck.components[0] = 4;
    assert_fails(coco_tcb_judge(&m.input, &judgement, &err), err, COCO_ERR_VERIFY,
                 "below all 2 levels");
    begin(&m);
    m.quote.td.tcb_svn[2] = 4;
    assert_fails(coco_tcb_judge(&m.input, &judgement, &err), err, COCO_ERR_VERIFY,
                 "below all 2 levels");
}

/* Its number is then not among the components (section 4.1.2.4.17.3). */
static void
a_module_with_levels_of_its_own_is_judged_by_them(void **state)
{
    struct machine m;
    struct coco_tcb_judgement judgement = {0};

    (void)state;
    begin(&m);
    m.quote.body = COCO_QUOTE_TD10;
    m.quote.td.tcb_svn[0] = 3;
    assert_int_equal(judge(&m), OLD);
    m.module_levels[1].status = REVOKED;
    assert_int_equal(judge(&m), REVOKED);
    m.quote.td.tcb_svn[0] = 1;
    assert_fails(coco_tcb_judge(&m.input, &judgement, &err), err, COCO_ERR_VERIFY,
                 "TDX module 1.1 is below");
    m.quote.td.tcb_svn[1] = 2;
    assert_fails(coco_tcb_judge(&m.input, &judgement, &err), err, COCO_ERR_VERIFY,
                 "no TDX module of version 2");
    /* Without a version it is one of the components. */
    m.quote.td.tcb_svn[1] = 0;
    m.quote.td.tcb_svn[0] = 3;
    assert_int_equal(judge(&m), OLD);
    m.quote.td.tcb_svn[0] = 4;
    assert_int_equal(judge(&m), OK);
    m.quote.td.tcb_svn[0] = 1;
    assert_fails(coco_tcb_judge(&m.input, &judgement, &err), err, COCO_ERR_VERIFY, "below all");
}

static void
what_is_out_of_date_makes_the_rest_so(void **state)
{
    static const struct {
        unsigned machine;
        unsigned part;
        unsigned all;
    } cases[] = {
        {OK, OK, OK},
        {HARDEN, OK, HARDEN},
        {CONFIGURE, OK, CONFIGURE},
        {CONFIGURE | HARDEN, OK, CONFIGURE | HARDEN},
        {OK, OLD, OLD},
        {HARDEN, OLD, OLD},
        {CONFIGURE, OLD, OLD | CONFIGURE},
        {CONFIGURE | HARDEN, OLD, OLD | CONFIGURE},
        {OLD, OLD, OLD},
        {OLD | CONFIGURE, OLD, OLD | CONFIGURE},
        {OLD, OK, OLD},
        {OK, REVOKED, REVOKED},
        {OLD | CONFIGURE, REVOKED, REVOKED},
        {REVOKED, OK, REVOKED},
        {REVOKED, OLD, REVOKED},
    };
    struct machine m;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        begin(&m);
        m.levels[0].status = cases[i].machine;
        m.qe.status = cases[i].part;
        assert_int_equal(judge(&m), cases[i].all);
        begin(&m);
        m.quote.body = COCO_QUOTE_TD10;
        m.levels[0].status = cases[i].machine;
        m.module_levels[0].status = cases[i].part;
        assert_int_equal(judge(&m), cases[i].all);
    }
}

/* Section 4.1.2.4.17.4.3, condition by condition. */
static void
starting_again_is_advised_where_it_helps(void **state)
{
    static const struct {
        uint8_t now[3];
        unsigned machine;
        unsigned module;
        unsigned qe;
        enum coco_quote_body body;
        unsigned all;
    } cases[] = {
        {{4, 1, 6}, OK, OLD, OK, COCO_QUOTE_TD15, RELAUNCH},
        {{5, 1, 7}, OK, OLD, OK, COCO_QUOTE_TD15, RELAUNCH},
        {{4, 0, 6}, OK, OLD, OK, COCO_QUOTE_TD15, RELAUNCH},
        {{4, 1, 6}, HARDEN, OLD, OK, COCO_QUOTE_TD15, RELAUNCH},
        {{4, 1, 6}, CONFIGURE, OLD, OK, COCO_QUOTE_TD15, RELAUNCH | CONFIGURE},
        {{4, 1, 6}, CONFIGURE | HARDEN, OLD, OK, COCO_QUOTE_TD15, RELAUNCH | CONFIGURE},
        {{4, 1, 6}, OK, OLD, OK, COCO_QUOTE_TD10, OLD}, /* does not say what runs */
        {{3, 1, 6}, OK, OLD, OK, COCO_QUOTE_TD15, OLD}, /* what runs is old, too */
        {{4, 1, 5}, OK, OLD, OK, COCO_QUOTE_TD15, OLD},
        {{3, 0, 6}, OK, OLD, OK, COCO_QUOTE_TD15, OLD},
        {{4, 0, 5}, OK, OLD, OK, COCO_QUOTE_TD15, OLD},
        {{4, 1, 6}, OLD, OLD, OK, COCO_QUOTE_TD15, OLD}, /* the machine is */
        {{4, 1, 6}, OLD | CONFIGURE, OLD, OK, COCO_QUOTE_TD15, OLD | CONFIGURE},
        {{4, 1, 6}, OK, OLD, OLD, COCO_QUOTE_TD15, OLD}, /* the QE is */
        {{4, 1, 6}, OK, OLD, REVOKED, COCO_QUOTE_TD15, REVOKED},
        {{4, 1, 6}, OK, REVOKED, OK, COCO_QUOTE_TD15, REVOKED},
        {{4, 1, 6}, OK, OK, OK, COCO_QUOTE_TD15, OK},
    };
    struct machine m;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        begin(&m);
        memcpy(m.quote.td.tcb_svn2, cases[i].now, 3);
        m.quote.td.tcb_svn[0] = 3;
        m.quote.body = cases[i].body;
        m.levels[0].status = cases[i].machine;
        m.module_levels[1].status = cases[i].module;
        m.qe.status = cases[i].qe;
        assert_int_equal(judge(&m), cases[i].all);
    }
}

/* The machine's level for SGX is the first, and that for TDX the second. */
static void
what_is_old_on_the_machine_cannot_be_mended_by_starting_again(void **state)
{
    struct machine m;
    struct coco_tcb_judgement judgement = {0};

    (void)state;
    begin(&m);
    m.quote.td.tcb_svn[0] = 3;
    m.quote.td.tcb_svn[2] = 5; /* the second level */
    assert_int_equal(judge(&m), RELAUNCH);
    m.levels[0].status = CONFIGURE;
    assert_int_equal(judge(&m), RELAUNCH | CONFIGURE);
    m.levels[0].status = REVOKED;
    assert_int_equal(judge(&m), REVOKED);
    m.levels[0].status = OK;
    m.quote.td.tcb_svn2[1] = 9;
    assert_fails(coco_tcb_judge(&m.input, &judgement, &err), err, COCO_ERR_VERIFY,
                 "no TDX module of version 9");
}

static void
sgx_is_judged_without_what_tdx_has(void **state)
{
    struct machine m;

    (void)state;
    begin(&m);
    m.info.tdx = false;
    m.info.n_modules = 0;
    m.quote.body = COCO_QUOTE_SGX;
    memset(&m.quote.td, 0, sizeof(m.quote.td));
    assert_int_equal(judge(&m), OK);
    m.input.qe = NULL;
    assert_int_equal(judge(&m), OK);
    m.levels[0].status = CONFIGURE | HARDEN;
    assert_int_equal(judge(&m), CONFIGURE | HARDEN);
}

static void
a_module_must_be_intels(void **state)
{
    struct machine m;

    (void)state;
    begin(&m);
    assert_ok(coco_tcb_check_module(&m.info, &m.quote.td, &err), err);
    m.quote.td.mrsigner_seam[47] = 1;
    assert_fails(coco_tcb_check_module(&m.info, &m.quote.td, &err), err, COCO_ERR_VERIFY,
                 "another signer, 0000");
    begin(&m);
    m.quote.td.seam_attributes[7] = 0x80;
    assert_fails(coco_tcb_check_module(&m.info, &m.quote.td, &err), err, COCO_ERR_VERIFY,
                 "other attributes");
    m.modules[1].attributes_mask[7] = 0x7f;
    assert_ok(coco_tcb_check_module(&m.info, &m.quote.td, &err), err);
    m.quote.td.tcb_svn[1] = 0; /* another module, with a mask of its own */
    assert_fails(coco_tcb_check_module(&m.info, &m.quote.td, &err), err, COCO_ERR_VERIFY,
                 "other attributes");
    m.quote.td.tcb_svn[1] = 3;
    assert_fails(coco_tcb_check_module(&m.info, &m.quote.td, &err), err, COCO_ERR_VERIFY,
                 "version 3");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_level_that_all_components_reach_counts),
        cmocka_unit_test(a_module_with_levels_of_its_own_is_judged_by_them),
        cmocka_unit_test(what_is_out_of_date_makes_the_rest_so),
        cmocka_unit_test(starting_again_is_advised_where_it_helps),
        cmocka_unit_test(what_is_old_on_the_machine_cannot_be_mended_by_starting_again),
        cmocka_unit_test(sgx_is_judged_without_what_tdx_has),
        cmocka_unit_test(a_module_must_be_intels),
    };

    return cmocka_run_group_tests_name("verifier/tcb", tests, NULL, NULL);
}
