/*
 * tests/verifier/test_tpm.c - lib/verifier/tpm.c
 *
 * Quotes are made here, so that each part of one can be wrong while the others
 * are right; and quotes that real TPMs made are verified.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/tpm.h"

#include "base/json.h"
#include "base/text.h"
#include "tests/faults.h"
#include "tests/flips.h"
#include "tests/verifier/bound.h"
#include "tests/verifier/tpmkit.h"

#include <stdio.h>
#include <string.h>

#define NONCE "a nonce of thirty-two bytes.....and sixteen more"
#define NONCE_LEN 48
#define FIELD_LEN 32

struct fixture {
    struct coco_tpm_evidence evidence;
    struct coco_tpm_attest attest;
    coco_verifier *verifier;
    coco_binding *binding;
    coco_error *err;
};

static struct fixture fixture;

static void
trust(struct fixture *f, EVP_PKEY *key)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};

    assert_ok(coco_key_public_pem(key, &pem, &f->err), f->err);
    assert_ok(coco_verifier_trust_key(f->verifier, "tpm", pem.data, pem.len, &f->err), f->err);
}

/* Evidence that is right in all, until the test changes some of it. */
static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){.evidence = coco_tpm_evidence_empty()};
    assert_ok(coco_verifier_new(&f->verifier, &f->err), f->err);
    trust(f, the_ak);
    assert_ok(coco_binding_new(&f->binding, &f->err), f->err);
    assert_ok(coco_binding_set_report_data(f->binding, (const uint8_t *)NONCE, NONCE_LEN, &f->err),
              f->err);
    tpmkit_begin(&f->evidence.quote, &f->attest, NONCE, FIELD_LEN);
    tpmkit_sign(&f->evidence.quote, &f->attest, the_ak);
    assert_ok(coco_key_public_der(the_ak, &f->evidence.ak, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_tpm_evidence_done(&f->evidence);
    coco_verifier_free(f->verifier);
    coco_binding_free(f->binding);
    return 0;
}

static coco_status
verify(struct fixture *f, coco_verdict **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 16384};

    coco_status status = coco_tpm_evidence_format(&f->evidence, &text, err);
    if (status == COCO_OK)
        status = coco_verify(f->verifier, "tpm", coco_buf_text(&text), f->binding, ret, err);
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
good_evidence_is_valid(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_ok(verify(f, &verdict, &f->err), f->err);
    assert_failing_checks(verdict, "");
    assert_int_equal(coco_verdict_check_count(verdict), 5);
    const char *claims = coco_verdict_claims(verdict);
    assert_contains(claims, "{\"init_data\":\"0808");
    assert_contains(claims, "\"report_data\":\"61206e6f6e6365");
    assert_contains(claims, "\"ak_public\":\"MIIB");
    assert_contains(claims, "\"pcr00\":\"0000");
    assert_contains(claims, "\"pcr23\":\"1717");
}

static void
no_key_is_trusted_by_itself(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    coco_verifier_free(f->verifier);
    assert_ok(coco_verifier_new(&f->verifier, &f->err), f->err);
    assert_verdict(f, "ak-trusted ");

    assert_ok(coco_verifier_allow(f->verifier, "ak-trusted", &f->err), f->err);
    assert_ok(verify(f, &verdict, &f->err), f->err);
    assert_true(coco_verdict_valid(verdict));
    assert_names_of_failing(verdict, "ak-trusted ");
}

static void
one_of_several_keys_is_enough(void **state)
{
    struct fixture *f = *state;

    coco_verifier_free(f->verifier);
    assert_ok(coco_verifier_new(&f->verifier, &f->err), f->err);
    trust(f, another_ak);
    assert_verdict(f, "ak-trusted ");
    trust(f, the_ak);
    assert_verdict(f, "");
}

static void
a_quote_of_another_key_is_not_valid(void **state)
{
    struct fixture *f = *state;

    tpmkit_sign(&f->evidence.quote, &f->attest, another_ak);
    assert_verdict(f, "tpm-signature ");
    trust(f, another_ak);
    assert_verdict(f, "tpm-signature ");

    coco_buf_reset(&f->evidence.ak);
    assert_ok(coco_key_public_der(another_ak, &f->evidence.ak, &f->err), f->err);
    assert_verdict(f, "");
}

static void
all_that_is_wrong_is_told(void **state)
{
    struct fixture *f = *state;

    coco_verifier_free(f->verifier);
    assert_ok(coco_verifier_new(&f->verifier, &f->err), f->err);
    f->attest.selections[0].pcrs = 1;
    f->attest.extra.bytes[0] ^= 1;
    f->evidence.quote.pcrs[23][31] ^= 1;
    tpmkit_sign(&f->evidence.quote, &f->attest, another_ak);
    assert_ok(coco_binding_set_init_data(f->binding, (const uint8_t *)"x", 1, &f->err), f->err);
    assert_verdict(f, "ak-trusted tpm-signature pcr-selection pcr-digest init-data report-data ");
}

/* 16 PCRs of SHA-384 have the length of 24 of SHA-256, and a guest may extend what it likes. */
static void
pcrs_of_another_bank_are_not_valid(void **state)
{
    struct fixture *f = *state;

    f->attest.selections[0] = (struct coco_tpm_selection){.hash = 0x000c, .pcrs = 0xffff};
    tpmkit_sign(&f->evidence.quote, &f->attest, the_ak);
    assert_verdict(f, "pcr-selection ");

    f->attest.n_selections = 2;
    tpmkit_sign(&f->evidence.quote, &f->attest, the_ak);
    assert_verdict(f, "pcr-selection ");
}

static void
pcrs_that_were_not_quoted_are_not_valid(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COCO_TPM_PCRS; i++) {
        f->evidence.quote.pcrs[i][i] ^= 1;
        assert_verdict(f, "pcr-digest ");
        f->evidence.quote.pcrs[i][i] ^= 1;
    }
    assert_verdict(f, "");
}

