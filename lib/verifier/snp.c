/*
 * verifier/snp.c - whether an AMD chip made an SNP report
 *
 * The chain is ARK -> ASK -> VCEK -> report, or ARK -> ASVK -> VLEK -> report for
 * the key of a provider. A product has an ARK of its own, which the report's CPU
 * names, so that no product vouches for another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/snp.h"

#include "base/fail.h"
#include "base/text.h"
#include "crypto/ecdsa.h"
#include "verifier/snp_cert.h"

#include <stdio.h>
#include <string.h>

#define VERSION_MIN 3 /* before, a report does not say which product it is of */
#define VERSION_MAX 5
#define TEXT_SIZE 160
#define MAKER_SIZE 16
#define PEM_MAX ((size_t)64 << 10)

/* What is known of who signed a report. */
struct signer {
    enum coco_snp_product product;
    char maker[MAKER_SIZE];
    bool is_vlek;
    struct coco_cert_chain chain; /* leaf, ASK or ASVK, ARK: as far as it was found */
    struct coco_snp_cert_facts facts;
    bool has_facts;
    coco_error *why; /* the chain goes no further, or the leaf is not AMD's */
};

static void
signer_done(struct signer *signer)
{
    coco_cert_chain_done(&signer->chain);
    coco_error_free(signer->why);
}

static void
set_product(struct signer *signer, enum coco_snp_product product)
{
    signer->product = product;
    (void)snprintf(signer->maker, sizeof(signer->maker), "amd/%s", coco_snp_product_name(product));
}

/* What went wrong in *err is kept in signer, unless it says nothing of the evidence. */
static coco_status
keep(struct signer *signer, coco_status status, coco_error **why, coco_error **err)
{
    coco_error *kept = coco_steal(why);

    if (coco_is_unreached(kept))
        status = COCO_ERR_NOTFOUND;
    switch (kept && coco_error_status(kept) == COCO_ERR_NOMEM ? COCO_ERR_NOMEM : status) {
    case COCO_OK:
        return COCO_OK;
    case COCO_ERR_PROTO:
    case COCO_ERR_LIMIT:
    case COCO_ERR_NOTFOUND:
        coco_error_free(signer->why);
        signer->why = kept;
        return COCO_OK;
    default:
        status = coco_error_status(kept);
        coco_error_give(err, kept);
        return status;
    }
}

/* ---- finding certificates ---- */

/* 57230, section 4.1: what the KDS calls a VCEK by, as include/coco/collateral.h spells it. */
static coco_status
fetch_vcek(const struct coco_verification *verification, const struct signer *signer,
           const struct coco_snp_report *report, struct coco_buf *ret, coco_error **err)
{
    const struct coco_snp_tcb *tcb = &report->reported_tcb;
    bool turin = signer->product == COCO_SNP_TURIN;
    char chip_id[2 * COCO_SNP_CHIP_ID_SIZE + 1];
    char fmc[16] = "";

    if (signer->product == COCO_SNP_UNKNOWN || coco_snp_chip_id_is_masked(report))
        return coco_fail(err, COCO_ERR_NOTFOUND, "evidence has no VCEK, and does not say whose");
    coco_hex(report->chip_id, turin ? COCO_SNP_TURIN_CHIP_ID_SIZE : COCO_SNP_CHIP_ID_SIZE, chip_id);
    if (turin)
        (void)snprintf(fmc, sizeof(fmc), "_fmc%02u", tcb->fmc);
    return coco_collateral_read(coco_verifier_collateral(verification->verifier), ret, err,
                                "%s/vcek/%s/bl%02u_tee%02u_snp%02u_ucode%02u%s.der", signer->maker,
                                chip_id, tcb->bootloader, tcb->tee, tcb->snp, tcb->microcode, fmc);
}

static coco_status
find_leaf(const struct coco_verification *verification, const struct signer *signer,
          const struct coco_snp_report *report, const struct coco_snp_certs *certs, X509 **ret,
          coco_error **err)
{
    _cleanup_buf_ struct coco_buf fetched = {.limit = COCO_CERT_SIZE_MAX};
    const struct coco_buf *der =
        coco_snp_certs_find(certs, signer->is_vlek ? COCO_SNP_CERT_VLEK : COCO_SNP_CERT_VCEK);
    coco_status status = COCO_OK;

    if (!der && signer->is_vlek)
        return coco_fail(err, COCO_ERR_NOTFOUND, "evidence has no VLEK");
    if (!der)
        status = fetch_vcek(verification, signer, report, &fetched, err);
    if (!der)
        der = &fetched;
    if (status != COCO_OK)
        return status;
    return coco_known_cert_parse(coco_verifier_known(verification->verifier), der->data, der->len,
                                 ret, err);
}

