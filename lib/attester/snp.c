/*
 * attester/snp.c - AMD SEV-SNP: reports, and the certificates that the host has for them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/snp.h"

#include "attester/paths.h"
#include "attester/tsm.h"
#include "base/fail.h"
#include "base/reader.h"
#include "tee/snp_certs.h"

#include <stdlib.h>
#include <string.h>

/* SEV_FW_BLOB_MAX_SIZE: what the driver takes, in whole pages. */
#define PAGE ((size_t)4096)
#define TABLE_SIZE ((size_t)16 << 10)
#define TRIES 3
#define REPORT_AT 32 /* in the response: behind status, size and what is reserved */

static bool
detect(void)
{
    return coco_path_exists(COCO_PATH_SEV_PLATFORM) || coco_tsm_detect(&coco_kernel, COCO_TSM_SEV);
}

/* ---- configfs-tsm ---- */

static coco_status
ask_tsm(const struct coco_kernel *kernel, const uint8_t report_data[COCO_SNP_REPORT_DATA_SIZE],
        struct coco_buf *report, struct coco_buf *table, coco_error **err)
{
    const struct coco_tsm_request request = {
        .provider = COCO_TSM_SEV,
        .inblob = report_data,
        .len = COCO_SNP_REPORT_DATA_SIZE,
        .at_floor = true,
    };

    return coco_tsm_ask(kernel, &request, report, table, err);
}

/* ---- /dev/sev-guest ---- */

/* What the kernel runs at: 0, but below an SVSM. Kernels that do not say run at 0. */
static coco_status
read_vmpl(const struct coco_kernel *kernel, uint32_t *ret, coco_error **err)
{
    _cleanup_free_ char *path = NULL;
    _cleanup_buf_ struct coco_buf line = {.limit = 16};
    coco_error *why = NULL;
    bool is_missing = false;

    coco_status status = coco_path_get(COCO_PATH_SEV_VMPL, NULL, &path, err);
    if (status != COCO_OK)
        return status;
    (void)coco_kernel_read_line(kernel, path, &line, &why);
    status = coco_forgive(why, COCO_ERR_NOTFOUND, &is_missing, err);
    *ret = 0;
    if (status != COCO_OK || is_missing)
        return status;
    if (line.len != 1 || line.data[0] < '0' || line.data[0] > '3')
        return coco_fail(err, COCO_ERR_IO, "'%s' is '%s', no VMPL", path, coco_buf_text(&line));
    *ret = (uint32_t)(line.data[0] - '0');
    return COCO_OK;
}

struct exchange {
    struct coco_sev_ext_report_request request;
    uint8_t response[COCO_SEV_RESPONSE_SIZE];
    struct coco_sev_request call;
};

/* A host that is busy says so; Linux asks it again by itself since 6.2. */
static coco_status
call_device(const struct coco_kernel *kernel, const char *path, struct exchange *exchange,
            coco_error **err)
{
    coco_status status = COCO_OK;

    for (int i = 0; i < TRIES; i++) {
        coco_error *why = NULL;
        bool is_busy = false;

        exchange->call.fw_err = 0;
        exchange->call.vmm_err = 0;
        (void)coco_kernel_ask(kernel, path, COCO_SEV_GET_EXT_REPORT, &exchange->call, &why);
        if (exchange->call.vmm_err == COCO_SEV_VMM_BUSY && i + 1 < TRIES)
            status = coco_forgive(why, COCO_ERR_IO, &is_busy, err);
        else
            status = coco_forgive(why, COCO_OK, &is_busy, err);
        if (!is_busy)
            break;
    }
    if (status == COCO_OK)
        return COCO_OK;
    return coco_wrap(err, status, "firmware 0x%x, host 0x%x", exchange->call.fw_err,
                     exchange->call.vmm_err);
}

static coco_status
take_response(const uint8_t *response, struct coco_buf *report, coco_error **err)
{
    struct coco_reader r = coco_reader_of(response, COCO_SEV_RESPONSE_SIZE);
    uint32_t status = coco_read_u32le(&r);
    uint32_t size = coco_read_u32le(&r);

    if (status != 0 || size != COCO_SNP_REPORT_SIZE)
        return coco_fail(err, COCO_ERR_IO, "the firmware's report: status 0x%x, %u bytes", status,
                         size);
    return coco_buf_append(report, response + REPORT_AT, size, err);
}

