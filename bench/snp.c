/*
 * bench/snp.c - what verifying an SNP report costs, beside its bare signatures
 *
 *     snp [ROUNDS]
 *
 * The chain is as long as AMD's and its keys are of the same kinds. Nothing is
 * kept between two rounds: each reads JSON, certificates and list anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define AMD_RSA_BITS 4096
#include "tests/verifier/amd.h"
#include "tests/verifier/bound.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TARGET_US 1000.0

static struct amd amd;
static struct coco_snp_report report;
static X509_CRL *crl;

static double
now_us(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

static void
make_evidence(struct coco_buf *text)
{
    _cleanup_snp_evidence_ struct coco_snp_evidence evidence = {0};

    report = amd_report(0x19, 0x01);
    amd_make(&amd, &report);
    amd_sign(&report, amd.vcek.key);
    crl = amd_make_crl(&amd.ark, NULL, 5);
    evidence.report = report;
    amd_add_cert(&evidence.certs, COCO_SNP_CERT_VCEK, amd.vcek.cert);
    amd_add_cert(&evidence.certs, COCO_SNP_CERT_ASK, amd.ask.cert);
    amd_add_cert(&evidence.certs, COCO_SNP_CERT_ARK, amd.ark.cert);
    amd_add_crl(&evidence.certs, crl);
    assert_int_equal(coco_snp_evidence_format(&evidence, text, NULL), COCO_OK);
}

static double
time_verifying(const char *text, long rounds)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    const uint8_t nothing[1] = {0};

    assert_int_equal(coco_verifier_new(&verifier, NULL), COCO_OK);
    amd_trust(verifier, "amd/Milan", amd.ark.cert);
    double start = now_us();
    for (long i = 0; i < rounds; i++) {
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

        assert_int_equal(verify_bound(verifier, "snp", text, nothing, 1, &verdict, NULL), COCO_OK);
        assert_true(coco_verdict_valid(verdict));
    }
    return (now_us() - start) / (double)rounds;
}

/* Of the report, of each certificate, and of the list. */
static double
time_signatures(long rounds)
{
    uint8_t bytes[COCO_SNP_REPORT_SIZE];
    uint8_t signature[96];

    coco_snp_report_format(&report, bytes);
    for (size_t i = 0; i < 48; i++) {
        signature[i] = report.r[47 - i];
        signature[48 + i] = report.s[47 - i];
    }
    double start = now_us();
    for (long i = 0; i < rounds; i++) {
        assert_int_equal(coco_ecdsa_verify(amd.vcek.key, bytes, COCO_SNP_SIGNED_SIZE, signature,
                                           sizeof(signature), NULL),
                         COCO_OK);
        assert_int_equal(X509_verify(amd.vcek.cert, amd.ask.key), 1);
        assert_int_equal(X509_verify(amd.ask.cert, amd.ark.key), 1);
        assert_int_equal(X509_verify(amd.ark.cert, amd.ark.key), 1);
        assert_int_equal(X509_CRL_verify(crl, amd.ark.key), 1);
    }
    return (now_us() - start) / (double)rounds;
}

int
main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 500;
    _cleanup_buf_ struct coco_buf text = {.limit = (size_t)1 << 20};

    if (rounds < 1)
        return 2;
    make_evidence(&text);
    double whole = time_verifying(coco_buf_text(&text), rounds);
    double bare = time_signatures(rounds);
    printf("an SNP report, from JSON to verdict:       %7.0f us, %s %.0f us\n", whole,
           whole < TARGET_US ? "below" : "NOT below", TARGET_US);
    printf("its bare signatures (1 ECDSA, 4 RSA-4096): %7.0f us\n", bare);
    printf("ratio:                                     %7.2f\n", whole / bare);
    X509_CRL_free(crl);
    amd_done(&amd);
    return 0;
}
