/*
 * tests/verifier/test_azure_snp.c - lib/verifier/azure_snp.c
 *
 * Against an AMD and a TPM of our own, and against evidence that was recorded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/azure.h"
#include "verifier/snp.h"

#include "tests/faults.h"
#include "tests/flips.h"
#include "tests/verifier/amd.h"
#include "tests/verifier/azurekit.h"
#include "tests/verifier/bound.h"

#define NONCE "a nonce of thirty-two bytes.....and sixteen more"
#define NONCE_LEN 48
#define EVIDENCE_MAX ((size_t)1 << 20)

static struct amd amd;
/* Of collateral, ours and what was recorded; where nothing was, of ours alone. */
static char dir[64];

struct fixture {
    struct azurekit kit;
    struct coco_snp_report report;
    coco_verifier *verifier;
    coco_error *err;
};

static struct fixture fixture;

static int
begin(void **state)
{
    struct coco_snp_report report = amd_report(0x19, 0x01);
    coco_error *err = NULL;

    (void)state;
    amd_make(&amd, &report);
    assert_ok(coco_key_generate(COCO_KEY_RSA, &the_ak, &err), err);
    make_temp_dir(dir, sizeof(dir));
    amd_write_collateral(dir, "amd/Milan", &amd);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    amd_done(&amd);
    EVP_PKEY_free(the_ak);
    remove_temp_dir(dir);
    return 0;
}

static void
set_collateral(coco_verifier *verifier)
{
    coco_collateral *collateral = NULL;
    coco_error *err = NULL;

    assert_ok(coco_collateral_new_dir(dir, &collateral, &err), err);
    coco_verifier_set_collateral(verifier, collateral);
}

/* Signs the hardware's report as it is, and lays it into the HCL's. */
static void
lay(struct fixture *f)
{
    uint8_t bytes[COCO_SNP_REPORT_SIZE];

    amd_sign(&f->report, amd.vcek.key);
    coco_snp_report_format(&f->report, bytes);
    azurekit_lay(&f->kit, COCO_HCL_SNP, bytes);
}

static void
set_voucher(struct fixture *f, X509 *cert)
{
    uint8_t *der = NULL;
    int len = i2d_X509(cert, &der);

    assert_true(len > 0);
    coco_buf_reset(&f->kit.evidence.voucher);
    assert_ok(coco_buf_append(&f->kit.evidence.voucher, der, (size_t)len, &f->err), f->err);
    OPENSSL_free(der);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    memset(f, 0, sizeof(*f));
    assert_ok(coco_verifier_new(&f->verifier, &f->err), f->err);
    trust_cert(f->verifier, "amd/Milan", amd.ark.cert);
    set_collateral(f->verifier);
    azurekit_begin(&f->kit, the_ak, NONCE, NONCE_LEN);
    f->report = amd_report(0x19, 0x01);
    memcpy(f->report.report_data, f->kit.hash, sizeof(f->kit.hash));
    lay(f);
    set_voucher(f, amd.vcek.cert);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_hcl_evidence_done(&f->kit.evidence);
    coco_verifier_free(f->verifier);
    return 0;
}

static coco_status
verify(struct fixture *f, coco_verdict **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};

    coco_status status = coco_hcl_evidence_format(&f->kit.evidence, COCO_HCL_SNP, &text, err);
    if (status == COCO_OK)
        status = verify_bound(f->verifier, "az-snp-vtpm", coco_buf_text(&text), NONCE, NONCE_LEN,
                              ret, err);
    return status;
}

static void
assert_verdict(struct fixture *f, const char *failing)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_ok(verify(f, &verdict, &f->err), f->err);
    assert_failing_checks(verdict, failing);
}

