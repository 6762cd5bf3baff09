/*
 * verifier/tpm.c - evidence of a TPM
 *
 * A quote proves what its key is worth. Nothing in upstream's evidence says whose
 * the key is, no certificate comes with it: whoever verifies knows the key, or
 * lets "ak-trusted" through and has a policy look at the claim "ak_public".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/tpm.h"

#include "base/fail.h"

#include <openssl/crypto.h>
#include <stdio.h>

#define SEEN_MAX 80

/* The bytes of report data that upstream's attester has a TPM sign; the recorded ones have more. */
#define REPORT_DATA_MIN 32

static bool
is_same(const struct coco_buf *a, const struct coco_buf *b)
{
    return a->len == b->len && CRYPTO_memcmp(a->data, b->data, a->len) == 0;
}

/* RSA in the one form that keys are compared in, or a policy could be shown another text of it. */
static coco_status
parse_ak(const struct coco_buf *der, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf again = {.limit = COCO_TPM_AK_MAX};
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_parse_public(der->data, der->len, &key, err);
    if (status == COCO_OK)
        status = coco_key_kind_of(key, &kind, err);
    if (status == COCO_OK)
        status = coco_key_public_der(key, &again, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "ak_public");
    if (kind != COCO_KEY_RSA || !is_same(der, &again))
        return coco_fail(err, COCO_ERR_PROTO, "ak_public: no SubjectPublicKeyInfo of RSA");

    *ret = coco_steal(&key);
    return COCO_OK;
}

static coco_status
check_ak(const coco_verifier *verifier, const struct coco_buf *ak, coco_verdict *verdict,
         coco_error **err)
{
    struct coco_digest fingerprint = {0};
    char got[COCO_DIGEST_TEXT_SIZE];
    char want[SEEN_MAX];
    const struct coco_buf *known;
    bool trusted = false;
    size_t n = 0;

    while ((known = coco_verifier_key(verifier, "tpm", n)) != NULL) {
        trusted = trusted || is_same(known, ak);
        n++;
    }
    coco_status status = coco_digest_of(COCO_SHA256, ak->data, ak->len, &fingerprint, err);
    if (status != COCO_OK)
        return status;
    coco_digest_format(&fingerprint, got);
    (void)snprintf(want, sizeof(want), "one of %zu keys of TPMs that are trusted", n);
    return coco_verdict_add(verdict, "ak-trusted", trusted, want, got, err);
}

static coco_status
check_selection(coco_verdict *verdict, const struct coco_tpm_attest *attest, coco_error **err)
{
    char got[SEEN_MAX];

    if (attest->n_selections == 1)
        (void)snprintf(got, sizeof(got), "0x%06x of bank 0x%04x", attest->selections[0].pcrs,
                       attest->selections[0].hash);
    else
        (void)snprintf(got, sizeof(got), "%zu banks", attest->n_selections);
    return coco_verdict_add(verdict, "pcr-selection", coco_tpm_attest_is_of_all(attest),
                            "0xffffff of bank 0x000b", got, err);
}

static coco_status
check_digest(coco_verdict *verdict, const struct coco_tpm_quote *quote,
             const struct coco_tpm_attest *attest, coco_error **err)
{
    struct coco_digest digest = {0};

    coco_status status = coco_tpm_quote_digest(quote, &digest, err);
    if (status == COCO_OK)
        status =
            coco_verdict_add_bytes(verdict, "pcr-digest", digest.bytes, coco_hash_size(digest.alg),
                                   attest->digest.bytes, attest->digest.len, err);
    return status;
}

/* Init data is the first that is extended into its PCR, and the last. */
static coco_status
check_init_data(const struct coco_binding *binding, coco_verdict *verdict,
                const struct coco_tpm_quote *quote, coco_error **err)
{
    uint8_t digest[COCO_TPM_PCR_SIZE];
    uint8_t want[COCO_TPM_PCR_SIZE] = {0};

    if (binding->init_data_len == 0)
        return COCO_OK;
    coco_tpm_init_data(binding->init_data, binding->init_data_len, digest);
    coco_status status = coco_tpm_extend(want, digest, err);
    if (status == COCO_OK)
        status =
            coco_verdict_add_bytes(verdict, "init-data", want, sizeof(want),
                                   quote->pcrs[COCO_TPM_INIT_DATA_PCR], COCO_TPM_PCR_SIZE, err);
    return status;
}

