/*
 * verifier/sgx.c - evidence of Intel SGX
 *
 *     {"quote": base64}
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"
#include "tee/quote.h"
#include "verifier/dcap.h"

#include <stdio.h>

#define FLAG_DEBUG 0x02U /* in the first byte of the attributes (Intel SDM, "ATTRIBUTES") */

#define HEADER(name, member) COCO_DCAP_FIELD(name, coco_quote_header, member)
#define BODY(name, member) COCO_DCAP_FIELD(name, coco_sgx_report, member)

static const struct coco_dcap_field header_fields[] = {
    HEADER("version", version),         HEADER("att_key_type", key_type),
    HEADER("att_key_data_0", tee_type), HEADER("qe_svn", qe_svn),
    HEADER("pce_svn", pce_svn),         HEADER("vendor_id", vendor_id),
    HEADER("user_data", user_data),
};

static const struct coco_dcap_field body_fields[] = {
    BODY("cpu_svn", cpu_svn),         BODY("misc_select", misc_select),
    BODY("reserved1", reserved1),     BODY("isv_ext_prod_id", isv_ext_prod_id),
    BODY("attributes.flags", flags),  BODY("attributes.xfrm", xfrm),
    BODY("mr_enclave", mr_enclave),   BODY("reserved2", reserved2),
    BODY("mr_signer", mr_signer),     BODY("reserved3", reserved3),
    BODY("config_id", config_id),     BODY("isv_prod_id", isv_prod_id),
    BODY("isv_svn", isv_svn),         BODY("config_svn", config_svn),
    BODY("reserved4", reserved4),     BODY("isv_family_id", isv_family_id),
    BODY("report_data", report_data),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static coco_status
add_claims(const struct coco_quote *quote, cJSON *claims, coco_error **err)
{
    coco_status status = coco_dcap_claim_fields(claims, "header", header_fields,
                                                COUNT(header_fields), &quote->header, err);
    if (status == COCO_OK)
        status = coco_dcap_claim_fields(claims, "body", body_fields, COUNT(body_fields),
                                        &quote->sgx, err);
    if (status == COCO_OK)
        status = coco_claim_hex(claims, "report_data", quote->sgx.report_data,
                                sizeof(quote->sgx.report_data), err);
    if (status == COCO_OK)
        status = coco_claim_hex(claims, "init_data", quote->sgx.config_id,
                                sizeof(quote->sgx.config_id), err);
    return status;
}

static coco_status
add_checks(const struct coco_verification *verification, const struct coco_quote *quote,
           coco_verdict *verdict, coco_error **err)
{
    char got[64];

    (void)snprintf(got, sizeof(got), "attributes %02x", quote->sgx.flags[0]);
    coco_status status = coco_verdict_add(verdict, "debug", !(quote->sgx.flags[0] & FLAG_DEBUG),
                                          "an enclave that cannot be debugged", got, err);
    if (status == COCO_OK)
        status = coco_check_report_data(verification, verdict, quote->sgx.report_data,
                                        sizeof(quote->sgx.report_data), err);
    if (status == COCO_OK)
        status = coco_check_init_data(verification, verdict, quote->sgx.config_id,
                                      sizeof(quote->sgx.config_id), err);
    return status;
}

static coco_status
verify(const struct coco_verification *verification, coco_verdict *verdict, cJSON *claims,
       coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = COCO_QUOTE_SIZE_MAX};
    struct coco_quote quote = {0};

    coco_status status = coco_dcap_decode(verification->evidence, &bytes, err);
    if (status == COCO_OK)
        status = coco_quote_parse(bytes.data, bytes.len, &quote, err);
    if (status != COCO_OK)
        return status;
    if (quote.body != COCO_QUOTE_SGX)
        return coco_fail(err, COCO_ERR_PROTO, "quote of a TD, not of an enclave");
    status = coco_dcap_verify(verification, &quote, verdict, claims, err);
    if (status == COCO_OK)
        status = add_checks(verification, &quote, verdict, err);
    if (status == COCO_OK)
        status = add_claims(&quote, claims, err);
    return status;
}

const struct coco_verifier_driver coco_sgx_verifier = {.tee = "sgx", .verify = verify};