static void
a_quote_for_another_nonce_is_not_valid(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < FIELD_LEN; i++) {
        f->attest.extra.bytes[i] ^= 0x80;
        tpmkit_sign(&f->evidence.quote, &f->attest, the_ak);
        assert_verdict(f, "report-data ");
        f->attest.extra.bytes[i] ^= 0x80;
    }
}

/* Upstream's attester gives 32 bytes of 48; the one before it gave 64, with zeros at the end. */
static void
a_quote_holds_at_least_32_bytes_of_the_report_data(void **state)
{
    static const struct {
        size_t report_data;
        size_t extra;
        const char *failing;
    } cases[] = {
        {48, 32, ""},
        {48, 40, ""},
        {48, 48, ""},
        {48, 64, ""},
        {48, 66, ""},
        {9, 32, ""},
        {9, 9, ""},
        {9, 8, "report-data "},
        {32, 31, "report-data "},
        {48, 31, "report-data "},
        {48, 16, "report-data "},
        {48, 0, "report-data "},
        {1, 0, "report-data "},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t from_nonce =
            cases[i].extra < cases[i].report_data ? cases[i].extra : cases[i].report_data;

        memset(f->attest.extra.bytes, 0, sizeof(f->attest.extra.bytes));
        memcpy(f->attest.extra.bytes, NONCE, from_nonce);
        f->attest.extra.len = cases[i].extra;
        tpmkit_sign(&f->evidence.quote, &f->attest, the_ak);
        assert_ok(coco_binding_set_report_data(f->binding, (const uint8_t *)NONCE,
                                               cases[i].report_data, &f->err),
                  f->err);
        assert_verdict(f, cases[i].failing);
    }

    f->attest.extra.bytes[65] = 1;
    f->attest.extra.len = 66;
    tpmkit_sign(&f->evidence.quote, &f->attest, the_ak);
    assert_verdict(f, "report-data ");
}

