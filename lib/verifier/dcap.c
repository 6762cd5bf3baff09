/*
 * verifier/dcap.c - quotes of Intel SGX and TDX, verified
 *
 * Root -> PCK -> report of the QE -> attestation key -> quote, each link a check;
 * then what Intel says of the versions of all that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/dcap.h"

#include "base/base64.h"
#include "base/fail.h"
#include "crypto/ecdsa.h"
#include "verifier/dcap_collateral.h"
#include "verifier/tcb.h"

#include <string.h>

#define CHAIN_LEN 3 /* PCK, its CA, root */

void
coco_dcap_done(struct coco_dcap *dcap)
{
    coco_cert_chain_done(&dcap->chain);
    X509_CRL_free(dcap->root_crl);
    X509_CRL_free(dcap->pck_crl);
    coco_buf_done(&dcap->signer_pem);
    coco_cert_chain_done(&dcap->signer_chain);
    coco_tcb_info_done(&dcap->tcb_info);
    coco_qe_identity_done(&dcap->qe_identity);
}

/* ---- the PCK ---- */

static coco_status
read_pck(struct coco_dcap *dcap, coco_error **err)
{
    const struct coco_quote *quote = dcap->quote;
    const uint8_t *extension = NULL;
    size_t len = 0;

    if (quote->certification != COCO_CERTIFICATION_PCK_CHAIN)
        return coco_fail(
            err, COCO_ERR_NOTSUP, "quote has certification data of type %d (%s), not %d (%s)",
            quote->certification, coco_certification_name(quote->certification),
            COCO_CERTIFICATION_PCK_CHAIN, coco_certification_name(COCO_CERTIFICATION_PCK_CHAIN));
    coco_status status = coco_known_chain_parse(coco_verifier_known(dcap->verification->verifier),
                                                quote->certification_data, quote->certification_len,
                                                &dcap->chain, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "PCK certificates");
    if (dcap->chain.n != CHAIN_LEN)
        return coco_fail(err, COCO_ERR_PROTO, "chain of %zu PCK certificates, not %d",
                         dcap->chain.n, CHAIN_LEN);
    status = coco_cert_extension(dcap->chain.certs[0], COCO_PCK_OID, &extension, &len, err);
    if (status == COCO_ERR_NOTFOUND) {
        if (err) {
            coco_error_free(*err);
            *err = NULL;
        }
        return coco_fail(err, COCO_ERR_PROTO, "PCK certificate has no SGX extension");
    }
    if (status == COCO_OK)
        status = coco_pck_parse(extension, len, &dcap->pck, err);
    return status;
}

/* All of Intel's certificates have one root: this is no chain of a signer of TCB info. */
static coco_status
check_names(const struct coco_dcap *dcap, coco_error **err)
{
    bool is_pck = false;
    bool is_platform = false;
    bool is_processor = false;

    coco_status status = coco_dcap_is_called(dcap->chain.certs[0], COCO_INTEL_PCK, &is_pck, err);
    if (status == COCO_OK)
        status =
            coco_dcap_is_called(dcap->chain.certs[1], COCO_INTEL_PLATFORM_CA, &is_platform, err);
    if (status == COCO_OK)
        status =
            coco_dcap_is_called(dcap->chain.certs[1], COCO_INTEL_PROCESSOR_CA, &is_processor, err);
    if (status != COCO_OK)
        return status;
    bool ok = is_pck && (is_platform || is_processor);
    return coco_verdict_add(dcap->verdict, "pck-certificate", ok, "a PCK, and a CA of PCKs",
                            ok ? "these" : "another certificate of Intel's", err);
}

/* ---- signatures ---- */

static const char verifies[] = "a signature that verifies";

