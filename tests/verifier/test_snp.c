/*
 * tests/verifier/test_snp.c - lib/verifier/snp.c
 *
 * First against an AMD of our own, so that each thing can be wrong while the
 * others are right; then against reports that were recorded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/snp.h"

#include "base/text.h"
#include "tests/faults.h"
#include "tests/flips.h"
#include "tests/verifier/amd.h"
#include "tests/verifier/bound.h"
#include "tests/verifier/failing.h"
#include "verifier/verdict.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <time.h>

#define NONCE "nonce"
#define EVIDENCE_MAX ((size_t)1 << 20)

enum { MILAN, GENOA, TURIN, PRODUCTS };

static const struct {
    const char *maker;
    uint8_t family;
    uint8_t model;
} products[PRODUCTS] = {
    [MILAN] = {"amd/Milan", 0x19, 0x01},
    [GENOA] = {"amd/Genoa", 0x19, 0xa0},
    [TURIN] = {"amd/Turin", 0x1a, 0x02},
};

static struct amd amds[PRODUCTS];
static coco_verifier *verifier;
static coco_error *err;

static coco_verifier *
new_verifier(void)
{
    coco_verifier *made = NULL;

    assert_ok(coco_verifier_new(&made, &err), err);
    for (int i = 0; i < PRODUCTS; i++)
        trust_cert(made, products[i].maker, amds[i].ark.cert);
    return made;
}

static int
setup(void **state)
{
    (void)state;
    for (int i = 0; i < PRODUCTS; i++) {
        struct coco_snp_report report = amd_report(products[i].family, products[i].model);

        report.reported_tcb.fmc = i == TURIN ? 5 : 0;
        amd_make(&amds[i], &report);
    }
    verifier = new_verifier();
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    for (int i = 0; i < PRODUCTS; i++)
        amd_done(&amds[i]);
    coco_verifier_free(verifier);
    return 0;
}

/* Evidence in the making: what is NULL is left out. */
struct making {
    struct coco_snp_report report;
    EVP_PKEY *signer;
    enum coco_snp_cert_kind kind;
    X509 *leaf;
    X509 *ask;
    X509 *ark;
    X509 *revoked;
    bool no_crl;
    int crl_days;
    const struct pki_cert *crl_by;
};

static struct making
good(int product)
{
    const struct amd *amd = &amds[product];
    struct making m = {
        .report = amd_report(products[product].family, products[product].model),
        .signer = amd->vcek.key,
        .kind = COCO_SNP_CERT_VCEK,
        .leaf = amd->vcek.cert,
        .ask = amd->ask.cert,
        .ark = amd->ark.cert,
        .crl_days = 5,
        .crl_by = &amd->ark,
    };

    m.report.reported_tcb.fmc = product == TURIN ? 5 : 0;
    memcpy(m.report.report_data, NONCE, strlen(NONCE));
    return m;
}

/* The same, of the key of a provider. */
static struct making
good_vlek(int product)
{
    const struct amd *amd = &amds[product];
    struct making m = good(product);

    m.report.key_info = 1U << 2;
    memset(m.report.chip_id, 0, sizeof(m.report.chip_id));
    m.signer = amd->vlek.key;
    m.kind = COCO_SNP_CERT_VLEK;
    m.leaf = amd->vlek.cert;
    m.ask = amd->asvk.cert;
    return m;
}

static void
make(struct making *m, struct coco_snp_evidence *ret)
{
    *ret = (struct coco_snp_evidence){0};
    amd_sign(&m->report, m->signer);
    ret->report = m->report;
    if (m->leaf)
        amd_add_cert(&ret->certs, m->kind, m->leaf);
    if (m->ask)
        amd_add_cert(&ret->certs, COCO_SNP_CERT_ASK, m->ask);
    if (m->ark)
        amd_add_cert(&ret->certs, COCO_SNP_CERT_ARK, m->ark);
    if (!m->no_crl) {
        X509_CRL *crl = amd_make_crl(m->crl_by, m->revoked, m->crl_days);
        amd_add_crl(&ret->certs, crl);
        X509_CRL_free(crl);
    }
}

static coco_verdict *
verify_with(const coco_verifier *with, const struct coco_snp_evidence *evidence,
            const void *report_data, size_t len)
{
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
    coco_verdict *verdict = NULL;

    assert_ok(coco_snp_evidence_format(evidence, &text, &err), err);
    assert_ok(verify_bound(with, "snp", coco_buf_text(&text), report_data, len, &verdict, &err),
              err);
    return verdict;
}

