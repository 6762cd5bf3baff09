/*
 * tests/verifier/test_chain.c - lib/verifier/chain.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/faults.h"
#include "tests/pki.h"
#include "tests/verifier/failing.h"
#include "tests/verifier/trust.h"
#include "verifier/verdict.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static struct pki_cert root;
static struct pki_cert leaf;
static struct pki_cert stranger;
static coco_verifier *verifier;
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    pki_make_ca(&root, NULL, "Root");
    pki_make(&leaf, &root, "leaf.test", 10);
    pki_make_ca(&stranger, NULL, "Root");
    assert_ok(coco_verifier_new(&verifier, &err), err);
    trust_cert(verifier, "aws", root.cert);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coco_verifier_free(verifier);
    pki_done(&root);
    pki_done(&leaf);
    pki_done(&stranger);
    return 0;
}

static void
each_thing_about_a_chain_is_a_check(void **state)
{
    const int64_t now = (int64_t)time(NULL);
    const struct {
        const struct pki_cert *certs[2];
        const char *maker;
        int64_t now;
        const char *failing;
    } cases[] = {
        {{&leaf, &root}, "aws", now, ""},
        {{&leaf, &root}, "intel", now, "root "},
        {{&leaf, &stranger}, "aws", now, "root certificates "},
        {{&leaf, &root}, "aws", now + 20 * 24 * 3600, "certificate-dates "},
        {{&leaf, &root}, "aws", 0, "certificate-dates "},
        {{&root}, "aws", now, ""},
        {{NULL}, "aws", now, "certificates "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct coco_verification verification = {.verifier = verifier, .now = cases[i].now};
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = calloc(1, sizeof(*verdict));
        struct coco_cert_chain chain = {0};

        for (; chain.n < 2 && cases[i].certs[chain.n]; chain.n++)
            chain.certs[chain.n] = cases[i].certs[chain.n]->cert;
        assert_ok(coco_check_chain(&verification, verdict, &coco_evidence_chain, cases[i].maker,
                                   &chain, &err),
                  err);
        assert_failing_checks(verdict, cases[i].failing);
    }
}

static void
no_list_is_no_list(void **state)
{
    const struct coco_verification verification = {.verifier = verifier};
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = calloc(1, sizeof(*verdict));
    coco_error *why = NULL;

    (void)state;
    verdict->verifier = verifier;
    assert_ok(coco_check_revoked(&verification, verdict, NULL, &why, root.cert, leaf.cert, &err),
              err);
    assert_failing_checks(verdict, "revocation-list ");
    assert_ok(coco_verifier_allow(verifier, "revocation-list", &err), err);
    assert_ok(coco_check_revoked(&verification, verdict, NULL, &why, root.cert, leaf.cert, &err),
              err);
    assert_true(coco_verdict_check_allowed(verdict, 1));
    assert_false(coco_verdict_check_ok(verdict, 1));
    assert_false(coco_verdict_check_allowed(verdict, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_thing_about_a_chain_is_a_check),
        cmocka_unit_test(no_list_is_no_list),
    };

    return cmocka_run_group_tests_name("verifier/chain", tests, setup, teardown);
}
