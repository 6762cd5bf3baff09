/*
 * verifier/azure_tdx.c - evidence of Azure's confidential VMs on Intel TDX
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/azure.h"
#include "verifier/tdx.h"

static coco_status
verify(const struct coco_verification *verification, coco_verdict *verdict, cJSON *claims,
       coco_error **err)
{
    _cleanup_azure_ struct coco_azure azure = {0};
    struct coco_quote quote = {0};

    coco_status status = coco_azure_parse(verification->evidence, COCO_HCL_TDX, &azure, err);
    if (status == COCO_OK)
        status = coco_tdx_verify_quote(verification, azure.evidence.voucher.data,
                                       azure.evidence.voucher.len, verdict, claims, &quote, err);
    if (status == COCO_OK)
        status = coco_check_azure(verification, verdict, &azure, quote.td.report_data,
                                  sizeof(quote.td.report_data), err);
    if (status == COCO_OK)
        status = coco_claim_azure(claims, &azure, err);
    return status;
}

const struct coco_verifier_driver coco_az_tdx_verifier = {.tee = "az-tdx-vtpm", .verify = verify};