static coco_verdict *
verify(const coco_verifier *with, struct making *m)
{
    _cleanup_snp_evidence_ struct coco_snp_evidence evidence;

    make(m, &evidence);
    return verify_with(with, &evidence, NONCE, strlen(NONCE));
}

/* The same of evidence that is made here, and that it is not valid unless nothing fails. */
static void
assert_verdict(struct making m, const char *names)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(verifier, &m);

    assert_failing_checks(verdict, names);
}

static void
reports_of_every_product_are_valid(void **state)
{
    (void)state;
    for (int i = 0; i < PRODUCTS; i++) {
        assert_verdict(good(i), "");
        assert_verdict(good_vlek(i), "");
    }
}

static void
all_checks_are_made(void **state)
{
    static const char *const names[] = {
        "report-version",    "product",         "root",    "certificates",
        "certificate-dates", "revocation-list", "revoked", "signature",
        "reported-tcb",      "chip-id",         "vmpl",    "debug",
        "migration-agent",   "report-data",
    };
    struct making m = good(MILAN);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(verifier, &m);

    (void)state;
    assert_int_equal(coco_verdict_check_count(verdict), sizeof(names) / sizeof(names[0]));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_string_equal(coco_verdict_check_name(verdict, i), names[i]);
        assert_true(coco_verdict_check_ok(verdict, i));
    }
}

static void
claims_are_those_of_upstream(void **state)
{
    struct making m = good(GENOA);
    _cleanup_buf_ struct coco_buf want = {.limit = 4096};
    char chip_id[2 * COCO_SNP_CHIP_ID_SIZE + 1] = "";
    char measurement[2 * COCO_SNP_MEASUREMENT_SIZE + 1] = "";

    (void)state;
    m.report.policy = 0x30000 | 0x0137 | COCO_SNP_POLICY_SINGLE_SOCKET;
    m.report.platform_info = COCO_SNP_PLATFORM_TSME;
    for (size_t i = 0; i < COCO_SNP_CHIP_ID_SIZE; i++)
        memcpy(chip_id + 2 * i, "c1", 3);
    for (size_t i = 0; i < COCO_SNP_MEASUREMENT_SIZE; i++)
        memcpy(measurement + 2 * i, "3e", 3);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(verifier, &m);
    assert_ok(coco_buf_printf(
                  &want, &err,
                  "{\"policy_abi_major\":1,\"policy_abi_minor\":55,\"policy_smt_allowed\":true,"
                  "\"policy_migrate_ma\":false,\"policy_debug_allowed\":false,"
                  "\"policy_single_socket\":true,\"reported_tcb_bootloader\":4,"
                  "\"reported_tcb_tee\":1,\"reported_tcb_snp\":24,\"reported_tcb_microcode\":219,"
                  "\"platform_tsme_enabled\":true,\"platform_smt_enabled\":false,"
                  "\"measurement\":\"%s\",\"report_data\":\"6e6f6e6365%0118d\","
                  "\"init_data\":\"%064d\",\"chip_id\":\"%s\"}",
                  measurement, 0, 0, chip_id),
              err);
    assert_string_equal(coco_verdict_claims(verdict), coco_buf_text(&want));
}

/* ---- the chain ---- */

static void
no_product_vouches_for_another(void **state)
{
    struct making m = good(MILAN);

    (void)state;
    /* A chip of Milan whose report says it were of Genoa. */
    m.report.cpu_model = 0x11;
    assert_verdict(m, "product root ");
    /* One of Genoa whose certificates are all of Milan. */
    m = good(GENOA);
    m.leaf = amds[MILAN].vcek.cert;
    m.ask = amds[MILAN].ask.cert;
    m.ark = amds[MILAN].ark.cert;
    assert_verdict(m, "product root revocation-list signature ");
    /* A CPU that is not known here. */
    m = good(MILAN);
    m.report.cpu_family = 0x1b;
    assert_verdict(m, "product ");
}