static void
what_nobody_asked_for_is_not_valid(void **state)
{
    struct fixture *f = *state;

    coco_binding_free(f->binding);
    assert_ok(coco_binding_new(&f->binding, &f->err), f->err);
    assert_verdict(f, "report-data ");
}

/* Binds to init data, and makes PCR 8 what extending that digest makes of it. */
static void
extend_init_data(struct fixture *f, const uint8_t *digest)
{
    struct coco_digest of_all = {0};
    uint8_t *pcr = f->evidence.quote.pcrs[COCO_TPM_INIT_DATA_PCR];

    memset(pcr, 0, COCO_TPM_PCR_SIZE);
    assert_ok(coco_tpm_extend(pcr, digest, &f->err), f->err);
    assert_ok(coco_tpm_quote_digest(&f->evidence.quote, &of_all, &f->err), f->err);
    memcpy(f->attest.digest.bytes, of_all.bytes, COCO_TPM_PCR_SIZE);
    tpmkit_sign(&f->evidence.quote, &f->attest, the_ak);
}

static void
init_data_is_what_pcr_8_was_extended_with(void **state)
{
    struct fixture *f = *state;
    uint8_t digest[48];

    memset(digest, 0xaa, sizeof(digest));
    assert_ok(coco_binding_set_init_data(f->binding, digest, 32, &f->err), f->err);
    assert_verdict(f, "init-data ");
    extend_init_data(f, digest);
    assert_verdict(f, "");

    /* What is longer than a PCR is cut, as everywhere. */
    assert_ok(coco_binding_set_init_data(f->binding, digest, 48, &f->err), f->err);
    assert_verdict(f, "");
    digest[31] ^= 1;
    assert_ok(coco_binding_set_init_data(f->binding, digest, 48, &f->err), f->err);
    assert_verdict(f, "init-data ");
}

/* A bit of every byte of every part: what is still well formed must not be valid. */
static void
flip_every_byte(struct fixture *f)
{
    struct part {
        uint8_t *data;
        size_t len;
    } parts[] = {
        {f->evidence.quote.message.data, f->evidence.quote.message.len},
        {f->evidence.quote.signature.data, f->evidence.quote.signature.len},
        {f->evidence.quote.pcrs[0], sizeof(f->evidence.quote.pcrs)},
        {f->evidence.ak.data, f->evidence.ak.len},
    };
    unsigned refused = 0;
    unsigned not_valid = 0;

    assert_ok(coco_verifier_allow(f->verifier, "ak-trusted", &f->err), f->err);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        for_each_flip(flip, parts[i].data, parts[i].len, 1)
        {
            coco_verdict *verdict = NULL;

            if (verify(f, &verdict, NULL) != COCO_OK)
                refused++;
            else if (coco_verdict_valid(verdict))
                fail_msg("a bit of byte %zu of part %zu can be flipped", flip.at, i);
            else
                not_valid++;
            coco_verdict_free(verdict);
        }
    print_message("# %u bits refused, %u bits not valid\n", refused, not_valid);
    assert_true(refused > 30 && not_valid > 1300);
}

static void
no_byte_can_change(void **state)
{
    flip_every_byte(*state);
}

static void
no_part_can_be_cut_or_grow(void **state)
{
    struct fixture *f = *state;
    struct coco_buf *const parts[] = {
        &f->evidence.quote.message,
        &f->evidence.quote.signature,
        &f->evidence.ak,
    };

    assert_ok(coco_verifier_allow(f->verifier, "ak-trusted", &f->err), f->err);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        for (int change = -1; change <= 1; change += 2) {
            coco_verdict *verdict = NULL;

            if (change < 0)
                parts[i]->len--;
            else
                assert_ok(coco_buf_append(parts[i], "", 1, &f->err), f->err);
            if (verify(f, &verdict, NULL) == COCO_OK)
                assert_false(coco_verdict_valid(verdict));
            coco_verdict_free(verdict);
            if (change < 0)
                parts[i]->len++;
            else
                parts[i]->len--;
        }
    assert_verdict(f, "");
}

