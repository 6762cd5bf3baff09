/*
 * attester/azure.c - evidence of Azure's confidential VMs
 *
 * The guest does not reach the chip: what is below it, the HCL, asks it and lays
 * the answer into the TPM that it gives to the guest. Report data go the same way,
 * in one NV index and, with the next report, out of another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/imds.h"
#include "attester/tpm.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/fail.h"
#include "tee/hcl_evidence.h"

#include <openssl/crypto.h>
#include <poll.h>
#include <string.h>

#define NV_REPORT 0x01400001U
#define NV_REPORT_DATA 0x01400002U
#define AK_HANDLE 0x81000003U

#define EVIDENCE_VERSION 2

/* The HCL needs a second or two for a new report; upstream waits for three. */
#define REPORT_WAIT_MS 10000
#define LOOK_AGAIN_MS 100

static coco_status
write_report_data(const struct coco_evidence_request *request, coco_error **err)
{
    _cleanup_(coco_tpm_device_closep) struct coco_tpm_device *device = NULL;

    coco_status status = coco_tpm_device_open(&device, err);
    if (status == COCO_OK)
        status = coco_tpm_device_nv_write(device, NV_REPORT_DATA, request->report_data,
                                          request->len, err);
    return status;
}

static coco_status
read_report(struct coco_buf *buf, struct coco_hcl_report *ret, coco_error **err)
{
    _cleanup_(coco_tpm_device_closep) struct coco_tpm_device *device = NULL;

    coco_buf_reset(buf);
    coco_status status = coco_tpm_device_open(&device, err);
    if (status == COCO_OK)
        status = coco_tpm_device_nv_read(device, NV_REPORT, buf, err);
    if (status == COCO_OK)
        status = coco_hcl_report_parse(buf->data, buf->len, ret, err);
    return status;
}

/* Whether it was made with the report data. */
static coco_status
is_fresh(const struct coco_hcl_report *report, const struct coco_evidence_request *request,
         bool *ret, coco_error **err)
{
    _cleanup_hcl_runtime_ struct coco_hcl_runtime runtime = {0};

    coco_status status = coco_hcl_runtime_parse(report, &runtime, err);
    *ret = status == COCO_OK && runtime.user_data_len >= request->len
           && CRYPTO_memcmp(runtime.user_data, request->report_data, request->len) == 0;
    return status;
}

/*
 * Gives the report data to the HCL, and waits until it has laid out a report with
 * them. Others may use the TPM meanwhile.
 */
static coco_status
renew_report(coco_ctx *ctx, const struct coco_evidence_request *request, struct coco_buf *buf,
             struct coco_hcl_report *ret, coco_error **err)
{
    struct pollfd canceled = {.fd = coco_ctx_cancel_fd(ctx), .events = POLLIN};
    uint64_t end = coco_clock_ms() + REPORT_WAIT_MS;
    bool fresh = false;

    coco_status status = write_report_data(request, err);
    while (status == COCO_OK) {
        status = read_report(buf, ret, err);
        if (status == COCO_OK)
            status = is_fresh(ret, request, &fresh, err);
        if (status != COCO_OK || fresh)
            break;
        if (coco_clock_ms() > end)
            return coco_fail(err, COCO_ERR_IO, "HCL has made no report with the report data");
        (void)poll(&canceled, 1, LOOK_AGAIN_MS);
        status = coco_ctx_check(ctx, err);
    }
    return status;
}

static coco_status
quote(const struct coco_evidence_request *request, struct coco_tpm_quote *ret, coco_error **err)
{
    _cleanup_(coco_tpm_device_closep) struct coco_tpm_device *device = NULL;

    coco_status status = coco_tpm_device_open(&device, err);
    if (status == COCO_OK)
        status =
            coco_tpm_device_quote(device, AK_HANDLE, request->report_data, request->len, ret, err);
    return status;
}

static coco_status
fetch_voucher(coco_ctx *ctx, const struct coco_hcl_report *report, struct coco_buf *ret,
              coco_error **err)
{
    if (report->hardware == COCO_HCL_SNP)
        return coco_imds_vcek(ctx, ret, err);
    return coco_imds_td_quote(ctx, report->report, COCO_HCL_TDX_SIZE, ret, err);
}

static coco_status
collect(enum coco_hcl_hardware hardware, coco_ctx *ctx, const struct coco_evidence_request *request,
        struct coco_buf *ret, coco_error **err)
{
    _cleanup_hcl_evidence_ struct coco_hcl_evidence evidence = coco_hcl_evidence_empty();
    struct coco_hcl_report report = {0};

    evidence.version = EVIDENCE_VERSION;
    coco_status status = renew_report(ctx, request, &evidence.report, &report, err);
    if (status == COCO_OK && report.hardware != hardware)
        status = coco_fail(err, COCO_ERR_NOTSUP, "HCL's report is of other hardware");
    if (status == COCO_OK)
        status = quote(request, &evidence.quote, err);
    if (status == COCO_OK)
        status = fetch_voucher(ctx, &report, &evidence.voucher, err);
    if (status == COCO_OK)
        status = coco_hcl_evidence_format(&evidence, hardware, ret, err);
    return status;
}

static coco_status
collect_snp(void *self, coco_ctx *ctx, const struct coco_evidence_request *request,
            struct coco_buf *evidence, coco_error **err)
{
    (void)self;
    return collect(COCO_HCL_SNP, ctx, request, evidence, err);
}

static coco_status
collect_tdx(void *self, coco_ctx *ctx, const struct coco_evidence_request *request,
            struct coco_buf *evidence, coco_error **err)
{
    (void)self;
    return collect(COCO_HCL_TDX, ctx, request, evidence, err);
}

/* Any other TPM has no such NV index, or no such thing in it. */
static bool
detect(enum coco_hcl_hardware hardware)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = COCO_HCL_REPORT_MAX};
    struct coco_hcl_report report = {0};

    return coco_tpm_device_detect() && read_report(&bytes, &report, NULL) == COCO_OK
           && report.hardware == hardware;
}

static bool
detect_snp(void)
{
    return detect(COCO_HCL_SNP);
}

static bool
detect_tdx(void)
{
    return detect(COCO_HCL_TDX);
}

const struct coco_attester_driver coco_az_snp_attester = {
    .tee = "az-snp-vtpm",
    .detect = detect_snp,
    .collect = collect_snp,
    .register_alg = "sha256",
    .register_size = COCO_TPM_PCR_SIZE,
    .extend = coco_tpm_attester_extend,
    .read_register = coco_tpm_attester_read,
    .bind_init_data = coco_tpm_attester_bind,
};

const struct coco_attester_driver coco_az_tdx_attester = {
    .tee = "az-tdx-vtpm",
    .detect = detect_tdx,
    .collect = collect_tdx,
    .register_alg = "sha256",
    .register_size = COCO_TPM_PCR_SIZE,
    .extend = coco_tpm_attester_extend,
    .read_register = coco_tpm_attester_read,
    .bind_init_data = coco_tpm_attester_bind,
};
