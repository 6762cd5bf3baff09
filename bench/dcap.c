/*
 * bench/dcap.c - what verifying a quote of TDX costs, beside its bare signatures
 *
 * A quote and all of its collateral, from JSON to verdict. A verifier is asked for the
 * first time, and then for quotes that it has not seen of a machine that it has: of
 * those the signature of the quote is all that is verified anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/rounds.h"
#include "tests/verifier/intel.h"

#define TARGET_US 2000.0
#define QUOTES 16

/* Quote, QE report, two of the PCK's chain, one of the signer's, two documents, two lists of
 * revoked certificates. */
#define SIGNATURES 9

/* The quotes tell each other apart by the first byte of what they are bound to. */
struct bench {
    struct intel intel;
    struct coco_buf texts[QUOTES];
    struct coco_buf signature;
    uint8_t data[632]; /* as many as a quote has signed */
};

static void
make_evidence(struct bench *bench, uint8_t i)
{
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX};

    memset(bench->intel.quote.td.report_data, 0, sizeof(bench->intel.quote.td.report_data));
    bench->intel.quote.td.report_data[0] = i;
    intel_quote(&bench->intel, &(struct intel_signers){0}, &quote);
    bench->texts[i].limit = 1 << 18;
    intel_evidence(&quote, &bench->texts[i]);
}

static void
verify(const struct bench *bench, const coco_verifier *verifier, size_t i)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    const uint8_t report_data[1] = {(uint8_t)i};

    assert_int_equal(verify_bound(verifier, "tdx", coco_buf_text(&bench->texts[i]), report_data,
                                  sizeof(report_data), &verdict, NULL),
                     COCO_OK);
    assert_true(coco_verdict_valid(verdict));
}

static void
verify_first(void *user, size_t i)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    struct bench *bench = user;

    assert_int_equal(coco_verifier_new(&verifier, NULL), COCO_OK);
    intel_trust_by(&bench->intel, verifier);
    intel_serve(&bench->intel.documents, verifier);
    verify(bench, verifier, i);
}

static void
verify_again(void *user, size_t i)
{
    const struct bench *bench = user;

    verify(bench, bench->intel.verifier, i);
}

static void
verify_bare(void *user, size_t i)
{
    const struct bench *bench = user;

    (void)i;
    assert_int_equal(coco_key_verify(bench->intel.key, bench->data, sizeof(bench->data),
                                     bench->signature.data, bench->signature.len, NULL),
                     COCO_OK);
}

int
main(void)
{
    static struct bench bench = {.signature = {.limit = 128}};

    intel_begin(&bench.intel, 4, COCO_QUOTE_TD10);
    for (uint8_t i = 0; i < QUOTES; i++)
        make_evidence(&bench, i);
    assert_int_equal(
        coco_key_sign(bench.intel.key, bench.data, sizeof(bench.data), &bench.signature, NULL),
        COCO_OK);
    verify_again(&bench, 0);
    struct rounds first = rounds_of(verify_first, &bench, QUOTES);
    struct rounds again = rounds_of(verify_again, &bench, QUOTES);
    struct rounds one = rounds_of(verify_bare, &bench, QUOTES * SIGNATURES);

    double first_us = rounds_print("a quote of TDX with its collateral, first:", &first);
    double again_us = rounds_print("another of a machine that is known:", &again);
    double one_us = rounds_print("bare: 1 ECDSA on P-256:", &one);
    rounds_judge("first, which has 9 of them:", first_us, TARGET_US, SIGNATURES * one_us);
    rounds_judge("of a machine that is known:", again_us, TARGET_US, one_us);
    for (size_t i = 0; i < QUOTES; i++)
        coco_buf_done(&bench.texts[i]);
    coco_buf_done(&bench.signature);
    intel_end(&bench.intel);
    return EXIT_SUCCESS;
}
