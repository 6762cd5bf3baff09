/*
 * tests/verifier/test_azure.c - lib/verifier/azure.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/azure.h"

#include "tests/faults.h"
#include "tests/flips.h"
#include "tests/verifier/azurekit.h"
#include "verifier/verdict.h"

#define NONCE "a nonce of thirty-two bytes.....and sixteen more"
#define NONCE_LEN 48

struct fixture {
    struct azurekit kit;
    uint8_t hardware[COCO_HCL_SNP_SIZE];
    uint8_t report_data[64]; /* of the hardware's report */
    coco_verifier *verifier;
    coco_binding *binding;
    coco_error *err;
};

static struct fixture fixture;

static void
lay(struct fixture *f)
{
    memset(f->report_data, 0, sizeof(f->report_data));
    memcpy(f->report_data, f->kit.hash, sizeof(f->kit.hash));
    azurekit_lay(&f->kit, COCO_HCL_SNP, f->hardware);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    memset(f, 0, sizeof(*f));
    assert_ok(coco_verifier_new(&f->verifier, &f->err), f->err);
    assert_ok(coco_binding_new(&f->binding, &f->err), f->err);
    assert_ok(coco_binding_set_report_data(f->binding, (const uint8_t *)NONCE, NONCE_LEN, &f->err),
              f->err);
    azurekit_begin(&f->kit, the_ak, NONCE, NONCE_LEN);
    lay(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_hcl_evidence_done(&f->kit.evidence);
    coco_verifier_free(f->verifier);
    coco_binding_free(f->binding);
    return 0;
}

/* What a driver does, but for the hardware. */
static coco_status
verify_as(struct fixture *f, enum coco_hcl_hardware hardware, coco_verdict *verdict, cJSON *claims,
          coco_error **err)
{
    const struct coco_verification verification = {.verifier = f->verifier, .binding = f->binding};
    _cleanup_azure_ struct coco_azure azure = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = 65536};
    _cleanup_json_ cJSON *object = NULL;

    verdict->verifier = f->verifier;
    coco_status status = coco_hcl_evidence_format(&f->kit.evidence, hardware, &text, err);
    if (status == COCO_OK)
        status = coco_json_parse_object(coco_buf_text(&text), text.len, &object, err);
    if (status == COCO_OK)
        status = coco_azure_parse(object, hardware, &azure, err);
    if (status == COCO_OK)
        status = coco_check_azure(&verification, verdict, &azure, f->report_data,
                                  sizeof(f->report_data), err);
    if (status == COCO_OK)
        status = coco_claim_azure(claims, &azure, err);
    return status;
}

/* The text of the claims, to be freed with cJSON_free(). */
static char *
verify(struct fixture *f, const char *failing)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = calloc(1, sizeof(*verdict));
    _cleanup_json_ cJSON *claims = NULL;

    assert_non_null(verdict);
    assert_ok(coco_json_new_object(&claims, &f->err), f->err);
    assert_ok(coco_json_add_string(claims, "report_data", "of the hardware", &f->err), f->err);
    assert_ok(coco_json_add_string(claims, "init_data", "of the hardware", &f->err), f->err);
    assert_ok(verify_as(f, COCO_HCL_SNP, verdict, claims, &f->err), f->err);
    assert_failing_checks(verdict, failing);
    return cJSON_PrintUnformatted(claims);
}

static void
assert_checks(struct fixture *f, const char *failing)
{
    cJSON_free(verify(f, failing));
}

static void
claims_of_the_tpm_take_the_place_of_the_hardwares(void **state)
{
    struct fixture *f = *state;
    char *claims = verify(f, "");

    assert_contains(claims, "{\"tpm\":{\"pcr00\":\"0000");
    assert_contains(claims, "\"pcr23\":\"17171717");
    assert_contains(claims, "\"init_data\":\"08080808");
    assert_contains(claims, "\"report_data\":\"61206e6f6e636520");
    assert_null(strstr(claims, "of the hardware"));
    cJSON_free(claims);
}

static void
runtime_data_that_the_hardware_did_not_sign_are_not_valid(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(f->report_data); i += 9) {
        f->report_data[i] ^= 1;
        assert_checks(f, "runtime-data ");
        f->report_data[i] ^= 1;
    }
    /* White space says nothing to a reader of JSON, and all to a hash. */
    (void)strncat(f->kit.runtime, " ", 2);
    azurekit_lay(&f->kit, COCO_HCL_SNP, f->hardware);
    assert_checks(f, "runtime-data ");
}