static void
each_certificate_of_another_chain_is_found_out(void **state)
{
    struct making m = good(MILAN);
    struct pki_cert stranger;
    struct pki_cert forged;
    const struct amd_leaf leaf = amd_leaf_of(&m.report, "SEV-VCEK");

    (void)state;
    /* Names of AMD, keys of a stranger. */
    amd_make_ca(&stranger, NULL, "ARK-Milan");
    m.ark = stranger.cert;
    assert_verdict(m, "root certificates revocation-list ");
    pki_done(&stranger);

    m = good(MILAN);
    amd_make_ca(&stranger, NULL, "SEV-Milan");
    m.ask = stranger.cert;
    assert_verdict(m, "certificates ");
    amd_make_leaf(&forged, &stranger, &leaf);
    m = good(MILAN);
    m.leaf = forged.cert;
    m.signer = forged.key;
    assert_verdict(m, "certificates ");
    pki_done(&forged);
    pki_done(&stranger);

    /* A whole chain, each link of which is right. */
    struct amd other;
    amd_make(&other, &m.report);
    m = good(MILAN);
    m.leaf = other.vcek.cert;
    m.signer = other.vcek.key;
    m.ask = other.ask.cert;
    m.ark = other.ark.cert;
    m.crl_by = &other.ark;
    assert_verdict(m, "root ");
    amd_done(&other);
}

static void
a_vlek_is_no_vcek(void **state)
{
    struct making m = good(MILAN);

    (void)state;
    /* Each says it were the other. */
    m.signer = amds[MILAN].vlek.key;
    m.leaf = amds[MILAN].vlek.cert;
    m.ask = amds[MILAN].asvk.cert;
    assert_verdict(m, "chip-id ");
    m = good(MILAN);
    m.report.key_info = 1U << 2;
    assert_verdict(m, "product certificates signature reported-tcb chip-id ");
    m = good_vlek(MILAN);
    m.report.key_info = 0;
    assert_verdict(m, "product certificates signature reported-tcb chip-id ");
    /* The ASK is not its issuer, and there is no collateral with another. */
    m = good_vlek(MILAN);
    m.ask = amds[MILAN].ask.cert;
    assert_verdict(m, "certificates ");
}

static void
dates_are_looked_at(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *later = new_verifier();
    struct making m = good(MILAN);
    m.crl_days = 29;

    (void)state;
    coco_verifier_set_time(later, (int64_t)time(NULL) + 25 * AMD_DAY_S);
    _cleanup_(coco_verdict_freep) coco_verdict *expired = verify(later, &m);
    assert_failing_checks(expired, "certificate-dates ");

    assert_ok(coco_verifier_allow(later, "certificate-dates", &err), err);
    _cleanup_(coco_verdict_freep) coco_verdict *allowed = verify(later, &m);
    assert_true(coco_verdict_valid(allowed));
}

static void
what_was_revoked_is_refused(void **state)
{
    struct making m = good(MILAN);

    (void)state;
    m.revoked = amds[MILAN].ask.cert;
    assert_verdict(m, "revoked ");
    m = good_vlek(MILAN);
    m.revoked = amds[MILAN].asvk.cert;
    assert_verdict(m, "revoked ");
    m = good(MILAN);
    m.no_crl = true;
    assert_verdict(m, "revocation-list ");
    m = good(MILAN);
    m.crl_days = 0;
    assert_verdict(m, "revocation-list ");
    m = good(MILAN);
    m.crl_by = &amds[GENOA].ark;
    assert_verdict(m, "revocation-list ");
    m = good(MILAN);
    m.crl_by = &amds[MILAN].ask;
    assert_verdict(m, "revocation-list ");
}

static void
evidence_without_certificates_needs_collateral(void **state)
{
    struct making m = good(MILAN);

    (void)state;
    m.leaf = NULL;
    assert_verdict(m, "product certificates signature reported-tcb chip-id ");
    m = good(MILAN);
    m.ask = NULL;
    assert_verdict(m, "certificates ");
    m = good(MILAN);
    m.ark = NULL;
    assert_verdict(m, "certificates ");
}

static void
write_collateral(const char *dir, int product, const char *vcek)
{
    const struct amd *amd = &amds[product];
    char name[256];
    uint8_t *der = NULL;

    amd_write_collateral(dir, products[product].maker, amd);
    (void)snprintf(name, sizeof(name), "%s/vlek/chain.pem", products[product].maker);
    amd_write_chain(dir, name, &amd->asvk, &amd->ark);
    int len = i2d_X509(amd->vcek.cert, &der);
    (void)snprintf(name, sizeof(name), "%s/vcek/%s.der", products[product].maker, vcek);
    write_under(dir, name, der, (size_t)len);
    OPENSSL_free(der);
}

