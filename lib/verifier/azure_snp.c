/*
 * verifier/azure_snp.c - evidence of Azure's confidential VMs on AMD SEV-SNP
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/azure.h"
#include "verifier/snp.h"

#include "base/fail.h"
#include "crypto/cert.h"

#include <stdio.h>

/* The certificate of the chip; those above it are the maker's, and collateral. */
static coco_status
add_vcek(const struct coco_buf *voucher, struct coco_snp_certs *ret, coco_error **err)
{
    _cleanup_cert_ X509 *cert = NULL;
    uint8_t *der = NULL;

    coco_status status = coco_cert_parse(voucher->data, voucher->len, &cert, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "vcek");
    int len = i2d_X509(cert, &der);
    if (len < 0)
        return coco_fail_nomem(err);
    status = coco_snp_certs_add(ret, COCO_SNP_CERT_VCEK, der, (size_t)len, err);
    OPENSSL_free(der);
    return status;
}

/* ---- claims: upstream has texts of all of them here, unlike those of the TEE "snp" ---- */

static coco_status
claim_number(cJSON *claims, const char *name, unsigned value, coco_error **err)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%u", value);
    return coco_json_add_string(claims, name, text, err);
}

static coco_status
claim_flags(cJSON *claims, const struct coco_snp_report *report, coco_error **err)
{
    const struct {
        const char *name;
        bool value;
    } flags[] = {
        {"policy_smt_allowed", (report->policy & COCO_SNP_POLICY_SMT) != 0},
        {"policy_migrate_ma", (report->policy & COCO_SNP_POLICY_MIGRATE_MA) != 0},
        {"policy_debug_allowed", (report->policy & COCO_SNP_POLICY_DEBUG) != 0},
        {"policy_single_socket", (report->policy & COCO_SNP_POLICY_SINGLE_SOCKET) != 0},
        {"platform_tsme_enabled", (report->platform_info & COCO_SNP_PLATFORM_TSME) != 0},
        {"platform_smt_enabled", (report->platform_info & COCO_SNP_PLATFORM_SMT) != 0},
    };
    coco_status status = COCO_OK;

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]) && status == COCO_OK; i++)
        status =
            coco_json_add_string(claims, flags[i].name, flags[i].value ? "true" : "false", err);
    return status;
}

static coco_status
claim_report(cJSON *claims, const struct coco_snp_report *report, coco_error **err)
{
    const struct {
        const char *name;
        unsigned value;
    } numbers[] = {
        {"policy_abi_major", (unsigned)(report->policy >> 8 & 0xff)},
        {"policy_abi_minor", (unsigned)(report->policy & 0xff)},
        {"reported_tcb_bootloader", report->reported_tcb.bootloader},
        {"reported_tcb_tee", report->reported_tcb.tee},
        {"reported_tcb_snp", report->reported_tcb.snp},
        {"reported_tcb_microcode", report->reported_tcb.microcode},
    };
    coco_status status = claim_flags(claims, report, err);

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && status == COCO_OK; i++)
        status = claim_number(claims, numbers[i].name, numbers[i].value, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(claims, "measurement", report->measurement,
                                      sizeof(report->measurement), err);
    return status;
}

/* ---- the TEE ---- */

static coco_status
verify(const struct coco_verification *verification, coco_verdict *verdict, cJSON *claims,
       coco_error **err)
{
    _cleanup_azure_ struct coco_azure azure = {0};
    _cleanup_snp_certs_ struct coco_snp_certs certs = {0};
    struct coco_snp_report report = {0};

    coco_status status = coco_azure_parse(verification->evidence, COCO_HCL_SNP, &azure, err);
    if (status == COCO_OK)
        status = coco_snp_report_parse(azure.report.report, COCO_HCL_SNP_SIZE, &report, err);
    if (status == COCO_OK)
        status = add_vcek(&azure.evidence.voucher, &certs, err);
    if (status == COCO_OK)
        status = coco_check_snp_report(verification, verdict, &report, &certs, err);
    if (status == COCO_OK)
        status = coco_check_azure(verification, verdict, &azure, report.report_data,
                                  sizeof(report.report_data), err);
    if (status == COCO_OK)
        status = claim_report(claims, &report, err);
    if (status == COCO_OK)
        status = coco_claim_azure(claims, &azure, err);
    return status;
}

const struct coco_verifier_driver coco_az_snp_verifier = {.tee = "az-snp-vtpm", .verify = verify};