static coco_status
check_qe_report(struct coco_dcap *dcap, coco_error **err)
{
    const struct coco_quote *quote = dcap->quote;
    coco_error *why = NULL;
    uint8_t hash[32];

    /* One for as long as an attestation key lives: the QE signs anew when it makes another. */
    coco_status status = coco_known_verify(
        coco_verifier_known(dcap->verification->verifier), dcap->chain.certs[0], &quote->qe_report,
        sizeof(quote->qe_report), quote->qe_signature, sizeof(quote->qe_signature), &why);
    status =
        coco_verdict_add_outcome(dcap->verdict, "qe-report-signature", verifies, status, &why, err);
    if (status == COCO_OK)
        status = coco_quote_key_hash(quote, hash, err);
    if (status == COCO_OK)
        status = coco_verdict_add_bytes(dcap->verdict, "qe-report-data", hash, sizeof(hash),
                                        quote->qe_report.report_data,
                                        sizeof(quote->qe_report.report_data), err);
    return status;
}

static coco_status
check_quote(struct coco_dcap *dcap, coco_error **err)
{
    const struct coco_quote *quote = dcap->quote;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    coco_error *why = NULL;

    coco_status status = coco_ec_key_from_point(COCO_KEY_P256, quote->key, &key, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "attestation key");
    status = coco_ecdsa_verify(key, quote->signed_data, quote->signed_len, quote->signature,
                               sizeof(quote->signature), &why);
    return coco_verdict_add_outcome(dcap->verdict, "quote-signature", verifies, status, &why, err);
}

/* ---- versions ---- */

/* What a status may hold, each a check of its own: a policy may go by one and not by another. */
static const struct {
    unsigned status;
    const char *check;
    const char *want;
} parts[] = {
    {COCO_TCB_OUT_OF_DATE, "tcb-out-of-date", "up to date"},
    {COCO_TCB_CONFIGURATION_NEEDED, "tcb-configuration-needed", "configured as Intel advises"},
    {COCO_TCB_SW_HARDENING_NEEDED, "tcb-sw-hardening-needed", "safe without hardened software"},
    {COCO_TCB_RELAUNCH_ADVISED, "tcb-relaunch-advised", "started under what runs now"},
    {COCO_TCB_REVOKED, "tcb-revoked", "not revoked"},
};

static coco_status
check_status(struct coco_dcap *dcap, unsigned status, coco_error **err)
{
    const char *name = coco_tcb_status_name(status);
    coco_status result = COCO_OK;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && result == COCO_OK; i++)
        result = coco_verdict_add(dcap->verdict, parts[i].check, !(status & parts[i].status),
                                  parts[i].want, name ? name : "a status without a name", err);
    return result;
}

static coco_status
judge(const struct coco_dcap *dcap, struct coco_tcb_judgement *ret, coco_error **err)
{
    const struct coco_tcb_input input = {
        .info = &dcap->tcb_info,
        .pck = &dcap->pck,
        .quote = dcap->quote,
        .qe = coco_pcs_levels_find(&dcap->qe_identity.levels,
                                   coco_quote_u16(dcap->quote->qe_report.isv_svn)),
    };

    if (!dcap->tcb_info.json)
        return coco_fail(err, COCO_ERR_VERIFY, "no TCB info to go by");
    return coco_tcb_judge(&input, ret, err);
}

/* Judgement without a level: there is none. */
static coco_status
check_tcb(struct coco_dcap *dcap, struct coco_tcb_judgement *judgement, coco_error **err)
{
    coco_error *why = NULL;
    coco_status status = COCO_OK;

    if (dcap->tcb_info.tdx)
        status = coco_verdict_add_outcome(
            dcap->verdict, "tdx-module", "one of Intel's",
            coco_tcb_check_module(&dcap->tcb_info, &dcap->quote->td, &why), &why, err);
    if (status == COCO_OK)
        status = coco_verdict_add_outcome(dcap->verdict, "tcb-level", "a level of the TCB info",
                                          judge(dcap, judgement, &why), &why, err);
    if (status == COCO_OK && judgement->level)
        status = check_status(dcap, judgement->status, err);
    return status;
}

/* ---- claims ---- */