static void
a_quote_of_another_tpm_is_not_valid(void **state)
{
    struct fixture *f = *state;

    tpmkit_sign(&f->kit.evidence.quote, &f->kit.attest, another_ak);
    assert_checks(f, "tpm-signature ");
}

static void
a_key_that_the_hardware_did_not_sign_is_not_valid(void **state)
{
    struct fixture *f = *state;
    uint8_t user_data[64] = {0};

    memcpy(user_data, NONCE, NONCE_LEN);
    azurekit_make_runtime(&f->kit, another_ak, user_data);
    azurekit_lay(&f->kit, COCO_HCL_SNP, f->hardware);
    tpmkit_sign(&f->kit.evidence.quote, &f->kit.attest, another_ak);
    assert_checks(f, "runtime-data ");
}

static void
evidence_for_another_nonce_is_not_valid(void **state)
{
    struct fixture *f = *state;

    f->binding->report_data[47] ^= 1;
    assert_checks(f, "report-data user-data ");
    f->binding->report_data[47] ^= 1;
    /* All of it, unlike that of a bare TPM. */
    f->kit.attest.extra.len = 32;
    tpmkit_sign(&f->kit.evidence.quote, &f->kit.attest, the_ak);
    assert_checks(f, "report-data ");
}

static void
a_stale_report_is_seen_from_version_2_on(void **state)
{
    static const uint8_t zeros[64];
    struct fixture *f = *state;

    azurekit_make_runtime(&f->kit, the_ak, zeros);
    lay(f);
    assert_checks(f, "user-data ");
    f->kit.evidence.version = 1;
    assert_checks(f, "");

    azurekit_make_runtime(&f->kit, the_ak, NULL);
    lay(f);
    assert_checks(f, "");
    f->kit.evidence.version = 2;
    assert_checks(f, "user-data ");
}

static void
pcrs_that_were_not_quoted_are_not_valid(void **state)
{
    struct fixture *f = *state;

    f->kit.evidence.quote.pcrs[0][0] ^= 1;
    assert_checks(f, "pcr-digest ");
}

static void
init_data_are_in_pcr_8(void **state)
{
    struct fixture *f = *state;

    assert_ok(coco_binding_set_init_data(f->binding, (const uint8_t *)"x", 1, &f->err), f->err);
    assert_checks(f, "init-data ");
}

static void
evidence_of_other_hardware_is_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = calloc(1, sizeof(*verdict));

    assert_fails(verify_as(f, COCO_HCL_TDX, verdict, NULL, &f->err), f->err, COCO_ERR_PROTO,
                 "other hardware");
}

static void
keys_of_other_kinds_are_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = calloc(1, sizeof(*verdict));
    _cleanup_pkey_ EVP_PKEY *p256 = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &p256, &f->err), f->err);
    azurekit_make_runtime(&f->kit, p256, NULL);
    lay(f);
    assert_fails(verify_as(f, COCO_HCL_SNP, verdict, NULL, &f->err), f->err, COCO_ERR_PROTO,
                 "key of the TPM");
    (void)snprintf(f->kit.runtime, sizeof(f->kit.runtime), "{\"keys\":[]}");
    lay(f);
    assert_fails(verify_as(f, COCO_HCL_SNP, verdict, NULL, &f->err), f->err, COCO_ERR_PROTO,
                 "HCLAkPub");
}

static void
verifying_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        faults_pause();
        coco_verdict *verdict = calloc(1, sizeof(*verdict));
        cJSON *claims = cJSON_CreateObject();
        faults_resume();

        coco_status status = verify_as(f, COCO_HCL_SNP, verdict, claims, &f->err);
        fault_expect(status, f->err);
        coco_verdict_free(verdict);
        coco_json_free(claims);
    }
}

/* ---- recorded evidence: what the TPM and the HCL have of it ---- */