#define C1_8 "c1c1c1c1c1c1c1c1"
#define C1_64 C1_8 C1_8 C1_8 C1_8 C1_8 C1_8 C1_8 C1_8

static void
what_is_missing_comes_from_collateral(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *with = new_verifier();
    coco_collateral *collateral = NULL;
    char dir[64];

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    write_collateral(dir, MILAN, C1_64 "/bl04_tee01_snp24_ucode219");
    write_collateral(dir, TURIN, C1_8 "/bl04_tee01_snp24_ucode219_fmc05");
    assert_ok(coco_collateral_new_dir(dir, &collateral, &err), err);
    coco_verifier_set_collateral(with, collateral);
    for (int i = 0; i < 4; i++) {
        struct making m = i < 2 ? good(i == 0 ? MILAN : TURIN) : good_vlek(i == 2 ? MILAN : TURIN);

        m.ask = NULL;
        m.ark = NULL;
        m.no_crl = true;
        if (i < 2)
            m.leaf = NULL;
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(with, &m);
        assert_failing_checks(verdict, "");
    }
    /* An ASK that does not fit the leaf is passed over, as is one that is none. */
    struct making m = good_vlek(MILAN);
    m.ask = amds[MILAN].ask.cert;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(with, &m);
    assert_failing_checks(verdict, "");
    /* Another firmware has another certificate. */
    m = good(MILAN);
    m.leaf = NULL;
    m.report.reported_tcb.snp--;
    _cleanup_(coco_verdict_freep) coco_verdict *older = verify(with, &m);
    assert_failing_checks(older, "product certificates signature reported-tcb chip-id ");
    remove_temp_dir(dir);
}

static void
certificates_that_are_none_are_refused(void **state)
{
    struct making m = good(MILAN);
    _cleanup_snp_evidence_ struct coco_snp_evidence evidence;

    (void)state;
    m.leaf = NULL;
    make(&m, &evidence);
    assert_ok(coco_snp_certs_add(&evidence.certs, COCO_SNP_CERT_VCEK, "none", 4, &err), err);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict =
        verify_with(verifier, &evidence, NONCE, strlen(NONCE));
    assert_failing_checks(verdict, "product certificates signature reported-tcb chip-id ");

    m = good(MILAN);
    m.leaf = amds[MILAN].ask.cert; /* a certificate, but of no chip */
    assert_verdict(m, "product certificates signature reported-tcb chip-id ");
}

/* ---- the report ---- */

static void
each_thing_about_a_report_is_a_check(void **state)
{
    struct making m = good(TURIN);

    (void)state;
    m.report.reported_tcb.fmc++;
    assert_verdict(m, "reported-tcb ");
    for (int i = 0; i < 4; i++) {
        m = good(MILAN);
        struct coco_snp_tcb *tcb = &m.report.reported_tcb;
        uint8_t *const parts[] = {&tcb->bootloader, &tcb->tee, &tcb->snp, &tcb->microcode};
        ++*parts[i];
        assert_verdict(m, "reported-tcb ");
    }
    m = good(MILAN);
    m.report.chip_id[63]++;
    assert_verdict(m, "chip-id ");
    m = good(TURIN);
    m.report.chip_id[8]++;
    assert_verdict(m, "chip-id ");
    m = good(MILAN);
    memset(m.report.chip_id, 0, sizeof(m.report.chip_id));
    assert_verdict(m, "masked-chip-id ");
    m = good(MILAN);
    m.report.vmpl = 1;
    assert_verdict(m, "vmpl ");
    m = good(MILAN);
    m.report.policy |= COCO_SNP_POLICY_DEBUG;
    assert_verdict(m, "debug ");
    m = good(MILAN);
    m.report.policy |= COCO_SNP_POLICY_MIGRATE_MA;
    assert_verdict(m, "migration-agent ");
    m = good(MILAN);
    m.report.report_data[63] = 1;
    assert_verdict(m, "report-data ");
    m = good(MILAN);
    m.report.signature_algo = 2;
    assert_verdict(m, "signature ");
    m = good(MILAN);
    m.signer = amds[GENOA].vcek.key;
    assert_verdict(m, "signature ");
    m = good(MILAN);
    m.report.version = 6;
    assert_verdict(m, "report-version ");
}

