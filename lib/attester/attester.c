/*
 * attester/attester.c - evidence of the machine this runs on
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/cca.h"
#include "attester/csv.h"
#include "attester/driver.h"
#include "attester/nitro.h"
#include "attester/se.h"
#include "attester/sgx.h"
#include "attester/snp.h"
#include "attester/tdx.h"
#include "base/bytes.h"
#include "base/context.h"
#include "base/fail.h"
#include "config.h"

#include <stdlib.h>
#include <string.h>

/* In order of detection: a TEE that the environment names, then upstream's order. */
/* clang-format off */
static const struct coco_attester_driver *const drivers[] = {
    &coco_software_attester,
    &coco_tdx_attester,
    &coco_sgx_attester,
#if COCO_HAVE_TPM
    &coco_az_tdx_attester,
    &coco_az_snp_attester,
#endif
    &coco_snp_attester,
    &coco_csv_attester,
    &coco_cca_attester,
    &coco_se_attester,
    &coco_nitro_attester,
#if COCO_HAVE_TPM
    &coco_tpm_attester,
#endif
    &coco_sample_attester,
    &coco_sampledevice_attester,
};
/* clang-format on */
#define DRIVERS (sizeof(drivers) / sizeof(drivers[0]))

struct coco_attester {
    const struct coco_attester_driver *driver;
    void *self;
};

size_t
coco_tee_count(void)
{
    return DRIVERS;
}

const char *
coco_tee_name(size_t index)
{
    return index < DRIVERS ? drivers[index]->tee : NULL;
}

static const struct coco_attester_driver *
find(const char *tee)
{
    for (size_t i = 0; i < DRIVERS; i++)
        if (strcmp(drivers[i]->tee, tee) == 0)
            return drivers[i];
    return NULL;
}

static const struct coco_attester_driver *
detect(void)
{
    for (size_t i = 0; i < DRIVERS; i++)
        if (!drivers[i]->device && drivers[i]->detect())
            return drivers[i];
    return NULL;
}

bool
coco_tee_detected(const char *tee)
{
    const struct coco_attester_driver *driver = find(tee);

    return driver && driver->detect();
}

coco_status
coco_attester_wrap(const struct coco_attester_driver *driver, void *self, coco_attester **ret,
                   coco_error **err)
{
    coco_attester *attester = malloc(sizeof(*attester));
    if (!attester)
        return coco_fail_nomem(err);

    *attester = (coco_attester){.driver = driver, .self = self};
    *ret = attester;
    return COCO_OK;
}

coco_status
coco_attester_new(const char *tee, coco_attester **ret, coco_error **err)
{
    bool named = tee && tee[0] != '\0';
    const struct coco_attester_driver *driver = named ? find(tee) : detect();

    if (!driver && named)
        return coco_fail(err, COCO_ERR_NOTSUP, "cannot attest the TEE '%.40s'", tee);
    if (!driver)
        return coco_fail(err, COCO_ERR_NOTSUP, "no TEE detected");

    void *self = NULL;
    coco_status status = driver->open ? driver->open(&self, err) : COCO_OK;
    if (status != COCO_OK)
        return status;
    status = coco_attester_wrap(driver, self, ret, err);
    if (status != COCO_OK && driver->close)
        driver->close(self);
    return status;
}

void
coco_attester_free(coco_attester *attester)
{
    if (!attester)
        return;
    if (attester->driver->close)
        attester->driver->close(attester->self);
    free(attester);
}

const char *
coco_attester_tee(const coco_attester *attester)
{
    return attester->driver->tee;
}

coco_status
coco_attester_answer(coco_attester *attester, coco_ctx *ctx,
                     const struct coco_evidence_request *request, coco_bytes **ret,
                     coco_error **err)
{
    _cleanup_buf_ struct coco_buf evidence = {.limit = COCO_EVIDENCE_MAX};

    if (request->len == 0 || request->len > COCO_REPORT_DATA_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "report data of %zu bytes, not 1 to %d",
                         request->len, COCO_REPORT_DATA_MAX);

    coco_status status = coco_ctx_check(ctx, err);
    if (status == COCO_OK)
        status = attester->driver->collect(attester->self, ctx, request, &evidence, err);
    if (status != COCO_OK)
        return status;
    return coco_bytes_take(&evidence, ret, err);
}

coco_status
coco_attester_collect(coco_attester *attester, coco_ctx *ctx, const uint8_t *report_data,
                      size_t len, coco_bytes **ret, coco_error **err)
{
    return coco_attester_answer(
        attester, ctx, &(struct coco_evidence_request){.report_data = report_data, .len = len}, ret,
        err);
}

/* ---- What was measured at runtime ---- */

const char *
coco_attester_register_alg(const coco_attester *attester)
{
    return attester->driver->register_alg;
}

static coco_status
has_none(const coco_attester *attester, const char *what, coco_error **err)
{
    return coco_fail(err, COCO_ERR_NOTSUP, "%s has no %s", attester->driver->tee, what);
}

coco_status
coco_attester_extend(coco_attester *attester, unsigned pcr, const uint8_t *digest, size_t len,
                     coco_error **err)
{
    const struct coco_attester_driver *driver = attester->driver;

    if (!driver->extend)
        return has_none(attester, "registers to extend", err);
    if (len != driver->register_size)
        return coco_fail(err, COCO_ERR_INVALID, "digest of %zu bytes, not the %zu of %s", len,
                         driver->register_size, driver->register_alg);
    if (pcr > COCO_PCR_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "no PCR %u", pcr);
    return driver->extend(attester->self, pcr, digest, err);
}

coco_status
coco_attester_read_register(coco_attester *attester, unsigned pcr, coco_bytes **ret,
                            coco_error **err)
{
    const struct coco_attester_driver *driver = attester->driver;
    uint8_t value[COCO_REGISTER_MAX] = {0};

    if (!driver->read_register)
        return has_none(attester, "registers to read", err);
    if (pcr > COCO_PCR_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "no PCR %u", pcr);
    coco_status status = driver->read_register(attester->self, pcr, value, err);
    if (status == COCO_OK)
        status = coco_bytes_new(value, driver->register_size, ret, err);
    return status;
}

uint32_t
coco_attester_log_index(const coco_attester *attester, unsigned pcr)
{
    return attester->driver->log_index ? attester->driver->log_index(pcr) : pcr;
}

coco_status
coco_attester_bind_init_data(coco_attester *attester, const uint8_t *digest, size_t len,
                             coco_error **err)
{
    if (!attester->driver->bind_init_data)
        return has_none(attester, "place for init data", err);
    if (len == 0 || len > COCO_INIT_DATA_DIGEST_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "digest of init data of %zu bytes, not 1 to %d",
                         len, COCO_INIT_DATA_DIGEST_MAX);
    return attester->driver->bind_init_data(attester->self, digest, len, err);
}