static const struct vector {
    const char *name;
    enum coco_hcl_hardware hardware;
    size_t report_data_at; /* in the HCL's report, of what the hardware has */
    const char *report_data;
} vectors[] = {
    {"az-snp-vtpm/evidence-v0.json", COCO_HCL_SNP, 32 + 0x50, "6368616c6c656e6765"},
    {"az-snp-vtpm/evidence-v1.json", COCO_HCL_SNP, 32 + 0x50, "6368616c6c656e6765"},
    {"az-snp-vtpm/evidence-v2.json", COCO_HCL_SNP, 32 + 0x50,
     "982f5c6e45df0ed3f10b6f60b02f0c8390e281300f3805e2279c16168cd6ae9a"
     "a398f647caa2338748cd0fd9f5f819ef"},
    {"az-snp-vtpm/evidence-genoa.json", COCO_HCL_SNP, 32 + 0x50,
     "0218488bae25d2509232bf676f1a66a30d7372add909109b36016ef136f2938c"
     "a05475f8b46094de6b64270ea35d950f"},
    {"az-tdx-vtpm/evidence-v0.json", COCO_HCL_TDX, 32 + 128, "6368616c6c656e6765"},
    {"az-tdx-vtpm/evidence-v1.json", COCO_HCL_TDX, 32 + 128, "6368616c6c656e6765"},
};

#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static void
load_vector(struct fixture *f, const struct vector *vector)
{
    size_t len = 0;
    _cleanup_free_ char *text = read_fixture(vector->name, &len);
    _cleanup_json_ cJSON *object = NULL;
    uint8_t bytes[64];

    coco_hcl_evidence_done(&f->kit.evidence);
    assert_ok(coco_json_parse_object(text, len, &object, &f->err), f->err);
    assert_ok(coco_hcl_evidence_parse(object, vector->hardware, &f->kit.evidence, &f->err), f->err);
    if (f->kit.evidence.version == 0)
        f->kit.evidence.version = 1;
    memcpy(f->report_data, f->kit.evidence.report.data + vector->report_data_at,
           sizeof(f->report_data));
    len = strlen(vector->report_data) / 2;
    assert_true(coco_unhex(vector->report_data, 2 * len, bytes, len));
    assert_ok(coco_binding_set_report_data(f->binding, bytes, len, &f->err), f->err);
}

/* Whether any check fails, or all of it is refused. */
static bool
is_refused(struct fixture *f, enum coco_hcl_hardware hardware)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = calloc(1, sizeof(*verdict));
    _cleanup_json_ cJSON *claims = cJSON_CreateObject();

    return verify_as(f, hardware, verdict, claims, NULL) != COCO_OK || !coco_verdict_valid(verdict);
}

static void
assert_no_byte_can_change(struct fixture *f, const struct vector *vector, uint8_t *data, size_t len)
{
    for_each_flip(flip, data, len, 1)
    {
        if (!is_refused(f, vector->hardware))
            fail_msg("%s: byte %zu of %zu can change", vector->name, flip.at, len);
    }
}

static void
no_byte_of_recorded_evidence_can_change(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < N_VECTORS; i++) {
        struct coco_hcl_evidence *evidence = &f->kit.evidence;
        struct coco_hcl_report report;

        load_vector(f, &vectors[i]);
        assert_false(is_refused(f, vectors[i].hardware));
        assert_no_byte_can_change(f, &vectors[i], evidence->quote.message.data,
                                  evidence->quote.message.len);
        assert_no_byte_can_change(f, &vectors[i], evidence->quote.signature.data,
                                  evidence->quote.signature.len);
        assert_no_byte_can_change(f, &vectors[i], evidence->quote.pcrs[0],
                                  sizeof(evidence->quote.pcrs));
        assert_ok(
            coco_hcl_report_parse(evidence->report.data, evidence->report.len, &report, &f->err),
            f->err);
        assert_no_byte_can_change(f, &vectors[i],
                                  evidence->report.data + (report.runtime - evidence->report.data),
                                  report.runtime_len);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(claims_of_the_tpm_take_the_place_of_the_hardwares),
        TEST(runtime_data_that_the_hardware_did_not_sign_are_not_valid),
        TEST(a_quote_of_another_tpm_is_not_valid),
        TEST(a_key_that_the_hardware_did_not_sign_is_not_valid),
        TEST(evidence_for_another_nonce_is_not_valid),
        TEST(a_stale_report_is_seen_from_version_2_on),
        TEST(pcrs_that_were_not_quoted_are_not_valid),
        TEST(init_data_are_in_pcr_8),
        TEST(evidence_of_other_hardware_is_refused),
        TEST(keys_of_other_kinds_are_refused),
        TEST(verifying_survives_any_failed_allocation),
        TEST(no_byte_of_recorded_evidence_can_change),
    };

    return cmocka_run_group_tests(tests, tpmkit_make_keys, tpmkit_free_keys);
}