/* Version 2 does not say which product it is of: upstream refuses it, too. */
static void
an_old_report_may_be_allowed(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *lenient = new_verifier();
    struct making m = good(MILAN);

    (void)state;
    m.report.version = 2;
    assert_verdict(m, "report-version ");
    assert_ok(coco_verifier_allow(lenient, "report-version", &err), err);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(lenient, &m);
    assert_true(coco_verdict_valid(verdict));
}

static void
what_may_be_allowed_is_named(void **state)
{
    static const char *const allowances[] = {"vmpl", "debug", "migration-agent", "masked-chip-id"};
    static const char *const never[] = {"product", "reported-tcb", "chip-id", "signature",
                                        "root",    "certificates", "revoked"};
    _cleanup_(coco_verifier_freep) coco_verifier *lenient = new_verifier();
    struct making m = good(MILAN);

    (void)state;
    m.report.vmpl = 3;
    m.report.policy |= COCO_SNP_POLICY_DEBUG | COCO_SNP_POLICY_MIGRATE_MA;
    memset(m.report.chip_id, 0, sizeof(m.report.chip_id));
    for (size_t i = 0; i < sizeof(allowances) / sizeof(allowances[0]); i++) {
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(lenient, &m);
        assert_false(coco_verdict_valid(verdict));
        assert_ok(coco_verifier_allow(lenient, allowances[i], &err), err);
    }
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(lenient, &m);
    assert_true(coco_verdict_valid(verdict));
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        assert_fails(coco_verifier_allow(lenient, never[i], &err), err, COCO_ERR_INVALID,
                     "must hold");
}

static void
host_data_is_the_init_data(void **state)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
    _cleanup_snp_evidence_ struct coco_snp_evidence evidence;
    struct making m = good(MILAN);
    uint8_t digest[48];

    (void)state;
    memset(digest, 0x1d, sizeof(digest));
    memset(m.report.host_data, 0x1d, sizeof(m.report.host_data));
    make(&m, &evidence);
    assert_ok(coco_snp_evidence_format(&evidence, &text, &err), err);
    assert_ok(coco_binding_new(&binding, &err), err);
    assert_ok(coco_binding_set_report_data(binding, (const uint8_t *)NONCE, strlen(NONCE), &err),
              err);
    for (int i = 0; i < 2; i++) {
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

        digest[31] ^= (uint8_t)i;
        assert_ok(coco_binding_set_init_data(binding, digest, sizeof(digest), &err), err);
        assert_ok(coco_verify(verifier, "snp", coco_buf_text(&text), binding, &verdict, &err), err);
        assert_failing_checks(verdict, i == 0 ? "" : "init-data ");
    }
}

/* Whether the signature holds, which must hold for a report to be valid. */
static bool
signature_holds(const struct coco_snp_report *report, const struct coco_snp_certs *certs)
{
    const struct coco_verification verification = {.verifier = verifier};
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = calloc(1, sizeof(*verdict));

    assert_ok(coco_check_snp_report(&verification, verdict, report, certs, &err), err);
    for (size_t i = 0; i < coco_verdict_check_count(verdict); i++)
        if (strcmp(coco_verdict_check_name(verdict, i), "signature") == 0)
            return coco_verdict_check_ok(verdict, i);
    fail_msg("the signature was not checked");
    return false;
}

/*
 * One bit of every byte of the report, or of one in step; which of the eight
 * differs. No certificate but the leaf, for the chain's do not change.
 */
static void
assert_no_bit_can_be_flipped(const struct coco_snp_evidence *evidence, size_t step)
{
    const struct coco_snp_certs leaf = {.list = {evidence->certs.list[0]}, .n = 1};
    uint8_t bytes[COCO_SNP_REPORT_SIZE];
    size_t malformed = 0;
    size_t n = 0;

    assert_true(signature_holds(&evidence->report, &leaf));
    coco_snp_report_format(&evidence->report, bytes);
    for_each_flip(flip, bytes, sizeof(bytes), step)
    {
        struct coco_snp_report flipped;

        if (coco_snp_report_parse(bytes, sizeof(bytes), &flipped, NULL) != COCO_OK)
            malformed++;
        else if (signature_holds(&flipped, &leaf))
            fail_msg("byte %zu can be changed", flip.at);
        n = flip.n;
    }
    /* What is reserved, most of it behind the signature. */
    assert_in_range(malformed, n * 42 / 100, n * 51 / 100);
}