static coco_status
ask_device(const struct coco_kernel *kernel, const uint8_t report_data[COCO_SNP_REPORT_DATA_SIZE],
           struct coco_buf *report, struct coco_buf *table, coco_error **err)
{
    _cleanup_free_ struct exchange *exchange = calloc(1, sizeof(*exchange));
    _cleanup_free_ uint8_t *memory = calloc(1, TABLE_SIZE + PAGE); /* the table is on whole pages */
    _cleanup_free_ char *path = NULL;

    if (!exchange || !memory)
        return coco_fail_nomem(err);
    uint8_t *pages = memory + (PAGE - (uintptr_t)memory % PAGE) % PAGE;
    memcpy(exchange->request.data.user_data, report_data, COCO_SNP_REPORT_DATA_SIZE);
    exchange->request.certs_address = (uintptr_t)pages;
    exchange->request.certs_len = TABLE_SIZE;
    exchange->call.msg_version = 1;
    exchange->call.req_data = (uintptr_t)&exchange->request;
    exchange->call.resp_data = (uintptr_t)exchange->response;

    coco_status status = read_vmpl(kernel, &exchange->request.data.vmpl, err);
    if (status == COCO_OK)
        status = coco_path_get(COCO_PATH_SEV_GUEST, NULL, &path, err);
    if (status == COCO_OK)
        status = call_device(kernel, path, exchange, err);
    if (status == COCO_OK)
        status = take_response(exchange->response, report, err);
    if (status == COCO_OK)
        status = coco_buf_append(table, pages, TABLE_SIZE, err);
    return status;
}

/* ---- Evidence ---- */

/* T30: an answer to somebody else's question would only be refused later, and elsewhere. */
static coco_status
take_report(const struct coco_buf *data, const uint8_t report_data[COCO_SNP_REPORT_DATA_SIZE],
            struct coco_snp_report *ret, coco_error **err)
{
    coco_status status = coco_snp_report_parse(data->data, data->len, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "report of the kernel");
    if (memcmp(ret->report_data, report_data, COCO_SNP_REPORT_DATA_SIZE) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "report of the kernel holds other report data");
    return COCO_OK;
}

/* By configfs-tsm, which there is since Linux 6.7, or else by the device. */
static coco_status
get_report(const struct coco_kernel *kernel, const uint8_t report_data[COCO_SNP_REPORT_DATA_SIZE],
           struct coco_snp_evidence *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf report = {.limit = COCO_TSM_OUTBLOB_MAX};
    _cleanup_buf_ struct coco_buf table = {.limit = COCO_TSM_AUXBLOB_MAX};
    coco_error *why = NULL;
    bool is_old = false;

    (void)ask_tsm(kernel, report_data, &report, &table, &why);
    coco_status status = coco_forgive(why, COCO_ERR_NOTSUP, &is_old, err);
    if (status == COCO_OK && is_old)
        status = ask_device(kernel, report_data, &report, &table, err);
    if (status == COCO_OK)
        status = take_report(&report, report_data, &ret->report, err);
    if (status == COCO_OK)
        status = coco_snp_certs_parse(table.data, table.len, &ret->certs, err);
    return status;
}

static coco_status
collect(void *self, coco_ctx *ctx, const struct coco_evidence_request *request,
        struct coco_buf *evidence, coco_error **err)
{
    const struct coco_machine *machine = self;
    _cleanup_snp_evidence_ struct coco_snp_evidence collected = {0};
    uint8_t report_data[COCO_SNP_REPORT_DATA_SIZE] = {0};

    (void)ctx;
    memcpy(report_data, request->report_data, request->len);
    coco_status status = get_report(machine->kernel, report_data, &collected, err);
    if (status == COCO_OK)
        status = coco_snp_evidence_format(&collected, evidence, err);
    return status;
}

static coco_status
bind_init_data(void *self, const uint8_t *digest, size_t len, coco_error **err)
{
    const struct coco_machine *machine = self;
    _cleanup_snp_evidence_ struct coco_snp_evidence collected = {0};
    uint8_t report_data[COCO_SNP_REPORT_DATA_SIZE] = {0};
    uint8_t want[COCO_SNP_HOST_DATA_SIZE] = {0};

    memcpy(want, digest, len < sizeof(want) ? len : sizeof(want));
    coco_status status = get_report(machine->kernel, report_data, &collected, err);
    if (status == COCO_OK && memcmp(want, collected.report.host_data, sizeof(want)) != 0)
        status = coco_fail(err, COCO_ERR_VERIFY,
                           "the machine was started with other init data (HOST_DATA)");
    return status;
}

const struct coco_attester_driver coco_snp_attester = {
    .tee = "snp",
    .detect = detect,
    .open = coco_machine_open,
    .close = coco_machine_close,
    .collect = collect,
    .bind_init_data = bind_init_data,
};
