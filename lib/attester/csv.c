/*
 * attester/csv.c - Hygon CSV: reports, and what was measured since
 *
 * The certificates between Hygon and the chip are for the verifier to have: a guest would have
 * to fetch them before it has any way to trust a network.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/csv.h"

#include "attester/cclog.h"
#include "attester/paths.h"
#include "base/fail.h"
#include "base/secret.h"
#include "tee/ccel.h"

#include <string.h>

static bool
detect(void)
{
    return coco_path_exists(COCO_PATH_CSV_GUEST);
}

static coco_status
ask(const struct coco_kernel *kernel, unsigned long request, void *arg, coco_error **err)
{
    _cleanup_free_ char *path = NULL;

    coco_status status = coco_path_get(COCO_PATH_CSV_GUEST, NULL, &path, err);
    if (status == COCO_OK)
        status = coco_kernel_ask(kernel, path, request, arg, err);
    return status;
}

/* ---- Registers ---- */

static coco_status
ask_register(const struct coco_kernel *kernel, enum coco_csv_rtmr_command command, void *about,
             size_t len, coco_error **err)
{
    struct coco_csv_guest_rtmr request = {
        .addr = (uintptr_t)about,
        .len = len,
        .command = (uint16_t)command,
    };

    coco_status status = ask(kernel, COCO_CSV_RTMR_REQ, &request, err);
    if (status == COCO_OK && request.firmware_error != 0)
        status = coco_fail(err, COCO_ERR_IO, "the firmware says 0x%x of its registers",
                           request.firmware_error);
    return status;
}

/* Firmware that has registers has reports of version 2, which hold them. */
static coco_status
find_version(const struct coco_kernel *kernel, uint32_t *ret, coco_error **err)
{
    struct coco_csv_rtmr_status about = {0};
    coco_error *why = NULL;
    bool is_old = false;

    (void)ask_register(kernel, COCO_CSV_RTMR_STATUS, &about, sizeof(about), &why);
    coco_status status = coco_forgive(why, COCO_ERR_IO, &is_old, err);
    *ret = is_old ? 1 : 2;
    return status;
}

/* PCR 0 is the launch measurement, which nobody extends. */
static uint32_t
register_of(unsigned pcr)
{
    return pcr == 0 ? 0 : coco_ccmr_of_pcr(pcr);
}

static coco_status
extend(void *self, unsigned pcr, const uint8_t *digest, coco_error **err)
{
    const struct coco_machine *machine = self;
    struct coco_csv_rtmr_extend about = {
        .index = (uint8_t)register_of(pcr),
        .len = COCO_CSV_REGISTER_SIZE,
    };

    memcpy(about.digest, digest, sizeof(about.digest));
    return ask_register(machine->kernel, COCO_CSV_RTMR_EXTEND, &about, sizeof(about), err);
}

static coco_status
read_register(void *self, unsigned pcr, uint8_t *ret, coco_error **err)
{
    const struct coco_machine *machine = self;
    struct coco_csv_rtmr_read about = {.bitmap = UINT32_C(1) << register_of(pcr)};

    coco_status status =
        ask_register(machine->kernel, COCO_CSV_RTMR_READ, &about, sizeof(about), err);
    if (status == COCO_OK)
        memcpy(ret, about.value, sizeof(about.value));
    return status;
}

/* ---- Evidence ---- */

static coco_status
get_report(const struct coco_kernel *kernel, const struct coco_csv_request *request,
           struct coco_csv_evidence *ret, coco_error **err)
{
    uint8_t page[COCO_CSV_REPORT_SIZE];
    struct coco_csv_guest_report about = {.addr = (uintptr_t)page, .len = sizeof(page)};

    coco_status status = coco_csv_request_format(request, page, err);
    if (status == COCO_OK)
        status = ask(kernel, COCO_CSV_GET_REPORT, &about, err);
    if (status == COCO_OK)
        status = coco_csv_page_read(page, request, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "report of CSV");
}

static coco_status
collect(void *self, coco_ctx *ctx, const struct coco_evidence_request *asked,
        struct coco_buf *evidence, coco_error **err)
{
    const struct coco_machine *machine = self;
    _cleanup_csv_evidence_ struct coco_csv_evidence parts = {.eventlog = {.limit = COCO_CCLOG_MAX}};
    struct coco_csv_request request = {0};

    (void)ctx;
    memcpy(request.report_data, asked->report_data, asked->len);
    coco_status status = coco_random(request.mnonce, sizeof(request.mnonce), err);
    if (status == COCO_OK)
        status = find_version(machine->kernel, &request.version, err);
    if (status == COCO_OK)
        status = get_report(machine->kernel, &request, &parts, err);
    if (status == COCO_OK)
        status = coco_cclog_read(machine->kernel, &parts.eventlog, err);
    if (status == COCO_OK)
        status = coco_csv_evidence_format(&parts, evidence, err);
    return status;
}

const struct coco_attester_driver coco_csv_attester = {
    .tee = "csv",
    .detect = detect,
    .open = coco_machine_open,
    .close = coco_machine_close,
    .collect = collect,
    .register_alg = "sm3",
    .register_size = COCO_CSV_REGISTER_SIZE,
    .extend = extend,
    .read_register = read_register,
    .log_index = register_of,
};
