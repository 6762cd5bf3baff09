/*
 * bench/snp.c - what verifying an SNP report costs, beside its bare signatures
 *
 * The chain is as long as AMD's and its keys are of the same kinds. A verifier is
 * asked for the first time, and then for reports that it has not seen of a chip that
 * it has: of those the signature of the report is all that is verified anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define AMD_RSA_BITS 4096
#include "bench/rounds.h"
#include "tests/verifier/amd.h"
#include "tests/verifier/bound.h"

#define TARGET_US 1000.0
#define REPORTS 16

/* The reports tell each other apart by the first byte of what they are bound to. */
struct bench {
    struct amd amd;
    struct coco_snp_report reports[REPORTS];
    struct coco_buf texts[REPORTS];
    X509_CRL *crl;
    coco_verifier *verifier;
};

static void
make_evidence(struct bench *bench, uint8_t i)
{
    _cleanup_snp_evidence_ struct coco_snp_evidence evidence = {0};
    struct coco_snp_report *report = &bench->reports[i];

    *report = amd_report(0x19, 0x01);
    report->report_data[0] = i;
    if (i == 0)
        amd_make(&bench->amd, report);
    if (i == 0)
        bench->crl = amd_make_crl(&bench->amd.ark, NULL, 5);
    amd_sign(report, bench->amd.vcek.key);
    evidence.report = *report;
    amd_add_cert(&evidence.certs, COCO_SNP_CERT_VCEK, bench->amd.vcek.cert);
    amd_add_cert(&evidence.certs, COCO_SNP_CERT_ASK, bench->amd.ask.cert);
    amd_add_cert(&evidence.certs, COCO_SNP_CERT_ARK, bench->amd.ark.cert);
    amd_add_crl(&evidence.certs, bench->crl);
    bench->texts[i].limit = (size_t)1 << 20;
    assert_int_equal(coco_snp_evidence_format(&evidence, &bench->texts[i], NULL), COCO_OK);
}

static coco_verifier *
new_verifier(struct bench *bench)
{
    coco_verifier *verifier = NULL;

    assert_int_equal(coco_verifier_new(&verifier, NULL), COCO_OK);
    trust_cert(verifier, "amd/Milan", bench->amd.ark.cert);
    return verifier;
}

static void
verify(const struct bench *bench, const coco_verifier *verifier, size_t i)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_int_equal(verify_bound(verifier, "snp", coco_buf_text(&bench->texts[i]),
                                  bench->reports[i].report_data, COCO_SNP_REPORT_DATA_SIZE,
                                  &verdict, NULL),
                     COCO_OK);
    assert_true(coco_verdict_valid(verdict));
}

static void
verify_first(void *user, size_t i)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = new_verifier(user);

    verify(user, verifier, i);
}

static void
verify_again(void *user, size_t i)
{
    const struct bench *bench = user;

    verify(bench, bench->verifier, i);
}

static void
verify_report(void *user, size_t i)
{
    const struct bench *bench = user;
    const struct coco_snp_report *report = &bench->reports[i];
    uint8_t bytes[COCO_SNP_REPORT_SIZE];
    uint8_t signature[96];

    coco_snp_report_format(report, bytes);
    for (size_t j = 0; j < 48; j++) {
        signature[j] = report->r[47 - j];
        signature[48 + j] = report->s[47 - j];
    }
    assert_int_equal(coco_ecdsa_verify(bench->amd.vcek.key, bytes, COCO_SNP_SIGNED_SIZE, signature,
                                       sizeof(signature), NULL),
                     COCO_OK);
}

/* Of the report, of each certificate but the root, and of the list. */
static void
verify_signatures(void *user, size_t i)
{
    const struct bench *bench = user;
    const struct amd *amd = &bench->amd;

    verify_report(user, i);
    assert_int_equal(X509_verify(amd->vcek.cert, amd->ask.key), 1);
    assert_int_equal(X509_verify(amd->ask.cert, amd->ark.key), 1);
    assert_int_equal(X509_CRL_verify(bench->crl, amd->ark.key), 1);
}

int
main(void)
{
    static struct bench bench;

    for (uint8_t i = 0; i < REPORTS; i++)
        make_evidence(&bench, i);
    bench.verifier = new_verifier(&bench);
    verify_again(&bench, 0);
    struct rounds first = rounds_of(verify_first, &bench, REPORTS);
    struct rounds again = rounds_of(verify_again, &bench, REPORTS);
    struct rounds all = rounds_of(verify_signatures, &bench, REPORTS);
    struct rounds report = rounds_of(verify_report, &bench, REPORTS);

    double first_us = rounds_print("an SNP report, from JSON to verdict, first:", &first);
    double again_us = rounds_print("another of a chip that is known:", &again);
    double all_us = rounds_print("bare: 1 ECDSA on P-384, 3 RSA-4096:", &all);
    double report_us = rounds_print("bare: 1 ECDSA on P-384:", &report);
    rounds_judge("first:", first_us, TARGET_US, all_us);
    rounds_judge("of a chip that is known:", again_us, TARGET_US, report_us);
    for (size_t i = 0; i < REPORTS; i++)
        coco_buf_done(&bench.texts[i]);
    coco_verifier_free(bench.verifier);
    X509_CRL_free(bench.crl);
    amd_done(&bench.amd);
    return 0;
}
