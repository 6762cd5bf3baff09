/*
 * attester/tdx.c - Intel TDX: quotes, and what was measured since
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/tdx.h"

#include "attester/cclog.h"
#include "attester/paths.h"
#include "attester/tsm.h"
#include "base/fail.h"
#include "base/json.h"
#include "tee/ccel.h"
#include "tee/quote.h"

#include <stdio.h>
#include <string.h>

#define REGISTER_SIZE 48 /* SHA-384 */

static bool
detect(void)
{
    return coco_tsm_detect(&coco_kernel, COCO_TSM_TDX) || coco_path_exists(COCO_PATH_TDX_GUEST);
}

/* ---- Evidence ---- */

/*
 * T30: an answer to somebody else's question would only be refused later, and
 * elsewhere. A quote of a version that is not known here is for the verifier to judge.
 */
static coco_status
check_quote(const struct coco_buf *data, const uint8_t report_data[COCO_TSM_INBLOB_MAX],
            coco_error **err)
{
    struct coco_quote quote;
    coco_error *why = NULL;
    bool is_unknown = false;

    (void)coco_quote_parse(data->data, data->len, &quote, &why);
    coco_status status = coco_forgive(why, COCO_ERR_NOTSUP, &is_unknown, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "quote of the kernel");
    if (is_unknown)
        return COCO_OK;
    if (quote.body == COCO_QUOTE_SGX
        || memcmp(quote.td.report_data, report_data, sizeof(quote.td.report_data)) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "quote of the kernel holds other report data");
    return COCO_OK;
}

static coco_status
get_quote(const struct coco_kernel *kernel, const struct coco_evidence_request *request,
          struct coco_buf *quote, coco_error **err)
{
    uint8_t report_data[COCO_TSM_INBLOB_MAX] = {0};
    const struct coco_tsm_request question = {
        .provider = COCO_TSM_TDX,
        .inblob = report_data,
        .len = sizeof(report_data),
    };

    memcpy(report_data, request->report_data, request->len);
    coco_status status = coco_tsm_ask(kernel, &question, quote, NULL, err);
    if (status == COCO_OK)
        status = check_quote(quote, report_data, err);
    return status;
}

/* Upstream's: {"cc_eventlog":"<base64>" or null,"quote":"<base64>"}. */
static coco_status
write_evidence(const struct coco_buf *log, const struct coco_buf *quote, struct coco_buf *evidence,
               coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = log->len > 0
                     ? coco_json_add_base64(object, "cc_eventlog", log->data, log->len, err)
                     : coco_json_add_null(object, "cc_eventlog", err);
    if (status == COCO_OK)
        status = coco_json_add_base64(object, "quote", quote->data, quote->len, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, evidence, err);
    return status;
}

static coco_status
collect(void *self, coco_ctx *ctx, const struct coco_evidence_request *request,
        struct coco_buf *evidence, coco_error **err)
{
    const struct coco_machine *machine = self;
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_TSM_OUTBLOB_MAX};
    _cleanup_buf_ struct coco_buf log = {.limit = COCO_CCLOG_MAX};

    (void)ctx;
    coco_status status = get_quote(machine->kernel, request, &quote, err);
    if (status == COCO_OK)
        status = coco_cclog_read(machine->kernel, &log, err);
    if (status == COCO_OK)
        status = write_evidence(&log, &quote, evidence, err);
    return status;
}

/* ---- Registers ---- */

/* RTMR0 is register 1 of event logs. */
static unsigned
register_of(unsigned pcr)
{
    return coco_ccmr_of_pcr(pcr) - 1;
}

static coco_status
register_path(unsigned pcr, char **ret, coco_error **err)
{
    char name[32];

    (void)snprintf(name, sizeof(name), "rtmr%u:sha384", register_of(pcr));
    return coco_path_get(COCO_PATH_TDX_MEASUREMENTS, name, ret, err);
}

/* Linux 6.16: a write of a whole digest extends. */
static coco_status
extend(void *self, unsigned pcr, const uint8_t *digest, coco_error **err)
{
    const struct coco_machine *machine = self;
    _cleanup_free_ char *path = NULL;

    coco_status status = register_path(pcr, &path, err);
    if (status == COCO_OK)
        status = coco_kernel_write(machine->kernel, path, digest, REGISTER_SIZE, err);
    if (status == COCO_ERR_NOTFOUND)
        return coco_wrap(err, status, "registers are extended from Linux 6.16 on");
    return status;
}