static void
keys_in_other_forms_are_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_pkey_ EVP_PKEY *p256 = NULL;
    coco_verdict *verdict = NULL;

    coco_buf_reset(&f->evidence.ak);
    assert_ok(coco_key_public_pem(the_ak, &f->evidence.ak, &f->err), f->err);
    assert_fails(verify(f, &verdict, &f->err), f->err, COCO_ERR_PROTO, "no SubjectPublicKeyInfo");

    coco_buf_reset(&f->evidence.ak);
    assert_ok(coco_key_generate(COCO_KEY_P256, &p256, &f->err), f->err);
    assert_ok(coco_key_public_der(p256, &f->evidence.ak, &f->err), f->err);
    assert_fails(verify(f, &verdict, &f->err), f->err, COCO_ERR_PROTO, "no SubjectPublicKeyInfo");

    coco_buf_reset(&f->evidence.ak);
    assert_fails(verify(f, &verdict, &f->err), f->err, COCO_ERR_PROTO, "ak_public");
}

static void
a_message_that_is_no_quote_is_refused(void **state)
{
    struct fixture *f = *state;
    coco_verdict *verdict = NULL;

    f->evidence.quote.message.data[5] = 0x17;
    coco_buf_reset(&f->evidence.quote.signature);
    assert_ok(coco_key_sign(the_ak, f->evidence.quote.message.data, f->evidence.quote.message.len,
                            &f->evidence.quote.signature, &f->err),
              f->err);
    assert_fails(verify(f, &verdict, &f->err), f->err, COCO_ERR_PROTO, "attests something else");
}

static void
verifying_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    assert_ok(coco_binding_set_init_data(f->binding, (const uint8_t *)"x", 1, &f->err), f->err);
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
    const char *init_data;
    const char *pcr08;
};

static const struct vector vectors[] = {
    {"tpm/tpm_evidence.json",
     "a04182b506878d4f29b91ee606a71a0d3361ccf1b22db20c98adcaa537bea393"
     "ef0e41a18b3569ab678f1497fbc5c120",
     "", "0000000000000000000000000000000000000000000000000000000000000000"},
    {"tpm/tpm_evidence_swtpm.json",
     "89873bab38d31c36ae5d8dd0b79cb1c39358f19605957e8662e9d33c59da61a3",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "9ef814b42fa0be12d197c44d3e8e03441a4b1118237658368ba1351090e556ed"},
};

#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

/* The evidence of a vector in the place of what setup() made, bound to what its manifest says. */
static void
load_vector(struct fixture *f, const struct vector *vector)
{
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_free_ char *text = NULL;
    uint8_t bytes[64];
    size_t len = 0;

    text = read_fixture(vector->name, &len);
    coco_tpm_evidence_done(&f->evidence);
    assert_ok(coco_json_parse_object(text, len, &object, &f->err), f->err);
    assert_ok(coco_tpm_evidence_parse(object, &f->evidence, &f->err), f->err);

    coco_verifier_free(f->verifier);
    assert_ok(coco_verifier_new(&f->verifier, &f->err), f->err);
    assert_ok(coco_verifier_trust_key(f->verifier, "tpm", f->evidence.ak.data, f->evidence.ak.len,
                                      &f->err),
              f->err);
    coco_binding_free(f->binding);
    f->binding = NULL;
    assert_ok(coco_binding_new(&f->binding, &f->err), f->err);
    len = strlen(vector->report_data) / 2;
    assert_true(coco_unhex(vector->report_data, 2 * len, bytes, len));
    assert_ok(coco_binding_set_report_data(f->binding, bytes, len, &f->err), f->err);
    len = strlen(vector->init_data) / 2;
    assert_true(coco_unhex(vector->init_data, 2 * len, bytes, len));
    if (len > 0)
        assert_ok(coco_binding_set_init_data(f->binding, bytes, len, &f->err), f->err);
}

