/*
 * verifier/azure.c - what evidence of Azure's confidential VMs has in common
 *
 * The chain is hardware's report -> hash of the runtime data -> key of the TPM ->
 * quote -> report data. The HCL, which is between the first two, was measured.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/azure.h"

#include "base/fail.h"
#include "crypto/jwk.h"
#include "verifier/tpm.h"

void
coco_azure_done(struct coco_azure *azure)
{
    coco_hcl_evidence_done(&azure->evidence);
    coco_hcl_runtime_done(&azure->runtime);
}

coco_status
coco_azure_parse(const cJSON *evidence, enum coco_hcl_hardware hardware, struct coco_azure *ret,
                 coco_error **err)
{
    _cleanup_azure_ struct coco_azure azure = {0};

    coco_status status = coco_hcl_evidence_parse(evidence, hardware, &azure.evidence, err);
    if (status == COCO_OK)
        status = coco_hcl_report_parse(azure.evidence.report.data, azure.evidence.report.len,
                                       &azure.report, err);
    if (status == COCO_OK && azure.report.hardware != hardware)
        status = coco_fail(err, COCO_ERR_PROTO, "HCL report of other hardware");
    if (status == COCO_OK)
        status = coco_hcl_runtime_parse(&azure.report, &azure.runtime, err);
    if (status != COCO_OK)
        return status;

    *ret = azure;
    azure = (struct coco_azure){0};
    return COCO_OK;
}

static coco_status
parse_ak(const struct coco_azure *azure, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    enum coco_key_kind kind = 0;

    coco_status status = coco_jwk_parse(azure->runtime.ak, &key, err);
    if (status == COCO_OK)
        status = coco_key_kind_of(key, &kind, err);
    if (status == COCO_OK && kind != COCO_KEY_RSA)
        status = coco_fail(err, COCO_ERR_PROTO, "is not RSA");
    if (status != COCO_OK)
        return coco_wrap(err, status, "key of the TPM");

    *ret = coco_steal(&key);
    return COCO_OK;
}

static coco_status
check_runtime(coco_verdict *verdict, const struct coco_azure *azure, const uint8_t *report_data,
              size_t len, coco_error **err)
{
    struct coco_digest digest = {0};

    coco_status status =
        coco_digest_of(COCO_SHA256, azure->report.runtime, azure->report.runtime_len, &digest, err);
    if (status == COCO_OK)
        status = coco_verdict_add_bytes(verdict, "runtime-data", digest.bytes,
                                        coco_hash_size(digest.alg), report_data, len, err);
    return status;
}

/* Evidence before version 2 has a report of whenever; only the quote is fresh then. */
static coco_status
check_user_data(const struct coco_verification *verification, coco_verdict *verdict,
                const struct coco_azure *azure, coco_error **err)
{
    const coco_binding *binding = verification->binding;

    if (azure->evidence.version < 2)
        return COCO_OK;
    return coco_verdict_add_bytes(verdict, "user-data", binding->report_data,
                                  binding->report_data_len, azure->runtime.user_data,
                                  azure->runtime.user_data_len, err);
}

coco_status
coco_check_azure(const struct coco_verification *verification, coco_verdict *verdict,
                 struct coco_azure *azure, const uint8_t *report_data, size_t len, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *ak = NULL;

    coco_status status = parse_ak(azure, &ak, err);
    if (status == COCO_OK)
        status = check_runtime(verdict, azure, report_data, len, err);
    if (status == COCO_OK)
        status = coco_check_tpm_quote(verification, verdict, &azure->evidence.quote, ak,
                                      &azure->attest, err);
    if (status == COCO_OK)
        status = coco_check_report_data(verification, verdict, azure->attest.extra.bytes,
                                        azure->attest.extra.len, err);
    if (status == COCO_OK)
        status = check_user_data(verification, verdict, azure, err);
    return status;
}

static coco_status
replace_hex(cJSON *claims, const char *name, const void *data, size_t len, coco_error **err)
{
    coco_json_free(cJSON_DetachItemFromObjectCaseSensitive(claims, name));
    return coco_claim_hex(claims, name, data, len, err);
}

coco_status
coco_claim_azure(cJSON *claims, const struct coco_azure *azure, coco_error **err)
{
    const struct coco_tpm_quote *quote = &azure->evidence.quote;
    cJSON *tpm = NULL;

    coco_status status = coco_json_add_object(claims, "tpm", &tpm, err);
    if (status == COCO_OK)
        status = coco_claim_pcrs(tpm, quote, err);
    if (status == COCO_OK)
        status = replace_hex(claims, "init_data", quote->pcrs[COCO_TPM_INIT_DATA_PCR],
                             COCO_TPM_PCR_SIZE, err);
    if (status == COCO_OK)
        status = replace_hex(claims, "report_data", azure->attest.extra.bytes,
                             azure->attest.extra.len, err);
    return status;
}