/* A report that stays on this machine, by the call that there was before configfs-tsm. */
static coco_status
get_report(const struct coco_kernel *kernel, struct coco_tdreport *ret, coco_error **err)
{
    struct coco_tdx_report_request request = {0};
    _cleanup_free_ char *path = NULL;

    coco_status status = coco_path_get(COCO_PATH_TDX_GUEST, NULL, &path, err);
    if (status == COCO_OK)
        status = coco_kernel_ask(kernel, path, COCO_TDX_GET_REPORT0, &request, err);
    if (status == COCO_OK)
        status = coco_tdreport_parse(request.report, sizeof(request.report), ret, err);
    return status;
}

/* One of the files of registers; COCO_ERR_NOTFOUND before Linux 6.16. */
static coco_status
read_file(const struct coco_kernel *kernel, const char *path, uint8_t ret[REGISTER_SIZE],
          coco_error **err)
{
    _cleanup_buf_ struct coco_buf value = {.limit = REGISTER_SIZE};

    coco_status status = coco_kernel_read(kernel, path, &value, err);
    if (status != COCO_OK)
        return status;
    if (value.len != REGISTER_SIZE)
        return coco_fail(err, COCO_ERR_IO, "'%s' has %zu bytes, not %d", path, value.len,
                         REGISTER_SIZE);
    memcpy(ret, value.data, REGISTER_SIZE);
    return COCO_OK;
}

/* What the file at path says, or else the report, at that place. */
static coco_status
read_value(const struct coco_kernel *kernel, const char *path, size_t at,
           uint8_t ret[REGISTER_SIZE], coco_error **err)
{
    struct coco_tdreport report;
    coco_error *why = NULL;
    bool is_old = false;

    (void)read_file(kernel, path, ret, &why);
    coco_status status = coco_forgive(why, COCO_ERR_NOTFOUND, &is_old, err);
    if (status != COCO_OK || !is_old)
        return status;
    status = get_report(kernel, &report, err);
    if (status == COCO_OK)
        memcpy(ret, (const uint8_t *)&report + at, REGISTER_SIZE);
    return status;
}

static coco_status
read_register(void *self, unsigned pcr, uint8_t *ret, coco_error **err)
{
    const struct coco_machine *machine = self;
    _cleanup_free_ char *path = NULL;

    coco_status status = register_path(pcr, &path, err);
    if (status == COCO_OK)
        status = read_value(machine->kernel, path,
                            offsetof(struct coco_tdreport, rtmr)
                                + (size_t)REGISTER_SIZE * register_of(pcr),
                            ret, err);
    return status;
}

static coco_status
bind_init_data(void *self, const uint8_t *digest, size_t len, coco_error **err)
{
    const struct coco_machine *machine = self;
    uint8_t want[REGISTER_SIZE] = {0};
    uint8_t got[REGISTER_SIZE];
    _cleanup_free_ char *path = NULL;

    memcpy(want, digest, len < sizeof(want) ? len : sizeof(want));
    coco_status status = coco_path_get(COCO_PATH_TDX_MEASUREMENTS, "mrconfigid", &path, err);
    if (status == COCO_OK)
        status = read_value(machine->kernel, path, offsetof(struct coco_tdreport, mr_config_id),
                            got, err);
    if (status == COCO_OK && memcmp(want, got, sizeof(want)) != 0)
        status = coco_fail(err, COCO_ERR_VERIFY,
                           "the machine was started with other init data (MRCONFIGID)");
    return status;
}

const struct coco_attester_driver coco_tdx_attester = {
    .tee = "tdx",
    .detect = detect,
    .open = coco_machine_open,
    .close = coco_machine_close,
    .collect = collect,
    .register_alg = "sha384",
    .register_size = REGISTER_SIZE,
    .extend = extend,
    .read_register = read_register,
    .log_index = coco_ccmr_of_pcr,
    .bind_init_data = bind_init_data,
};