static void
no_bit_can_be_flipped(void **state)
{
    struct making m = good(TURIN);
    _cleanup_snp_evidence_ struct coco_snp_evidence evidence;

    (void)state;
    make(&m, &evidence);
    assert_no_bit_can_be_flipped(&evidence, 5); /* of those that were recorded, every byte */
}

static void
verifying_survives_any_failed_allocation(void **state)
{
    struct making m = good(TURIN);
    _cleanup_snp_evidence_ struct coco_snp_evidence evidence;
    const struct coco_binding binding = {.report_data = NONCE, .report_data_len = strlen(NONCE)};
    const struct coco_verification verification = {
        .verifier = verifier,
        .binding = &binding,
        .now = (int64_t)time(NULL),
    };

    (void)state;
    make(&m, &evidence);
    for_each_fault()
    {
        _cleanup_json_ cJSON *claims = NULL;

        faults_pause();
        coco_verdict *verdict = calloc(1, sizeof(*verdict));
        faults_resume();
        coco_status status =
            coco_check_snp_report(&verification, verdict, &evidence.report, &evidence.certs, &err);
        if (status == COCO_OK)
            status = coco_json_new_object(&claims, &err);
        if (status == COCO_OK)
            status = coco_claim_snp_report(claims, &evidence.report, &err);
        fault_expect(status, err);
        coco_verdict_free(verdict);
    }
}

/* ---- what was recorded ---- */

static const struct recorded {
    const char *report; /* bytes, or hex */
    const char *leaf;
    const char *issuers; /* ASK, ARK, ASVK */
    int64_t now;
    const char *failing; /* by itself */
    const char *allowances[4];
} recordings[] = {
    {"snp/test-report.bin",
     "snp/test-vcek.der",
     "snp/milan_ask_ark_asvk.pem",
     1700000000,
     "report-version revocation-list ",
     {"report-version", "revocation-list"}},
    {"snp/gosev_attestation.bin",
     "snp/gosev_vcek.der",
     "snp/milan_ask_ark_asvk.pem",
     1700000000,
     "report-version revocation-list debug ",
     {"report-version", "revocation-list", "debug"}},
    {"snp/vsev_report_milan.hex",
     "snp/vsev_vcek_milan.der",
     "snp/milan_ask_ark_asvk.pem",
     1700000000,
     "report-version revocation-list ",
     {"report-version", "revocation-list"}},
    {"snp/as_e2e_report.bin",
     "snp/as_e2e_vcek.der",
     "snp/genoa_ask_ark_asvk.pem",
     1755000000,
     "revocation-list ",
     {"revocation-list"}},
    {"snp/test-vlek-report.bin",
     "snp/test-vlek.der",
     "snp/milan_ask_ark_asvk.pem",
     1740000000,
     "revocation-list vmpl ",
     {"revocation-list", "vmpl"}},
};

#define RECORDINGS (sizeof(recordings) / sizeof(recordings[0]))

static void
read_report(const char *name, struct coco_snp_report *ret)
{
    size_t len = 0;
    _cleanup_free_ char *text = read_fixture(name, &len);
    uint8_t bytes[COCO_SNP_REPORT_SIZE];

    if (strstr(name, ".hex"))
        assert_true(coco_unhex(text, len, bytes, sizeof(bytes)));
    else
        memcpy(bytes, text, len == sizeof(bytes) ? len : 0);
    assert_ok(coco_snp_report_parse(bytes, sizeof(bytes), ret, &err), err);
}

static void
add_recorded(struct coco_snp_certs *certs, enum coco_snp_cert_kind kind, const char *name)
{
    size_t len = 0;
    _cleanup_free_ char *der = read_fixture(name, &len);

    assert_ok(coco_snp_certs_add(certs, kind, der, len, &err), err);
}

static void
add_issuers(struct coco_snp_certs *certs, const char *name, bool vlek)
{
    size_t len = 0;
    _cleanup_free_ char *pem = read_fixture(name, &len);
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};

    assert_ok(coco_cert_chain_parse(pem, len, &chain, &err), err);
    assert_int_equal(chain.n, 3);
    amd_add_cert(certs, COCO_SNP_CERT_ASK, chain.certs[vlek ? 2 : 0]);
    amd_add_cert(certs, COCO_SNP_CERT_ARK, chain.certs[1]);
}