/* The order of bytes that upstream has is the other way round. */
static coco_status
claim_platform(const struct coco_pck *pck, cJSON *claims, coco_error **err)
{
    const size_t size = sizeof(pck->platform_instance_id);
    uint8_t reversed[sizeof(pck->platform_instance_id)];

    if (!pck->has_platform)
        return COCO_OK;
    for (size_t i = 0; i < size; i++)
        reversed[i] = pck->platform_instance_id[size - 1 - i];
    return coco_claim_hex(claims, "platform_instance_id", reversed, size, err);
}

static coco_status
claim_pck(const struct coco_pck *pck, cJSON *claims, coco_error **err)
{
    static const char *const types[] = {
        [COCO_SGX_STANDARD] = "Standard",
        [COCO_SGX_SCALABLE] = "Scalable",
        [COCO_SGX_SCALABLE_INTEGRITY] = "Scalable with Integrity",
    };

    coco_status status = claim_platform(pck, claims, err);
    if (status == COCO_OK)
        status = coco_claim_hex(claims, "platform_provider_id", pck->ppid, sizeof(pck->ppid), err);
    if (status == COCO_OK)
        status = coco_json_add_string(claims, "sgx_type", types[pck->type], err);
    if (status != COCO_OK || pck->type == COCO_SGX_STANDARD)
        return status;
    status = coco_json_add_bool(claims, "is_dynamic_platform", pck->dynamic_platform, err);
    if (status == COCO_OK)
        status = coco_json_add_bool(claims, "is_cached_keys", pck->cached_keys, err);
    if (status == COCO_OK)
        status = coco_json_add_bool(claims, "is_smt_enabled", pck->smt_enabled, err);
    return status;
}

/* Hash of the root's key, as Intel's library names roots. */
static coco_status
claim_root(X509 *root, cJSON *claims, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf point = {.limit = 1 + 2 * COCO_EC_SIZE_MAX};
    struct coco_digest digest = {0};

    coco_status status = coco_cert_key(root, &key, err);
    if (status == COCO_OK)
        status = coco_buf_append(&point, "\x04", 1, err);
    if (status == COCO_OK)
        status = coco_ec_key_point(key, &point, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA384, point.data, point.len, &digest, err);
    if (status == COCO_OK)
        status =
            coco_claim_hex(claims, "root_key_id", digest.bytes, coco_hash_size(COCO_SHA384), err);
    return status;
}

static coco_status
claim_crl(X509_CRL *crl, const char *name, cJSON *claims, coco_error **err)
{
    uint64_t number = 0;

    if (!crl || coco_crl_number(crl, &number, NULL) != COCO_OK)
        return COCO_OK;
    return coco_json_add_u64(claims, name, number, err);
}

static coco_status
claim_time(cJSON *claims, const char *name, int64_t time, coco_error **err)
{
    return coco_pcs_add_time(claims, name, time, err);
}

static coco_status
claim_dates(const struct coco_dcap *dcap, cJSON *claims, coco_error **err)
{
    bool expired = dcap->dates.earliest_expiration < dcap->verification->now;

    coco_status status = claim_time(claims, "earliest_issue_date", dcap->dates.earliest_issue, err);
    if (status == COCO_OK)
        status = claim_time(claims, "latest_issue_date", dcap->dates.latest_issue, err);
    if (status == COCO_OK)
        status =
            claim_time(claims, "earliest_expiration_date", dcap->dates.earliest_expiration, err);
    if (status == COCO_OK)
        status =
            coco_json_add_string(claims, "collateral_expiration_status", expired ? "1" : "0", err);
    return status;
}