static bool
is_issuer(X509 *cert, X509 *of)
{
    return X509_NAME_cmp(X509_get_subject_name(cert), X509_get_issuer_name(of)) == 0;
}

/* Appends the certificate of that kind that the host gave, if it is by name the next one. */
static coco_status
add_given(struct coco_known *known, const struct coco_snp_certs *certs,
          enum coco_snp_cert_kind kind, struct coco_cert_chain *chain, coco_error **err)
{
    const struct coco_buf *der = coco_snp_certs_find(certs, kind);
    _cleanup_cert_ X509 *cert = NULL;

    if (!der)
        return COCO_OK;
    coco_status status = coco_known_cert_parse(known, der->data, der->len, &cert, NULL);
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (status == COCO_OK && is_issuer(cert, chain->certs[chain->n - 1]))
        return coco_cert_chain_add(chain, &cert, err);
    return COCO_OK;
}

/* Appends those from chain->n on of the maker's two. */
static coco_status
add_fetched(const struct coco_verification *verification, const struct signer *signer,
            struct coco_cert_chain *chain, coco_error **err)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = PEM_MAX};
    _cleanup_cert_chain_ struct coco_cert_chain issuers = {0};

    coco_status status =
        coco_collateral_read(coco_verifier_collateral(verification->verifier), &pem, err,
                             "%s/%s/chain.pem", signer->maker, signer->is_vlek ? "vlek" : "vcek");
    if (status == COCO_OK)
        status = coco_known_chain_parse(coco_verifier_known(verification->verifier), pem.data,
                                        pem.len, &issuers, err);
    if (status == COCO_OK && issuers.n != 2)
        status =
            coco_fail(err, COCO_ERR_PROTO, "chain of AMD has %zu certificates, not 2", issuers.n);
    for (size_t i = chain->n - 1; status == COCO_OK && i < issuers.n; i++)
        status = coco_cert_chain_add(chain, &issuers.certs[i], err);
    return status;
}

static coco_status
find_issuers(const struct coco_verification *verification, struct signer *signer,
             const struct coco_snp_certs *certs, coco_error **err)
{
    struct coco_known *known = coco_verifier_known(verification->verifier);
    struct coco_cert_chain *chain = &signer->chain;

    coco_status status = add_given(known, certs, COCO_SNP_CERT_ASK, chain, err);
    if (status == COCO_OK && chain->n == 2)
        status = add_given(known, certs, COCO_SNP_CERT_ARK, chain, err);
    if (status == COCO_OK && chain->n < 3)
        status = add_fetched(verification, signer, chain, err);
    return status;
}

static coco_status
find_signer(const struct coco_verification *verification, const struct coco_snp_report *report,
            const struct coco_snp_certs *certs, struct signer *ret, coco_error **err)
{
    _cleanup_cert_ X509 *leaf = NULL;
    coco_error *why = NULL;

    ret->is_vlek = coco_snp_signer_of(report) == COCO_SNP_VLEK;
    set_product(ret, coco_snp_product_of(report));
    coco_status status = find_leaf(verification, ret, report, certs, &leaf, &why);
    status = keep(ret, status, &why, err);
    if (status != COCO_OK || !leaf)
        return status;
    status = coco_cert_chain_add(&ret->chain, &leaf, err);
    if (status != COCO_OK)
        return status;
    status = coco_snp_cert_read(ret->chain.certs[0], &ret->facts, &why);
    ret->has_facts = status == COCO_OK;
    status = keep(ret, status, &why, err);
    if (status != COCO_OK)
        return status;
    if (ret->product == COCO_SNP_UNKNOWN)
        set_product(ret, ret->facts.product);
    status = find_issuers(verification, ret, certs, &why);
    return keep(ret, status, &why, err);
}

/* ---- checks on the signer ---- */

static coco_status
check_version(coco_verdict *verdict, const struct coco_snp_report *report, coco_error **err)
{
    char got[16];

    (void)snprintf(got, sizeof(got), "%u", report->version);
    return coco_verdict_add(verdict, "report-version",
                            report->version >= VERSION_MIN && report->version <= VERSION_MAX,
                            "3 to 5", got, err);
}