static void
read_recorded(const struct recorded *r, const char *leaf, struct coco_snp_evidence *ret)
{
    *ret = (struct coco_snp_evidence){0};
    read_report(r->report, &ret->report);
    bool vlek = coco_snp_signer_of(&ret->report) == COCO_SNP_VLEK;
    add_recorded(&ret->certs, vlek ? COCO_SNP_CERT_VLEK : COCO_SNP_CERT_VCEK, leaf);
    add_issuers(&ret->certs, r->issuers, vlek);
}

static coco_verifier *
verifier_for(const struct recorded *r, bool lenient)
{
    coco_verifier *made = NULL;

    assert_ok(coco_verifier_new(&made, &err), err);
    coco_verifier_set_time(made, r->now);
    for (size_t i = 0; lenient && i < 4 && r->allowances[i]; i++)
        assert_ok(coco_verifier_allow(made, r->allowances[i], &err), err);
    return made;
}

static void
recorded_reports_are_what_the_manifest_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * RECORDINGS; i++) {
        const struct recorded *r = &recordings[i / 2];
        bool lenient = i % 2 == 1;
        _cleanup_(coco_verifier_freep) coco_verifier *with = verifier_for(r, lenient);
        _cleanup_snp_evidence_ struct coco_snp_evidence evidence;

        read_recorded(r, r->leaf, &evidence);
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify_with(
            with, &evidence, evidence.report.report_data, sizeof(evidence.report.report_data));
        assert_names_of_failing(verdict, r->failing);
        assert_int_equal(coco_verdict_valid(verdict), lenient);
    }
}

static void
no_bit_of_recorded_reports_can_be_flipped(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECORDINGS; i++) {
        _cleanup_snp_evidence_ struct coco_snp_evidence evidence;

        read_recorded(&recordings[i], recordings[i].leaf, &evidence);
        assert_no_bit_can_be_flipped(&evidence, 1);
    }
}

static bool
report_is_valid(const coco_verifier *with, const struct recorded *r,
                const struct coco_snp_evidence *evidence)
{
    const struct coco_verification verification = {.verifier = with, .now = r->now};
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = calloc(1, sizeof(*verdict));

    assert_non_null(verdict);
    verdict->verifier = with;
    assert_ok(
        coco_check_snp_report(&verification, verdict, &evidence->report, &evidence->certs, &err),
        err);
    return coco_verdict_valid(verdict);
}

/* By a verifier that knows the right ones. */
static void
no_bit_of_recorded_certificates_can_be_flipped(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECORDINGS; i++) {
        const struct recorded *r = &recordings[i];
        _cleanup_(coco_verifier_freep) coco_verifier *with = verifier_for(r, true);
        _cleanup_snp_evidence_ struct coco_snp_evidence evidence;

        read_recorded(r, r->leaf, &evidence);
        assert_true(report_is_valid(with, r, &evidence));
        for (size_t j = 0; j < evidence.certs.n; j++) {
            struct coco_buf *der = &evidence.certs.list[j].data;

            for_each_flip(flip, der->data, der->len, 41)
            {
                if (report_is_valid(with, r, &evidence))
                    fail_msg("bit %02x of byte %zu of certificate %zu of %s can be flipped",
                             flip.mask, flip.at, j, r->report);
            }
        }
    }
}

/* Certificates that someone made for the chip 00 01 02 ... */
static void
recorded_certificates_of_another_chip_are_refused(void **state)
{
    static const char *const leaves[] = {"snp/test-vcek-invalid-legacy.der",
                                         "snp/test-vcek-invalid-new.der"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        _cleanup_(coco_verifier_freep) coco_verifier *with = verifier_for(&recordings[0], true);
        _cleanup_snp_evidence_ struct coco_snp_evidence evidence;

        read_recorded(&recordings[0], leaves[i], &evidence);
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify_with(
            with, &evidence, evidence.report.report_data, sizeof(evidence.report.report_data));
        assert_failing_checks(verdict, "report-version certificates revocation-list signature "
                                       "reported-tcb chip-id ");
        assert_false(coco_verdict_valid(verdict));
    }
}

