/*
 * bench/dcap.c - what verifying a quote of TDX costs
 *
 *     dcap    prints microseconds a quote, beside those of its bare signatures
 *
 * A quote and all of its collateral, from JSON to the claims, on one core: keys,
 * certificates and lists are made at the start, and nothing is kept in between.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/verifier/intel.h"

#include <stdio.h>
#include <time.h>

#define TIMES 200

/* Quote, QE report, three of the PCK's chain, two of the signer's, two documents, two lists of
 * revoked certificates. */
#define SIGNATURES 11

static double
now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static double
verify(const struct intel *intel, const char *evidence)
{
    double start = now();

    for (int i = 0; i < TIMES; i++) {
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

        if (verify_bound(intel->verifier, "tdx", evidence, INTEL_REPORT_DATA, 5, &verdict, NULL)
                != COCO_OK
            || !coco_verdict_valid(verdict))
            exit(EXIT_FAILURE);
    }
    return (now() - start) / TIMES;
}

/* As many signatures, of as many bytes as a quote has signed. */
static double
verify_bare(const struct intel *intel)
{
    _cleanup_buf_ struct coco_buf signature = {.limit = 128};
    uint8_t data[632] = {0};

    if (coco_key_sign(intel->key, data, sizeof(data), &signature, NULL) != COCO_OK)
        exit(EXIT_FAILURE);
    double start = now();
    for (int i = 0; i < TIMES * SIGNATURES; i++)
        if (coco_key_verify(intel->key, data, sizeof(data), signature.data, signature.len, NULL)
            != COCO_OK)
            exit(EXIT_FAILURE);
    return (now() - start) / TIMES;
}

int
main(void)
{
    _cleanup_intel_ struct intel intel;
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX};
    _cleanup_buf_ struct coco_buf evidence = {.limit = 1 << 18};

    intel_begin(&intel, 4, COCO_QUOTE_TD10);
    intel_quote(&intel, &(struct intel_signers){0}, &quote);
    intel_evidence(&quote, &evidence);
    double whole = verify(&intel, coco_buf_text(&evidence));
    double bare = verify_bare(&intel);

    (void)printf("a quote of TDX with its collateral: %.0f us\n", whole);
    (void)printf("its %d signatures alone:            %.0f us\n", SIGNATURES, bare);
    (void)printf("ratio:                              %.2f\n", whole / bare);
    return EXIT_SUCCESS;
}