static coco_status
check_product(coco_verdict *verdict, const struct coco_snp_report *report,
              const struct signer *signer, coco_error **err)
{
    enum coco_snp_product cpu = coco_snp_product_of(report);
    enum coco_snp_product cert = signer->facts.product;
    char want[TEXT_SIZE] = "a product that is known here";
    char got[TEXT_SIZE];

    if (cpu != COCO_SNP_UNKNOWN)
        (void)snprintf(want, sizeof(want), "%s in report and certificate",
                       coco_snp_product_name(cpu));
    (void)snprintf(got, sizeof(got), "family 0x%02x, model 0x%02x, and a certificate of %s",
                   report->cpu_family, report->cpu_model,
                   signer->has_facts ? coco_snp_product_name(cert) : "nobody");
    /* Version 2 has no CPU: then the certificate alone says it, and "report-version" fails. */
    bool ok = cert != COCO_SNP_UNKNOWN && (cert == cpu || report->version < VERSION_MIN);
    return coco_verdict_add(verdict, "product", ok, want, got, err);
}

/* KDS has one list for each product, which its ARK signs: of ASKs and ASVKs that were revoked. */
static coco_status
check_revoked(const struct coco_verification *verification, coco_verdict *verdict,
              const struct signer *signer, const struct coco_snp_certs *certs, coco_error **err)
{
    _cleanup_buf_ struct coco_buf fetched = {.limit = COCO_CRL_SIZE_MAX};
    const struct coco_buf *der = coco_snp_certs_find(certs, COCO_SNP_CERT_CRL);
    _cleanup_crl_ X509_CRL *crl = NULL;
    const coco_collateral *collateral = coco_verifier_collateral(verification->verifier);
    coco_status status = COCO_ERR_NOTFOUND;
    coco_error *why = NULL;

    if (collateral || !der)
        status = coco_collateral_read(collateral, &fetched, &why, "%s/vcek.crl", signer->maker);
    if (status == COCO_ERR_NOTFOUND && der) {
        coco_error_free(coco_steal(&why));
        status = COCO_OK;
    } else {
        der = &fetched;
    }
    if (status == COCO_OK)
        (void)coco_known_crl_parse(coco_verifier_known(verification->verifier), der->data, der->len,
                                   &crl, &why);
    return coco_check_revoked(verification, verdict, crl, &why, signer->chain.certs[2],
                              signer->chain.certs[1], err);
}

static coco_status
check_chain(const struct coco_verification *verification, coco_verdict *verdict,
            struct signer *signer, const struct coco_snp_certs *certs, coco_error **err)
{
    if (signer->why)
        return coco_verdict_add_outcome(verdict, coco_evidence_chain.links,
                                        "each signed by the next", coco_error_status(signer->why),
                                        &signer->why, err);
    coco_status status = coco_check_chain(verification, verdict, &coco_evidence_chain,
                                          signer->maker, &signer->chain, err);
    if (status == COCO_OK)
        status = check_revoked(verification, verdict, signer, certs, err);
    return status;
}

/* 72 little-endian bytes to the 48 of a number on P-384; false if it is larger. */
static bool
to_p384(const uint8_t number[COCO_SNP_NUMBER_SIZE], uint8_t *ret, size_t size)
{
    uint8_t rest = 0;

    for (size_t i = 0; i < size; i++)
        ret[size - 1 - i] = number[i];
    for (size_t i = size; i < COCO_SNP_NUMBER_SIZE; i++)
        rest |= number[i];
    return rest == 0;
}

static coco_status
verify_signature(const struct signer *signer, const struct coco_snp_report *report,
                 coco_error **err)
{
    const size_t size = coco_ec_size(COCO_KEY_P384);
    uint8_t bytes[COCO_SNP_REPORT_SIZE];
    uint8_t signature[2 * COCO_EC_SIZE_MAX];
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    enum coco_key_kind kind = 0;

    if (report->signature_algo != COCO_SNP_SIGNATURE_ECDSA_P384)
        return coco_fail(err, COCO_ERR_VERIFY, "signature of algorithm %u", report->signature_algo);
    if (signer->chain.n == 0)
        return coco_fail(err, COCO_ERR_VERIFY, "there is no certificate to verify it with");
    coco_status status = coco_cert_key(signer->chain.certs[0], &key, err);
    if (status == COCO_OK)
        status = coco_key_kind_of(key, &kind, err);
    if (status != COCO_OK)
        return status;
    if (kind != COCO_KEY_P384)
        return coco_fail(err, COCO_ERR_VERIFY, "key of the certificate is not on P-384");
    bool fits = to_p384(report->r, signature, size);
    fits = to_p384(report->s, signature + size, size) && fits;
    if (!fits)
        return coco_fail(err, COCO_ERR_VERIFY, "signature is too large for P-384");
    coco_snp_report_format(report, bytes);
    return coco_ecdsa_verify(key, bytes, COCO_SNP_SIGNED_SIZE, signature, 2 * size, err);
}

