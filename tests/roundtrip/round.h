/*
 * tests/roundtrip/round.h - an attester, and a verifier of what it collects
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_ROUNDTRIP_ROUND_H
#define COCO_TESTS_ROUNDTRIP_ROUND_H

#include "base/bytes.h"
#include "base/context.h"
#include "tests/verifier/failing.h"
#include "verifier/driver.h"

#include <coco/attester.h>

#define REPORT_DATA "a nonce of thirty-two bytes.....and sixteen more"
#define REPORT_DATA_LEN 48

struct round {
    const char *tee;
    coco_ctx *ctx;
    coco_attester *attester;
    coco_verifier *verifier; /* trusts nobody yet */
    coco_binding *binding;
    coco_error *err;
};

static inline void
round_begin(struct round *round, const char *tee)
{
    *round = (struct round){.tee = tee};
    assert_ok(coco_ctx_new(&round->ctx, &round->err), round->err);
    assert_ok(coco_attester_new(tee, &round->attester, &round->err), round->err);
    assert_ok(coco_verifier_new(&round->verifier, &round->err), round->err);
    assert_ok(coco_binding_new(&round->binding, &round->err), round->err);
    assert_ok(coco_binding_set_report_data(round->binding, (const uint8_t *)REPORT_DATA,
                                           REPORT_DATA_LEN, &round->err),
              round->err);
}

static inline void
round_end(struct round *round)
{
    coco_attester_free(round->attester);
    coco_verifier_free(round->verifier);
    coco_binding_free(round->binding);
    coco_ctx_free(round->ctx);
}

/* From the device to the verdict, to be freed. */
static inline coco_verdict *
round_attest(struct round *round)
{
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    coco_verdict *verdict = NULL;

    assert_ok(coco_attester_collect(round->attester, round->ctx, (const uint8_t *)REPORT_DATA,
                                    REPORT_DATA_LEN, &evidence, &round->err),
              round->err);
    assert_ok(coco_verify(round->verifier, round->tee, (const char *)coco_bytes_data(evidence),
                          round->binding, &verdict, &round->err),
              round->err);
    return verdict;
}

static inline void
assert_round(struct round *round, const char *failing)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = round_attest(round);

    assert_failing_checks(verdict, failing);
}

/* Whoever has asked for something else gets a verdict with these checks failing. */
static inline void
assert_other_nonce_fails(struct round *round, const char *failing)
{
    assert_ok(
        coco_binding_set_report_data(round->binding, (const uint8_t *)"another", 7, &round->err),
        round->err);
    assert_round(round, failing);
}

/* Init data must be bound on both sides, by digests of len bytes. */
static inline void
assert_init_data_are_bound(struct round *round, size_t len)
{
    uint8_t digest[64];

    memset(digest, 0xaa, len);
    assert_ok(coco_binding_set_init_data(round->binding, digest, len, &round->err), round->err);
    assert_round(round, "init-data ");
    assert_ok(coco_attester_bind_init_data(round->attester, digest, len, &round->err), round->err);
    assert_round(round, "");
    digest[0] ^= 1;
    assert_ok(coco_binding_set_init_data(round->binding, digest, len, &round->err), round->err);
    assert_round(round, "init-data ");
}

#endif