static void
good_evidence_is_valid_and_claims_what_upstreams_does(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_ok(verify(f, &verdict, &f->err), f->err);
    assert_failing_checks(verdict, "");
    const char *claims = coco_verdict_claims(verdict);
    assert_contains(claims, "\"policy_smt_allowed\":\"true\",\"policy_migrate_ma\":\"false\","
                            "\"policy_debug_allowed\":\"false\"");
    assert_contains(claims, "\"policy_abi_major\":\"0\",\"policy_abi_minor\":\"0\","
                            "\"reported_tcb_bootloader\":\"4\",\"reported_tcb_tee\":\"1\","
                            "\"reported_tcb_snp\":\"24\",\"reported_tcb_microcode\":\"219\"");
    assert_contains(claims, "\"measurement\":\"Pj4+Pj4+");
    assert_contains(claims, "\"tpm\":{\"pcr00\":\"0000");
    assert_contains(claims, "\"init_data\":\"0808");
    assert_contains(claims, "\"report_data\":\"61206e6f6e6365");
}

static void
what_is_wrong_with_the_hardwares_report_is_told(void **state)
{
    struct fixture *f = *state;

    f->report.policy |= COCO_SNP_POLICY_DEBUG;
    lay(f);
    assert_verdict(f, "debug ");
    f->report.policy &= ~COCO_SNP_POLICY_DEBUG;
    f->report.vmpl = 2;
    lay(f);
    assert_verdict(f, "vmpl ");
    f->report.vmpl = 0;
    f->report.report_data[0] ^= 1;
    lay(f);
    assert_verdict(f, "runtime-data ");
}

static void
a_certificate_of_another_chip_is_refused(void **state)
{
    struct fixture *f = *state;
    struct coco_snp_report other = f->report;
    struct pki_cert leaf;

    memset(other.chip_id, 0xc2, sizeof(other.chip_id));
    const struct amd_leaf of_other = amd_leaf_of(&other, "SEV-VCEK");
    amd_make_leaf(&leaf, &amd.ask, &of_other);
    set_voucher(f, leaf.cert);
    assert_verdict(f, "signature chip-id ");
    pki_done(&leaf);
}

static void
what_is_no_certificate_is_refused(void **state)
{
    struct fixture *f = *state;
    coco_verdict *verdict = NULL;

    coco_buf_reset(&f->kit.evidence.voucher);
    assert_fails(verify(f, &verdict, &f->err), f->err, COCO_ERR_PROTO, "vcek");
}

static void
a_guest_cannot_be_shown_as_another(void **state)
{
    struct fixture *f = *state;
    struct azurekit other;
    _cleanup_pkey_ EVP_PKEY *ak = NULL;

    /* Its report with the quote of another TPM, and the other way round. */
    assert_ok(coco_key_generate(COCO_KEY_RSA, &ak, &f->err), f->err);
    azurekit_begin(&other, ak, NONCE, NONCE_LEN);
    tpmkit_sign(&f->kit.evidence.quote, &f->kit.attest, ak);
    assert_verdict(f, "tpm-signature ");
    memcpy(f->kit.runtime, other.runtime, sizeof(other.runtime));
    lay(f);
    assert_verdict(f, "runtime-data ");
    coco_hcl_evidence_done(&other.evidence);
}

static void
verifying_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        coco_verdict *verdict = NULL;

        coco_status status = verify(f, &verdict, &f->err);
        fault_expect(status, f->err);
        coco_verdict_free(verdict);
    }
}

/* ---- recorded evidence ---- */

struct vector {
    const char *name;
    const char *report_data; /* hex */
    const char *pcr00;
    const char *pcr08;
    const char *measurement; /* base64, its beginning */
    int64_t now;
};