coco_status
coco_check_tpm_quote(const struct coco_verification *verification, coco_verdict *verdict,
                     const struct coco_tpm_quote *quote, EVP_PKEY *ak,
                     struct coco_tpm_attest *attest, coco_error **err)
{
    coco_error *why = NULL;

    coco_status status =
        coco_tpm_attest_parse(quote->message.data, quote->message.len, attest, err);
    if (status != COCO_OK)
        return status;
    status = coco_key_verify(ak, quote->message.data, quote->message.len, quote->signature.data,
                             quote->signature.len, &why);
    status = coco_verdict_add_outcome(verdict, "tpm-signature", "a signature of the TPM's key",
                                      status, &why, err);
    if (status == COCO_OK)
        status = check_selection(verdict, attest, err);
    if (status == COCO_OK)
        status = check_digest(verdict, quote, attest, err);
    if (status == COCO_OK)
        status = check_init_data(verification->binding, verdict, quote, err);
    return status;
}

/* As much of the report data as the quote has room for, but not less than upstream puts there. */
static coco_status
check_report_data(const struct coco_verification *verification, coco_verdict *verdict,
                  const struct coco_tpm_data *extra, coco_error **err)
{
    const struct coco_binding *binding = verification->binding;
    size_t want = extra->len < REPORT_DATA_MIN ? REPORT_DATA_MIN : extra->len;

    if (binding->report_data_len <= want)
        return coco_check_report_data(verification, verdict, extra->bytes, extra->len, err);
    return coco_verdict_add_bytes(verdict, "report-data", binding->report_data, want, extra->bytes,
                                  extra->len, err);
}

coco_status
coco_claim_pcrs(cJSON *claims, const struct coco_tpm_quote *quote, coco_error **err)
{
    coco_status status = COCO_OK;
    char name[16];

    for (unsigned i = 0; i < COCO_TPM_PCRS && status == COCO_OK; i++) {
        (void)snprintf(name, sizeof(name), "pcr%02u", i);
        status = coco_claim_hex(claims, name, quote->pcrs[i], COCO_TPM_PCR_SIZE, err);
    }
    return status;
}

static coco_status
add_claims(cJSON *claims, const struct coco_tpm_evidence *evidence,
           const struct coco_tpm_attest *attest, coco_error **err)
{
    coco_status status = coco_claim_hex(
        claims, "init_data", evidence->quote.pcrs[COCO_TPM_INIT_DATA_PCR], COCO_TPM_PCR_SIZE, err);
    if (status == COCO_OK)
        status = coco_claim_hex(claims, "report_data", attest->extra.bytes, attest->extra.len, err);
    if (status == COCO_OK)
        status =
            coco_json_add_base64(claims, "ak_public", evidence->ak.data, evidence->ak.len, err);
    if (status == COCO_OK)
        status = coco_claim_pcrs(claims, &evidence->quote, err);
    return status;
}

static coco_status
verify(const struct coco_verification *verification, coco_verdict *verdict, cJSON *claims,
       coco_error **err)
{
    _cleanup_tpm_evidence_ struct coco_tpm_evidence evidence = {0};
    _cleanup_pkey_ EVP_PKEY *ak = NULL;
    struct coco_tpm_attest attest = {0};

    coco_status status = coco_tpm_evidence_parse(verification->evidence, &evidence, err);
    if (status == COCO_OK)
        status = parse_ak(&evidence.ak, &ak, err);
    if (status == COCO_OK)
        status = check_ak(verification->verifier, &evidence.ak, verdict, err);
    if (status == COCO_OK)
        status = coco_check_tpm_quote(verification, verdict, &evidence.quote, ak, &attest, err);
    if (status == COCO_OK)
        status = check_report_data(verification, verdict, &attest.extra, err);
    if (status == COCO_OK)
        status = add_claims(claims, &evidence, &attest, err);
    return status;
}

const struct coco_verifier_driver coco_tpm_verifier = {.tee = "tpm", .verify = verify};