static coco_status
check_signature(coco_verdict *verdict, const struct signer *signer,
                const struct coco_snp_report *report, coco_error **err)
{
    coco_error *why = NULL;

    return coco_verdict_add_outcome(verdict, "signature", "one of the certificate's key",
                                    verify_signature(signer, report, &why), &why, err);
}

static void
describe_tcb(const struct coco_snp_tcb *tcb, bool turin, char ret[TEXT_SIZE])
{
    char fmc[16] = "";

    if (turin)
        (void)snprintf(fmc, sizeof(fmc), "fmc %u, ", tcb->fmc);
    (void)snprintf(ret, TEXT_SIZE, "%sbootloader %u, tee %u, snp %u, microcode %u", fmc,
                   tcb->bootloader, tcb->tee, tcb->snp, tcb->microcode);
}

/* A chip derives its VCEK from what firmware it has: the certificate says from what. */
static coco_status
check_tcb(coco_verdict *verdict, const struct signer *signer, const struct coco_snp_report *report,
          coco_error **err)
{
    const struct coco_snp_tcb *want = &signer->facts.tcb;
    const struct coco_snp_tcb *got = &report->reported_tcb;
    bool turin = signer->product == COCO_SNP_TURIN;
    bool ok = got->bootloader == want->bootloader && got->tee == want->tee && got->snp == want->snp
              && got->microcode == want->microcode && (!turin || got->fmc == want->fmc);
    char want_text[TEXT_SIZE] = "that of the certificate";
    char got_text[TEXT_SIZE];

    if (signer->has_facts)
        describe_tcb(want, turin, want_text);
    describe_tcb(got, turin, got_text);
    return coco_verdict_add(verdict, "reported-tcb", signer->has_facts && ok, want_text, got_text,
                            err);
}

static coco_status
check_chip_id(coco_verdict *verdict, const struct signer *signer,
              const struct coco_snp_report *report, coco_error **err)
{
    const struct coco_snp_cert_facts *facts = &signer->facts;

    if (!signer->has_facts)
        return coco_verdict_add(verdict, "chip-id", false, "that of the certificate",
                                "no certificate", err);
    /* A VLEK is of no chip. */
    if (facts->chip_id_len == 0)
        return coco_verdict_add(verdict, "chip-id", signer->is_vlek,
                                signer->is_vlek ? "none" : "a certificate of one chip", "none",
                                err);
    if (coco_snp_chip_id_is_masked(report))
        return coco_verdict_add(verdict, "masked-chip-id", false, "a chip that says which it is",
                                "a host that keeps it to itself", err);
    return coco_verdict_add_bytes(verdict, "chip-id", facts->chip_id, facts->chip_id_len,
                                  report->chip_id, sizeof(report->chip_id), err);
}

/* ---- checks on the guest ---- */

static coco_status
check_guest(coco_verdict *verdict, const struct coco_snp_report *report, coco_error **err)
{
    bool debug = (report->policy & COCO_SNP_POLICY_DEBUG) != 0;
    bool migrates = (report->policy & COCO_SNP_POLICY_MIGRATE_MA) != 0;
    char vmpl[16];

    (void)snprintf(vmpl, sizeof(vmpl), "%u", report->vmpl);
    coco_status status = coco_verdict_add(verdict, "vmpl", report->vmpl == 0, "0", vmpl, err);
    if (status == COCO_OK)
        status = coco_verdict_add(verdict, "debug", !debug, "a guest that cannot be debugged",
                                  debug ? "one that can" : "one that cannot", err);
    if (status == COCO_OK)
        status = coco_verdict_add(verdict, "migration-agent", !migrates,
                                  "a guest that no migration agent may move",
                                  migrates ? "one that it may" : "one that none may", err);
    return status;
}