static void
recorded_evidence_is_what_its_manifest_says(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < N_VECTORS; i++) {
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
        char claim[128];

        load_vector(f, &vectors[i]);
        assert_ok(verify(f, &verdict, &f->err), f->err);
        assert_failing_checks(verdict, "");
        (void)snprintf(claim, sizeof(claim), "\"report_data\":\"%s", vectors[i].report_data);
        assert_contains(coco_verdict_claims(verdict), claim);
        (void)snprintf(claim, sizeof(claim), "\"init_data\":\"%s\"", vectors[i].pcr08);
        assert_contains(coco_verdict_claims(verdict), claim);
        (void)snprintf(claim, sizeof(claim), "\"pcr08\":\"%s\"", vectors[i].pcr08);
        assert_contains(coco_verdict_claims(verdict), claim);
    }
}

static void
no_byte_of_recorded_evidence_can_change(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < N_VECTORS; i++) {
        load_vector(f, &vectors[i]);
        flip_every_byte(f);
    }
}

static void
recorded_evidence_of_another_machine_is_refused(void **state)
{
    struct fixture *f = *state;
    struct coco_tpm_evidence other = coco_tpm_evidence_empty();
    struct coco_tpm_evidence whole;

    load_vector(f, &vectors[0]);
    other = f->evidence;
    f->evidence = coco_tpm_evidence_empty();
    load_vector(f, &vectors[1]);
    assert_verdict(f, "");
    whole = f->evidence;

    /* Its quote, its key, all of it. */
    f->evidence.quote = other.quote;
    assert_verdict(f, "tpm-signature init-data report-data ");
    f->evidence = whole;
    f->evidence.ak = other.ak;
    assert_verdict(f, "ak-trusted tpm-signature ");
    f->evidence = other;
    assert_verdict(f, "ak-trusted init-data report-data ");

    /* Only the PCRs, only the signature. */
    f->evidence = whole;
    memcpy(f->evidence.quote.pcrs, other.quote.pcrs, sizeof(other.quote.pcrs));
    assert_verdict(f, "pcr-digest init-data ");
    f->evidence = whole;
    f->evidence.quote.signature = other.quote.signature;
    assert_verdict(f, "tpm-signature ");

    f->evidence = whole;
    coco_tpm_evidence_done(&other);
}

static void
recorded_evidence_for_another_nonce_or_init_data_is_refused(void **state)
{
    struct fixture *f = *state;

    load_vector(f, &vectors[1]);
    f->binding->report_data[31] ^= 1;
    assert_verdict(f, "report-data ");
    f->binding->report_data[31] ^= 1;
    f->binding->init_data[0] ^= 1;
    assert_verdict(f, "init-data ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(good_evidence_is_valid),
        TEST(no_key_is_trusted_by_itself),
        TEST(one_of_several_keys_is_enough),
        TEST(a_quote_of_another_key_is_not_valid),
        TEST(all_that_is_wrong_is_told),
        TEST(pcrs_of_another_bank_are_not_valid),
        TEST(pcrs_that_were_not_quoted_are_not_valid),
        TEST(a_quote_for_another_nonce_is_not_valid),
        TEST(a_quote_holds_at_least_32_bytes_of_the_report_data),
        TEST(what_nobody_asked_for_is_not_valid),
        TEST(init_data_is_what_pcr_8_was_extended_with),
        TEST(no_byte_can_change),
        TEST(no_part_can_be_cut_or_grow),
        TEST(keys_in_other_forms_are_refused),
        TEST(a_message_that_is_no_quote_is_refused),
        TEST(verifying_survives_any_failed_allocation),
        TEST(recorded_evidence_is_what_its_manifest_says),
        TEST(no_byte_of_recorded_evidence_can_change),
        TEST(recorded_evidence_of_another_machine_is_refused),
        TEST(recorded_evidence_for_another_nonce_or_init_data_is_refused),
    };

    return cmocka_run_group_tests(tests, tpmkit_make_keys, tpmkit_free_keys);
}