#define CHALLENGE "6368616c6c656e6765"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static const struct vector vectors[] = {
    {"az-snp-vtpm/evidence-v0.json", CHALLENGE,
     "e15c44796beabf46abcec7c57e590942041e47497e4ec27571c8b7664f48dced", ZEROS, "agY76d159jcc",
     1755000000},
    {"az-snp-vtpm/evidence-v1.json", CHALLENGE,
     "e15c44796beabf46abcec7c57e590942041e47497e4ec27571c8b7664f48dced", ZEROS, "agY76d159jcc",
     1755000000},
    {"az-snp-vtpm/evidence-v2.json",
     "982f5c6e45df0ed3f10b6f60b02f0c8390e281300f3805e2279c16168cd6ae9a"
     "a398f647caa2338748cd0fd9f5f819ef",
     "84275b2f4312cd4fc6cbe6b152ad3c3683e513d9f1e23c34fca160c8cca7a6a7", ZEROS, "WwzmStHB9jdd",
     1755000000},
    {"az-snp-vtpm/evidence-genoa.json",
     "0218488bae25d2509232bf676f1a66a30d7372add909109b36016ef136f2938c"
     "a05475f8b46094de6b64270ea35d950f",
     "afd689d0bb1c5f36f023fbaf574135f555a28a10c1f6b938d2a25e70c7783338",
     "16f09f1e315b0b9bc69e654df58927aad7eaffeebd92f458f1b079b44e97207f", "9X3AmlB8bs2C",
     1755000000},
};

#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

/* The two above a VCEK, from a list that has the ASVK, too. */
static void
write_issuers(const char *fixture_name, const char *name)
{
    size_t len = 0;
    _cleanup_free_ char *pem = read_fixture(fixture_name, &len);
    const char *end_of_second = pem;

    for (int i = 0; i < 2; i++)
        end_of_second = strstr(end_of_second, "-----END CERTIFICATE-----") + 26;
    write_under(dir, name, pem, (size_t)(end_of_second - pem));
}

/* A verifier that knows AMD itself, and lets through that there is no list of revoked keys. */
static void
prepare(struct fixture *f, const struct vector *vector)
{
    write_issuers("snp/milan_ask_ark_asvk.pem", "amd/Milan/vcek/chain.pem");
    write_issuers("snp/genoa_ask_ark_asvk.pem", "amd/Genoa/vcek/chain.pem");
    coco_verifier_free(f->verifier);
    assert_ok(coco_verifier_new(&f->verifier, &f->err), f->err);
    assert_ok(coco_verifier_allow(f->verifier, "revocation-list", &f->err), f->err);
    coco_verifier_set_time(f->verifier, vector->now);
    set_collateral(f->verifier);
}

static coco_status
verify_recorded(struct fixture *f, const char *text, const struct vector *vector,
                coco_verdict **ret, coco_error **err)
{
    uint8_t report_data[64];
    size_t len = strlen(vector->report_data) / 2;

    assert_true(coco_unhex(vector->report_data, 2 * len, report_data, len));
    return verify_bound(f->verifier, "az-snp-vtpm", text, report_data, len, ret, err);
}

static void
recorded_evidence_is_what_its_manifest_says(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < N_VECTORS; i++) {
        const struct vector *vector = &vectors[i];
        size_t len = 0;
        _cleanup_free_ char *text = read_fixture(vector->name, &len);
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
        char claim[256];

        prepare(f, vector);
        assert_ok(verify_recorded(f, text, vector, &verdict, &f->err), f->err);
        assert_names_of_failing(verdict, "revocation-list ");
        assert_true(coco_verdict_valid(verdict));
        const char *claims = coco_verdict_claims(verdict);
        (void)snprintf(claim, sizeof(claim), "\"report_data\":\"%s\"", vector->report_data);
        assert_contains(claims, claim);
        (void)snprintf(claim, sizeof(claim), "\"tpm\":{\"pcr00\":\"%s\"", vector->pcr00);
        assert_contains(claims, claim);
        (void)snprintf(claim, sizeof(claim), "\"init_data\":\"%s\"", vector->pcr08);
        assert_contains(claims, claim);
        (void)snprintf(claim, sizeof(claim), "\"measurement\":\"%s", vector->measurement);
        assert_contains(claims, claim);
    }
}