coco_status
coco_check_snp_report(const struct coco_verification *verification, coco_verdict *verdict,
                      const struct coco_snp_report *report, const struct coco_snp_certs *certs,
                      coco_error **err)
{
    _cleanup_(signer_done) struct signer signer = {0};

    coco_status status = find_signer(verification, report, certs, &signer, err);
    if (status == COCO_OK)
        status = check_version(verdict, report, err);
    if (status == COCO_OK)
        status = check_product(verdict, report, &signer, err);
    if (status == COCO_OK)
        status = check_chain(verification, verdict, &signer, certs, err);
    if (status == COCO_OK)
        status = check_signature(verdict, &signer, report, err);
    if (status == COCO_OK)
        status = check_tcb(verdict, &signer, report, err);
    if (status == COCO_OK)
        status = check_chip_id(verdict, &signer, report, err);
    if (status == COCO_OK)
        status = check_guest(verdict, report, err);
    return status;
}

/* ---- claims ---- */

static coco_status
claim_policy(cJSON *claims, uint64_t policy, coco_error **err)
{
    const struct {
        const char *name;
        uint64_t bit;
    } flags[] = {
        {"policy_smt_allowed", COCO_SNP_POLICY_SMT},
        {"policy_migrate_ma", COCO_SNP_POLICY_MIGRATE_MA},
        {"policy_debug_allowed", COCO_SNP_POLICY_DEBUG},
        {"policy_single_socket", COCO_SNP_POLICY_SINGLE_SOCKET},
    };

    coco_status status = coco_json_add_u64(claims, "policy_abi_major", policy >> 8 & 0xff, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(claims, "policy_abi_minor", policy & 0xff, err);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]) && status == COCO_OK; i++)
        status = coco_json_add_bool(claims, flags[i].name, (policy & flags[i].bit) != 0, err);
    return status;
}

static coco_status
claim_platform(cJSON *claims, const struct coco_snp_report *report, coco_error **err)
{
    const struct coco_snp_tcb *tcb = &report->reported_tcb;
    uint64_t info = report->platform_info;

    coco_status status = coco_json_add_u64(claims, "reported_tcb_bootloader", tcb->bootloader, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(claims, "reported_tcb_tee", tcb->tee, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(claims, "reported_tcb_snp", tcb->snp, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(claims, "reported_tcb_microcode", tcb->microcode, err);
    if (status == COCO_OK)
        status = coco_json_add_bool(claims, "platform_tsme_enabled",
                                    (info & COCO_SNP_PLATFORM_TSME) != 0, err);
    if (status == COCO_OK)
        status = coco_json_add_bool(claims, "platform_smt_enabled",
                                    (info & COCO_SNP_PLATFORM_SMT) != 0, err);
    return status;
}

coco_status
coco_claim_snp_report(cJSON *claims, const struct coco_snp_report *report, coco_error **err)
{
    const struct {
        const char *name;
        const uint8_t *data;
        size_t len;
    } fields[] = {
        {"measurement", report->measurement, sizeof(report->measurement)},
        {"report_data", report->report_data, sizeof(report->report_data)},
        {"init_data", report->host_data, sizeof(report->host_data)},
        {"chip_id", report->chip_id, sizeof(report->chip_id)},
    };

    coco_status status = claim_policy(claims, report->policy, err);
    if (status == COCO_OK)
        status = claim_platform(claims, report, err);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && status == COCO_OK; i++)
        status = coco_claim_hex(claims, fields[i].name, fields[i].data, fields[i].len, err);
    return status;
}

/* ---- the TEE ---- */

static coco_status
verify(const struct coco_verification *verification, coco_verdict *verdict, cJSON *claims,
       coco_error **err)
{
    _cleanup_snp_evidence_ struct coco_snp_evidence evidence = {0};
    const struct coco_snp_report *report = &evidence.report;

    coco_status status = coco_snp_evidence_parse(verification->evidence, &evidence, err);
    if (status == COCO_OK)
        status = coco_check_snp_report(verification, verdict, report, &evidence.certs, err);
    if (status == COCO_OK)
        status = coco_check_report_data(verification, verdict, report->report_data,
                                        sizeof(report->report_data), err);
    if (status == COCO_OK)
        status = coco_check_init_data(verification, verdict, report->host_data,
                                      sizeof(report->host_data), err);
    if (status == COCO_OK)
        status = coco_claim_snp_report(claims, report, err);
    return status;
}

const struct coco_verifier_driver coco_snp_verifier = {.tee = "snp", .verify = verify};
