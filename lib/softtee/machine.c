/*
 * softtee/machine.c - a machine that is software, and its maker
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/machine.h"

#include "base/fail.h"
#include "crypto/cert.h"
#include "tee/tcghash.h"

#include <limits.h>
#include <string.h>

void
coco_softtee_machine_done(struct coco_softtee_machine *machine)
{
    coco_softtee_td_done(&machine->td);
    coco_softtee_vtpm_done(&machine->vtpm);
    coco_intel_done(&machine->intel);
    coco_amd_done(&machine->amd);
    coco_tpm_maker_done(&machine->tpm);
    *machine = (struct coco_softtee_machine){0};
}

static coco_status
write_root(const char *state, const char *name, const struct coco_pki *root, coco_error **err)
{
    _cleanup_buf_ struct coco_buf line = {.limit = COCO_DIGEST_TEXT_SIZE + 1};
    struct coco_digest fingerprint = {0};
    char text[COCO_DIGEST_TEXT_SIZE];

    coco_status status = coco_cert_fingerprint(root->cert, &fingerprint, err);
    if (status != COCO_OK)
        return status;
    coco_digest_format(&fingerprint, text);
    status = coco_buf_printf(&line, err, "%s\n", text);
    if (status == COCO_OK)
        status = coco_pki_write(state, name, line.data, line.len, err);
    return status;
}

static coco_status
boot_tdx(const char *state, const char *collateral, const struct coco_softtee_launch *launch,
         struct coco_softtee_machine *machine, coco_error **err)
{
    coco_status status = coco_softtee_measure_td(launch, &machine->td, err);
    if (status == COCO_OK)
        status = coco_intel_open(state, &machine->intel, err);
    if (status == COCO_OK)
        status = coco_intel_publish(&machine->intel, collateral, err);
    if (status == COCO_OK)
        status = write_root(state, "roots/intel", &machine->intel.root, err);
    return status;
}

static coco_status
boot_snp(const char *state, const char *collateral, const struct coco_softtee_launch *launch,
         struct coco_softtee_machine *machine, coco_error **err)
{
    coco_status status = coco_softtee_measure_guest(launch, &machine->guest, err);
    if (status == COCO_OK)
        status = coco_amd_open(state, &machine->amd, err);
    if (status == COCO_OK)
        status = coco_amd_publish(&machine->amd, collateral, err);
    if (status == COCO_OK)
        status = write_root(state, "roots/" COCO_AMD_MAKER, &machine->amd.ark, err);
    return status;
}

static coco_status
boot_tpm(const char *state, const struct coco_softtee_launch *launch,
         struct coco_softtee_machine *machine, coco_error **err)
{
    coco_status status = coco_softtee_measure_vtpm(launch, &machine->vtpm, err);
    if (status == COCO_OK)
        status = coco_tpm_maker_open(state, &machine->tpm, err);
    if (status == COCO_OK)
        status = coco_tpm_maker_publish(&machine->tpm, state, "keys/tpm.pem", err);
    return status;
}

static coco_status
boot_as(const char *state, const struct coco_softtee_launch *launch,
        struct coco_softtee_machine *machine, coco_error **err)
{
    _cleanup_buf_ struct coco_buf collateral = {.limit = PATH_MAX};

    if (machine->kind == COCO_SOFTTEE_TPM)
        return boot_tpm(state, launch, machine, err);
    coco_status status = coco_buf_printf(&collateral, err, "%s/collateral", state);
    if (status != COCO_OK)
        return status;
    return machine->kind == COCO_SOFTTEE_TDX
               ? boot_tdx(state, coco_buf_text(&collateral), launch, machine, err)
               : boot_snp(state, coco_buf_text(&collateral), launch, machine, err);
}

coco_status
coco_softtee_machine_boot(const char *state, enum coco_softtee_kind kind,
                          const struct coco_softtee_launch *launch,
                          struct coco_softtee_machine *ret, coco_error **err)
{
    struct coco_softtee_machine machine = {.kind = kind};
    _cleanup_close_ int lock = -1;

    coco_status status = coco_pki_lock(state, &lock, err);
    if (status == COCO_OK)
        status = boot_as(state, launch, &machine, err);
    if (status != COCO_OK) {
        coco_softtee_machine_done(&machine);
        return status;
    }
    *ret = machine;
    return COCO_OK;
}

coco_status
coco_softtee_machine_quote(const struct coco_softtee_machine *machine,
                           const uint8_t report_data[COCO_SOFTTEE_REPORT_DATA_SIZE], uint32_t vmpl,
                           struct coco_buf *ret, coco_error **err)
{
    struct coco_td_report td = {0};

    if (machine->kind == COCO_SOFTTEE_SNP)
        return coco_amd_report(&machine->amd, &machine->guest, report_data, vmpl, ret, err);
    memcpy(td.mr_td, machine->td.mr_td, sizeof(td.mr_td));
    memcpy(td.mr_config_id, machine->td.mr_config_id, sizeof(td.mr_config_id));
    memcpy(td.rtmr, machine->td.rtmr, sizeof(td.rtmr));
    memcpy(td.report_data, report_data, sizeof(td.report_data));
    return coco_intel_quote(&machine->intel, &td, ret, err);
}

coco_status
coco_softtee_machine_extend(struct coco_softtee_machine *machine, unsigned rtmr,
                            const uint8_t digest[COCO_SOFTTEE_REGISTER_SIZE], coco_error **err)
{
    return coco_tcg_extend(COCO_TCG_SHA384, machine->td.rtmr[rtmr], digest, err);
}