/* Version 2 has the same members as 1, and promises more: that the report is fresh. */
static void
an_older_form_cannot_be_passed_off_as_a_newer(void **state)
{
    struct fixture *f = *state;
    size_t len = 0;
    _cleanup_free_ char *text = read_fixture(vectors[1].name, &len);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    char *version = strstr(text, "\"version\"");

    assert_non_null(version);
    version = strchr(version, '1');
    *version = '2';
    prepare(f, &vectors[1]);
    assert_ok(verify_recorded(f, text, &vectors[1], &verdict, &f->err), f->err);
    assert_failing_checks(verdict, "revocation-list user-data ");
}

static void
load(struct fixture *f, const struct vector *vector, struct coco_hcl_evidence *ret)
{
    size_t len = 0;
    _cleanup_free_ char *text = read_fixture(vector->name, &len);
    _cleanup_json_ cJSON *object = NULL;

    assert_ok(coco_json_parse_object(text, len, &object, &f->err), f->err);
    assert_ok(coco_hcl_evidence_parse(object, COCO_HCL_SNP, ret, &f->err), f->err);
    /* Version 0 is not written any more. */
    if (ret->version == 0)
        ret->version = 1;
}

static coco_status
verify_loaded(struct fixture *f, const struct coco_hcl_evidence *evidence,
              const struct vector *vector, coco_verdict **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};

    assert_ok(coco_hcl_evidence_format(evidence, COCO_HCL_SNP, &text, &f->err), f->err);
    return verify_recorded(f, coco_buf_text(&text), vector, ret, err);
}

/* A bit of every byte that the chip signed, and of its signature. */
static void
no_byte_of_a_recorded_report_can_change(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 1; i < N_VECTORS; i++) {
        _cleanup_hcl_evidence_ struct coco_hcl_evidence evidence;
        unsigned refused = 0;

        load(f, &vectors[i], &evidence);
        prepare(f, &vectors[i]);
        for_each_flip(flip, evidence.report.data + 32, COCO_SNP_REPORT_SIZE, 1)
        {
            coco_verdict *verdict = NULL;

            if (verify_loaded(f, &evidence, &vectors[i], &verdict, NULL) != COCO_OK)
                refused++;
            else if (coco_verdict_valid(verdict))
                fail_msg("%s: byte %zu can change", vectors[i].name, flip.at);
            coco_verdict_free(verdict);
        }
        assert_true(refused > 0);
    }
}

static void
recorded_evidence_of_another_machine_is_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_hcl_evidence_ struct coco_hcl_evidence first;
    _cleanup_hcl_evidence_ struct coco_hcl_evidence second;
    coco_verdict *verdict = NULL;

    load(f, &vectors[1], &first);
    load(f, &vectors[2], &second);
    prepare(f, &vectors[2]);

    struct coco_hcl_evidence mixed = second;
    mixed.quote = first.quote;
    assert_ok(verify_loaded(f, &mixed, &vectors[2], &verdict, &f->err), f->err);
    assert_failing_checks(verdict, "revocation-list tpm-signature report-data ");
    coco_verdict_free(verdict);

    mixed = second;
    mixed.report = first.report;
    assert_ok(verify_loaded(f, &mixed, &vectors[2], &verdict, &f->err), f->err);
    assert_failing_checks(verdict, "revocation-list signature chip-id tpm-signature user-data ");
    coco_verdict_free(verdict);

    mixed = second;
    mixed.voucher = first.voucher;
    assert_ok(verify_loaded(f, &mixed, &vectors[2], &verdict, &f->err), f->err);
    assert_failing_checks(verdict, "revocation-list signature chip-id ");
    coco_verdict_free(verdict);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(good_evidence_is_valid_and_claims_what_upstreams_does),
        TEST(what_is_wrong_with_the_hardwares_report_is_told),
        TEST(a_certificate_of_another_chip_is_refused),
        TEST(what_is_no_certificate_is_refused),
        TEST(a_guest_cannot_be_shown_as_another),
        TEST(verifying_survives_any_failed_allocation),
        TEST(recorded_evidence_is_what_its_manifest_says),
        TEST(an_older_form_cannot_be_passed_off_as_a_newer),
        TEST(no_byte_of_a_recorded_report_can_change),
        TEST(recorded_evidence_of_another_machine_is_refused),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