static void
upstream_evidence_is_valid_but_for_its_list(void **state)
{
    size_t len = 0;
    _cleanup_free_ char *text = read_fixture("snp/as_e2e_evidence.json", &len);
    _cleanup_(coco_verifier_freep) coco_verifier *with = verifier_for(&recordings[3], true);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    coco_collateral *collateral = NULL;
    struct coco_snp_report report;
    char dir[64];

    (void)state;
    read_report("snp/as_e2e_report.bin", &report);
    size_t pem_len = 0;
    _cleanup_free_ char *pem = read_fixture("snp/genoa_ask_ark_asvk.pem", &pem_len);
    const char *third = pem;
    for (int i = 0; i < 2; i++)
        third = strstr(third, "-----END CERTIFICATE-----") + 25;
    make_temp_dir(dir, sizeof(dir));
    write_under(dir, "amd/Genoa/vcek/chain.pem", pem, (size_t)(third - pem));
    assert_ok(coco_collateral_new_dir(dir, &collateral, &err), err);
    coco_verifier_set_collateral(with, collateral);
    assert_ok(verify_bound(with, "snp", text, report.report_data, sizeof(report.report_data),
                           &verdict, &err),
              err);
    assert_names_of_failing(verdict, "revocation-list ");
    assert_true(coco_verdict_valid(verdict));
    assert_contains(coco_verdict_claims(verdict),
                    "\"reported_tcb_microcode\":25,\"platform_tsme_enabled\":false,"
                    "\"platform_smt_enabled\":true,\"measurement\":\"6a6519d757e68c2e");
    remove_temp_dir(dir);
}

/* The chain of Turin is whole; no report of one was ever published. */
static void
a_recorded_turin_chip_is_one_of_amds(void **state)
{
    size_t len = 0;
    _cleanup_free_ char *der = read_fixture("snp/vsev_vcek_turin.der", &len);
    _cleanup_cert_ X509 *leaf = NULL;
    struct making m = good(TURIN);
    const struct recorded r = {.now = 1755000000};
    _cleanup_(coco_verifier_freep) coco_verifier *with = verifier_for(&r, false);
    _cleanup_snp_evidence_ struct coco_snp_evidence evidence;

    (void)state;
    assert_ok(coco_cert_parse(der, len, &leaf, &err), err);
    m.leaf = leaf;
    m.ask = NULL;
    m.ark = NULL;
    m.no_crl = true;
    make(&m, &evidence);
    add_issuers(&evidence.certs, "snp/turin_ask_ark_asvk.pem", false);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict =
        verify_with(with, &evidence, NONCE, strlen(NONCE));
    assert_failing_checks(verdict, "revocation-list signature reported-tcb chip-id ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_of_every_product_are_valid),
        cmocka_unit_test(all_checks_are_made),
        cmocka_unit_test(claims_are_those_of_upstream),
        cmocka_unit_test(no_product_vouches_for_another),
        cmocka_unit_test(each_certificate_of_another_chain_is_found_out),
        cmocka_unit_test(a_vlek_is_no_vcek),
        cmocka_unit_test(dates_are_looked_at),
        cmocka_unit_test(what_was_revoked_is_refused),
        cmocka_unit_test(evidence_without_certificates_needs_collateral),
        cmocka_unit_test(what_is_missing_comes_from_collateral),
        cmocka_unit_test(certificates_that_are_none_are_refused),
        cmocka_unit_test(each_thing_about_a_report_is_a_check),
        cmocka_unit_test(an_old_report_may_be_allowed),
        cmocka_unit_test(what_may_be_allowed_is_named),
        cmocka_unit_test(host_data_is_the_init_data),
        cmocka_unit_test(no_bit_can_be_flipped),
        cmocka_unit_test(verifying_survives_any_failed_allocation),
        cmocka_unit_test(recorded_reports_are_what_the_manifest_says),
        cmocka_unit_test(no_bit_of_recorded_reports_can_be_flipped),
        cmocka_unit_test(no_bit_of_recorded_certificates_can_be_flipped),
        cmocka_unit_test(recorded_certificates_of_another_chip_are_refused),
        cmocka_unit_test(upstream_evidence_is_valid_but_for_its_list),
        cmocka_unit_test(a_recorded_turin_chip_is_one_of_amds),
    };

    return cmocka_run_group_tests_name("verifier/snp", tests, setup, teardown);
}
