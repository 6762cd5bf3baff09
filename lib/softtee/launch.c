/*
 * softtee/launch.c - what boots, and what that measures to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/launch.h"

#include "base/bytes.h"
#include "base/fail.h"
#include "initdata/initdata.h"
#include "measure/snp.h"
#include "measure/tdx.h"
#include "softtee/bootlog.h"
#include "softtee/firmware.h"
#include "tee/eventlog.h"

#include <string.h>

#define PROCESSOR "EPYC-Genoa"
#define SNP_ACTIVE 1

/* The image that data is of, or else one that own has room for. */
static coco_status
find_firmware(const struct coco_softtee_launch *launch, uint8_t own[COCO_SOFTTEE_FIRMWARE_SIZE],
              struct coco_firmware *ret, coco_error **err)
{
    if (launch->firmware.data)
        return coco_firmware_parse(launch->firmware.data, launch->firmware.len, ret, err);
    coco_softtee_firmware(own);
    return coco_firmware_parse(own, COCO_SOFTTEE_FIRMWARE_SIZE, ret, err);
}

static coco_status
check(const struct coco_softtee_launch *launch, coco_error **err)
{
    if (!launch->has_kernel && (launch->kernel.initrd.len > 0 || launch->kernel.cmdline[0]))
        return coco_fail(err, COCO_ERR_INVALID, "an initrd or a command line, but no kernel");
    return COCO_OK;
}

static const struct coco_sev_kernel *
kernel_of(const struct coco_softtee_launch *launch)
{
    return launch->has_kernel ? &launch->kernel : NULL;
}

/* Zeros where there is no init data. */
static coco_status
bind_init_data(const struct coco_softtee_launch *launch, const char *tee, uint8_t *field,
               size_t size, coco_error **err)
{
    _cleanup_initdata_ coco_initdata *document = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *bound = NULL;

    if (!launch->init_data)
        return COCO_OK;
    coco_status status = coco_initdata_parse(launch->init_data, &document, err);
    if (status == COCO_OK)
        status = coco_initdata_field(document, tee, &bound, err);
    if (status == COCO_OK)
        memcpy(field, coco_bytes_data(bound), size);
    return status;
}

/* ---- TDX ---- */

void
coco_softtee_td_done(struct coco_softtee_td *td)
{
    coco_buf_done(&td->log);
}

/* The registers are what the log says. */
static coco_status
measure_boot(const struct coco_softtee_launch *launch, struct coco_softtee_td *td, coco_error **err)
{
    struct coco_eventlog log = {0};

    coco_status status = coco_bootlog_tdx(kernel_of(launch), &td->log, err);
    if (status == COCO_OK)
        status = coco_eventlog_parse(td->log.data, td->log.len, &log, err);
    for (uint32_t i = 0; i < COCO_SOFTTEE_REGISTERS && status == COCO_OK; i++)
        status = coco_eventlog_replay(&log, i + 1, COCO_TCG_SHA384, td->rtmr[i], err);
    return status;
}

coco_status
coco_softtee_measure_td(const struct coco_softtee_launch *launch, struct coco_softtee_td *ret,
                        coco_error **err)
{
    _cleanup_softtee_td_ struct coco_softtee_td td = {.log = {.limit = COCO_BOOTLOG_MAX}};
    uint8_t own[COCO_SOFTTEE_FIRMWARE_SIZE];
    struct coco_firmware firmware = {0};

    coco_status status = check(launch, err);
    if (status == COCO_OK)
        status = find_firmware(launch, own, &firmware, err);
    if (status == COCO_OK)
        status = coco_tdx_mrtd(&firmware, COCO_TDX_BY_PAGE, td.mr_td, err);
    if (status == COCO_OK)
        status = bind_init_data(launch, "tdx", td.mr_config_id, sizeof(td.mr_config_id), err);
    if (status == COCO_OK)
        status = measure_boot(launch, &td, err);
    if (status != COCO_OK)
        return status;
    *ret = td;
    td.log = (struct coco_buf){0};
    return COCO_OK;
}

/* ---- SNP ---- */

coco_status
coco_softtee_measure_guest(const struct coco_softtee_launch *launch, struct coco_softtee_guest *ret,
                           coco_error **err)
{
    struct coco_softtee_guest guest = {0};
    uint8_t own[COCO_SOFTTEE_FIRMWARE_SIZE];
    struct coco_firmware firmware = {0};
    struct coco_snp_launch snp = {
        .firmware = &firmware,
        .kernel = kernel_of(launch),
        .vcpus = launch->vcpus > 0 ? launch->vcpus : 1,
        .signature = coco_cpu_signature_of(PROCESSOR),
        .features = SNP_ACTIVE,
        .vmm = COCO_VMM_QEMU,
    };

    coco_status status = check(launch, err);
    if (status == COCO_OK)
        status = find_firmware(launch, own, &firmware, err);
    if (status == COCO_OK)
        status = coco_snp_launch_digest(&snp, guest.measurement, err);
    if (status == COCO_OK)
        status = bind_init_data(launch, "snp", guest.host_data, sizeof(guest.host_data), err);
    if (status == COCO_OK)
        *ret = guest;
    return status;
}

/* ---- TPM ---- */

void
coco_softtee_vtpm_done(struct coco_softtee_vtpm *vtpm)
{
    coco_buf_done(&vtpm->log);
}

/* As an agent would at its start, who then finds it done. */
static coco_status
measure_init_data(const char *text, struct coco_softtee_vtpm *vtpm, coco_error **err)
{
    _cleanup_initdata_ coco_initdata *document = NULL;
    struct coco_digest digest = {0};

    if (!text)
        return COCO_OK;
    coco_status status = coco_initdata_parse(text, &document, err);
    if (status == COCO_OK)
        status = coco_initdata_digest_of(document, &digest, err);
    if (status != COCO_OK)
        return status;
    coco_tpm_init_data(digest.bytes, coco_hash_size(digest.alg), vtpm->init_data);
    vtpm->has_init_data = true;
    return COCO_OK;
}

coco_status
coco_softtee_measure_vtpm(const struct coco_softtee_launch *launch, struct coco_softtee_vtpm *ret,
                          coco_error **err)
{
    _cleanup_softtee_vtpm_ struct coco_softtee_vtpm vtpm = {.log = {.limit = COCO_BOOTLOG_MAX}};

    coco_status status = check(launch, err);
    if (status == COCO_OK)
        status = measure_init_data(launch->init_data, &vtpm, err);
    if (status == COCO_OK)
        status = coco_bootlog_tpm(kernel_of(launch), &vtpm.log, err);
    if (status != COCO_OK)
        return status;
    *ret = vtpm;
    vtpm.log = (struct coco_buf){0};
    return COCO_OK;
}