/* Those of all parts, each once. */
static coco_status
claim_advisories(cJSON *array, const cJSON *advisories, coco_error **err)
{
    const cJSON *item = NULL;
    const cJSON *known = NULL;

    cJSON_ArrayForEach(item, advisories) {
        bool again = false;

        cJSON_ArrayForEach(known, array)
            again = again || strcmp(known->valuestring, item->valuestring) == 0;
        coco_status status =
            again ? COCO_OK : coco_json_add_string(array, NULL, item->valuestring, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

static coco_status
claim_tcb(const struct coco_dcap *dcap, const struct coco_tcb_judgement *judgement, cJSON *claims,
          coco_error **err)
{
    const struct coco_pcs_level *qe = coco_pcs_levels_find(
        &dcap->qe_identity.levels, coco_quote_u16(dcap->quote->qe_report.isv_svn));
    uint32_t evaluation = dcap->tcb_info.evaluation;
    cJSON *advisories = NULL;

    if (!judgement->level)
        return COCO_OK;
    if (qe && dcap->qe_identity.evaluation < evaluation)
        evaluation = dcap->qe_identity.evaluation;
    coco_status status = coco_json_add_u64(claims, "tcb_eval_num", evaluation, err);
    if (status == COCO_OK)
        status = claim_time(claims, "tcb_date", judgement->level->date, err);
    if (status == COCO_OK && coco_tcb_status_name(judgement->status))
        status = coco_json_add_string(claims, "tcb_status", coco_tcb_status_name(judgement->status),
                                      err);
    if (status == COCO_OK)
        status = coco_json_add_array(claims, "advisory_ids", &advisories, err);
    if (status == COCO_OK)
        status = claim_advisories(advisories, judgement->level->advisories, err);
    if (status == COCO_OK && judgement->module)
        status = claim_advisories(advisories, judgement->module->advisories, err);
    if (status == COCO_OK && qe)
        status = claim_advisories(advisories, qe->advisories, err);
    return status;
}

static coco_status
add_claims(const struct coco_dcap *dcap, const struct coco_tcb_judgement *judgement, cJSON *claims,
           coco_error **err)
{
    coco_status status = claim_pck(&dcap->pck, claims, err);
    if (status == COCO_OK)
        status = claim_root(dcap->chain.certs[CHAIN_LEN - 1], claims, err);
    if (status == COCO_OK)
        status = claim_crl(dcap->root_crl, "root_ca_crl_num", claims, err);
    if (status == COCO_OK)
        status = claim_crl(dcap->pck_crl, "pck_crl_num", claims, err);
    if (status == COCO_OK)
        status = claim_dates(dcap, claims, err);
    if (status == COCO_OK)
        status = claim_tcb(dcap, judgement, claims, err);
    return status;
}

/* ---- for the drivers of both TEEs ---- */

coco_status
coco_dcap_decode(const cJSON *evidence, struct coco_buf *ret, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(evidence, "quote", &text, err);
    if (status != COCO_OK)
        return status;
    status = coco_base64_decode(COCO_BASE64, text, strlen(text), ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "quote");
}

coco_status
coco_dcap_claim_fields(cJSON *claims, const char *name, const struct coco_dcap_field *fields,
                       size_t n, const void *structure, coco_error **err)
{
    const uint8_t *bytes = structure;
    cJSON *object = NULL;

    coco_status status = coco_json_add_object(claims, name, &object, err);
    for (size_t i = 0; i < n && status == COCO_OK; i++)
        status = coco_claim_hex(object, fields[i].name, bytes + fields[i].at, fields[i].size, err);
    return status;
}

coco_status
coco_dcap_verify(const struct coco_verification *verification, const struct coco_quote *quote,
                 coco_verdict *verdict, cJSON *claims, coco_error **err)
{
    _cleanup_dcap_ struct coco_dcap dcap = {
        .verification = verification,
        .quote = quote,
        .verdict = verdict,
    };
    struct coco_tcb_judgement judgement = {0};

    coco_status status = read_pck(&dcap, err);
    if (status == COCO_OK)
        status = coco_check_chain(verification, verdict, &coco_evidence_chain, "intel", &dcap.chain,
                                  err);
    if (status == COCO_OK)
        status = check_names(&dcap, err);
    if (status == COCO_OK)
        status = check_qe_report(&dcap, err);
    if (status == COCO_OK)
        status = check_quote(&dcap, err);
    if (status == COCO_OK)
        status = coco_dcap_check_collateral(&dcap, err);
    if (status == COCO_OK)
        status = check_tcb(&dcap, &judgement, err);
    if (status == COCO_OK)
        status = add_claims(&dcap, &judgement, claims, err);
    return status;
}
