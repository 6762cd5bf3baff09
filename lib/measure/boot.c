/*
 * measure/boot.c - what firmware and kernel measure of a boot
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/boot.h"

#include "base/buf.h"
#include "base/fail.h"
#include "measure/pe.h"

#include <assert.h>
#include <string.h>

/* TCG's PC Client Platform Firmware Profile, section 10.4.4. */
#define CALLING "Calling EFI Application from Boot Option"
#define EXIT_BEGINS "Exit Boot Services Invocation"
#define EXIT_ENDS "Exit Boot Services Returned with Success"

static uint8_t *
new_event(struct coco_boot_log *log, enum coco_boot_register reg, const char *what)
{
    assert(log->n < COCO_BOOT_EVENTS_MAX);
    struct coco_boot_event *event = &log->events[log->n++];

    event->reg = reg;
    event->what = what;
    return event->digest;
}

static coco_status
add_event(struct coco_boot_log *log, enum coco_boot_register reg, const char *what,
          struct coco_sev_part data, coco_error **err)
{
    return coco_tcg_hash(log->alg, data.data, data.len, new_event(log, reg, what), err);
}

/* An action is measured as its own text. */
static coco_status
add_action(struct coco_boot_log *log, enum coco_boot_register reg, const char *what,
           coco_error **err)
{
    return add_event(log, reg, what, (struct coco_sev_part){what, strlen(what)}, err);
}

static coco_status
add_kernel(struct coco_boot_log *log, enum coco_boot_register reg,
           const struct coco_sev_kernel *kernel, coco_error **err)
{
    return coco_pe_digest(log->alg, kernel->kernel.data, kernel->kernel.len,
                          new_event(log, reg, COCO_BOOT_KERNEL), err);
}

/* ---- what Linux's stub measures (drivers/firmware/efi/libstub) ---- */

/* Appends ASCII as UTF-16. */
static coco_status
append_wide(const char *text, struct coco_buf *buf, coco_error **err)
{
    coco_status status = COCO_OK;

    for (const char *p = text; *p && status == COCO_OK; p++) {
        const uint8_t unit[2] = {(uint8_t)*p, 0};

        if (unit[0] >= 0x80)
            return coco_fail(err, COCO_ERR_NOTSUP, "command line that is not ASCII");
        status = coco_buf_append(buf, unit, sizeof(unit), err);
    }
    return status;
}

/*
 * The load options that OVMF makes (OvmfPkg, GenericQemuLoadImageLib and
 * X86QemuLoadImageLib): UTF-16 with its NUL, or nothing at all.
 */
static coco_status
format_options(const struct coco_boot *boot, struct coco_buf *buf, coco_error **err)
{
    const char *cmdline = boot->kernel->cmdline;
    bool initrd = boot->kernel->initrd.len > 0;
    bool first = boot->edk2 >= COCO_EDK2_INITRD_FIRST;
    coco_status status = COCO_OK;

    if (strlen(cmdline) > COCO_CMDLINE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "command line of %zu bytes", strlen(cmdline));
    if (initrd && first)
        status = append_wide("initrd=initrd ", buf, err);
    if (status == COCO_OK)
        status = append_wide(cmdline, buf, err);
    if (status == COCO_OK && initrd && !first)
        status = append_wide(" initrd=initrd", buf, err);
    if (status == COCO_OK && buf->len > 0)
        status = coco_buf_append(buf, "\0", 2, err);
    return status;
}

static coco_status
add_stub(struct coco_boot_log *log, enum coco_boot_register reg, const struct coco_boot *boot,
         coco_error **err)
{
    _cleanup_buf_ struct coco_buf options = {.limit = 3 * COCO_CMDLINE_MAX};
    struct coco_sev_part initrd = boot->kernel->initrd;

    coco_status status = format_options(boot, &options, err);
    if (status == COCO_OK && options.len > 0)
        status = add_event(log, reg, COCO_BOOT_OPTIONS,
                           (struct coco_sev_part){options.data, options.len}, err);
    if (status == COCO_OK && initrd.len > 0)
        status = add_event(log, reg, "Linux initrd", initrd, err);
    return status;
}

/* ---- boots ---- */

static coco_status
add_separator(struct coco_boot_log *log, enum coco_boot_register reg, coco_error **err)
{
    static const uint8_t separator[4] = {0};

    return add_event(log, reg, "separator", (struct coco_sev_part){separator, sizeof(separator)},
                     err);
}

/* The program is loaded before OVMF says that it is ready to boot (TryRunningQemuKernel). */
coco_status
coco_boot_measure_tpm(const struct coco_boot *boot, uint16_t alg, struct coco_boot_log *ret,
                      coco_error **err)
{
    struct coco_boot_log log = {.alg = alg};

    coco_status status = add_kernel(&log, COCO_BOOT_PCR4, boot->kernel, err);
    if (status == COCO_OK)
        status = add_action(&log, COCO_BOOT_PCR4, CALLING, err);
    if (status == COCO_OK)
        status = add_separator(&log, COCO_BOOT_PCR4, err);
    if (status == COCO_OK)
        status = add_stub(&log, COCO_BOOT_PCR9, boot, err);
    if (status == COCO_OK)
        *ret = log;
    return status;
}

/* In the order of OVMF's own log. */
coco_status
coco_boot_measure_tdx(const struct coco_boot *boot, struct coco_boot_log *ret, coco_error **err)
{
    struct coco_boot_log log = {.alg = COCO_TCG_SHA384};

    coco_status status = add_kernel(&log, COCO_BOOT_RTMR1, boot->kernel, err);
    if (status == COCO_OK)
        status = add_action(&log, COCO_BOOT_RTMR1, CALLING, err);
    if (status == COCO_OK && boot->edk2 >= COCO_EDK2_SEPARATES)
        status = add_separator(&log, COCO_BOOT_RTMR1, err);
    if (status == COCO_OK)
        status = add_stub(&log, COCO_BOOT_RTMR2, boot, err);
    if (status == COCO_OK)
        status = add_action(&log, COCO_BOOT_RTMR1, EXIT_BEGINS, err);
    if (status == COCO_OK)
        status = add_action(&log, COCO_BOOT_RTMR1, EXIT_ENDS, err);
    if (status == COCO_OK)
        *ret = log;
    return status;
}

coco_status
coco_boot_replay(const struct coco_boot_log *log, enum coco_boot_register reg,
                 uint8_t ret[COCO_TCG_HASH_SIZE_MAX], coco_error **err)
{
    uint8_t value[COCO_TCG_HASH_SIZE_MAX] = {0};

    for (size_t i = 0; i < log->n; i++) {
        if (log->events[i].reg != reg)
            continue;
        coco_status status = coco_tcg_extend(log->alg, value, log->events[i].digest, err);
        if (status != COCO_OK)
            return status;
    }
    memcpy(ret, value, sizeof(value));
    return COCO_OK;
}
