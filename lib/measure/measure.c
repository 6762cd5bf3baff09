/*
 * measure/measure.c - reference values of a launch
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/digest.h"
#include "base/fail.h"
#include "base/options.h"
#include "measure/boot.h"
#include "measure/launch.h"
#include "measure/measurement.h"
#include "measure/snp.h"
#include "measure/tdx.h"

#include <assert.h>
#include <string.h>

#define SNP_ACTIVE 0x1U /* of SEV_FEATURES */

/* Releases of edk2 that there may be: year and month. */
#define EDK2_FIRST 201801U
#define EDK2_LAST 209912U

/* What a value says of itself where nothing is wrong. */
#define AS_BOOTED "if QEMU boots this kernel, unpatched, in OVMF"
#define NO_KERNEL "it needs the kernel"
#define NO_FIRMWARE "it needs the firmware"
#define BY_VARIABLES "it depends on the firmware's variables and on tables that the VMM makes"

struct request {
    const coco_launch *launch;
    struct coco_sev_kernel kernel; /* of a launch that has one */
    coco_measure_options opts;
};

static const struct coco_sev_kernel *
kernel_of(const struct request *request)
{
    return request->launch->kernel ? &request->kernel : NULL;
}

static coco_status
need(const void *part, const char *tee, const char *what, coco_error **err)
{
    return part ? COCO_OK : coco_fail(err, COCO_ERR_INVALID, "%s: it needs the %s", tee, what);
}

/* ---- AMD ---- */

static coco_status
check_cpus(const struct request *request, const char *tee, coco_error **err)
{
    if (request->opts.vmm == COCO_VMM_QEMU && request->opts.cpu_signature == 0)
        return coco_fail(err, COCO_ERR_INVALID, "%s: it needs the type of the CPUs", tee);
    return COCO_OK;
}

static coco_status
measure_snp(const struct request *request, coco_measurement *measurement, coco_error **err)
{
    static const struct coco_measured about = {
        "snp_launch_measurement", "measurement",
        "if it is launched with just these CPUs, features and VMM", false};
    const struct coco_snp_launch launch = {
        .firmware = &request->launch->firmware,
        .kernel = kernel_of(request),
        .vcpus = request->opts.vcpus,
        .signature = request->opts.cpu_signature,
        .features = request->opts.guest_features,
        .vmm = request->opts.vmm,
    };
    uint8_t digest[COCO_SNP_DIGEST_SIZE];

    coco_status status = need(request->launch->image, "snp", "firmware", err);
    if (status == COCO_OK)
        status = check_cpus(request, "snp", err);
    if (status == COCO_OK)
        status = coco_snp_launch_digest(&launch, digest, err);
    if (status == COCO_OK)
        coco_measurement_add(measurement, &about, digest, sizeof(digest));
    return status;
}

/* The states of the CPUs of SEV-ES; QEMU puts them behind all else. */
static coco_status
format_cpus(const struct request *request, uint8_t *first, uint8_t *other, coco_error **err)
{
    const struct coco_firmware *firmware = &request->launch->firmware;
    struct coco_vmsa vmsa = {
        .begin = COCO_VMSA_FIRST_CPU,
        .signature = request->opts.cpu_signature,
        .vmm = request->opts.vmm,
    };

    coco_status status = check_cpus(request, "sev", err);
    if (status != COCO_OK)
        return status;
    if (request->opts.vcpus > 1 && !firmware->has_reset)
        return coco_fail(err, COCO_ERR_INVALID,
                         "firmware: it does not say where CPUs after the first begin");
    coco_vmsa_format(&vmsa, first);
    vmsa.begin = firmware->reset;
    coco_vmsa_format(&vmsa, other);
    return COCO_OK;
}

static coco_status
measure_sev(const struct request *request, coco_measurement *measurement, coco_error **err)
{
    static const struct coco_measured about = {
        "sev_launch_measurement", "measurement",
        "if it is launched with just this firmware, kernel and CPUs, by QEMU", false};
    const struct coco_firmware *firmware = &request->launch->firmware;
    uint8_t first[COCO_SEV_VMSA_SIZE];
    uint8_t other[COCO_SEV_VMSA_SIZE];
    struct coco_sev_guest guest = {
        {request->launch->image, firmware->len}, kernel_of(request), first, other, 0};
    uint8_t digest[COCO_SEV_DIGEST_SIZE];

    coco_status status = need(request->launch->image, "sev", "firmware", err);
    if (status == COCO_OK && guest.kernel && firmware->hashes == 0)
        status = coco_fail(err, COCO_ERR_INVALID, "firmware: it does not measure a kernel");
    if (status == COCO_OK && (request->opts.flags & COCO_MEASURE_SEV_ES)) {
        status = format_cpus(request, first, other, err);
        guest.vcpus = request->opts.vcpus;
    }
    if (status == COCO_OK)
        status = coco_sev_launch_digest(&guest, digest, err);
    if (status == COCO_OK)
        coco_measurement_add(measurement, &about, digest, sizeof(digest));
    return status;
}

/* ---- boots ---- */

/* Adds what a register is after log, or that it cannot be known without one. */
static coco_status
add_register(coco_measurement *measurement, const struct coco_boot_log *log,
             enum coco_boot_register reg, const struct coco_measured *about, coco_error **err)
{
    uint8_t value[COCO_TCG_HASH_SIZE_MAX];

    if (!log) {
        const struct coco_measured unknown = {about->name, about->claim, NO_KERNEL, about->single};

        coco_measurement_add(measurement, &unknown, NULL, 0);
        return COCO_OK;
    }
    coco_status status = coco_boot_replay(log, reg, value, err);
    if (status == COCO_OK)
        coco_measurement_add(measurement, about, value, coco_tcg_hash_size(log->alg));
    return status;
}

static void
add_event(coco_measurement *measurement, const struct coco_boot_log *log, const char *what,
          const struct coco_measured *about)
{
    for (size_t i = 0; i < log->n; i++)
        if (strcmp(log->events[i].what, what) == 0)
            coco_measurement_add(measurement, about, log->events[i].digest,
                                 coco_tcg_hash_size(log->alg));
}

static coco_status
add_mrtd(const struct request *request, coco_measurement *measurement, coco_error **err)
{
    static const struct coco_measured about = {
        "mr_td", "quote.body.mr_td", "if the VMM adds pages in the order that was said", false};
    static const struct coco_measured unknown = {"mr_td", "quote.body.mr_td", NO_FIRMWARE, false};
    uint8_t digest[COCO_TDX_DIGEST_SIZE];

    if (!request->launch->image) {
        coco_measurement_add(measurement, &unknown, NULL, 0);
        return COCO_OK;
    }
    coco_status status =
        coco_tdx_mrtd(&request->launch->firmware, request->opts.tdx_order, digest, err);
    if (status == COCO_OK)
        coco_measurement_add(measurement, &about, digest, sizeof(digest));
    return status;
}

static coco_status
measure_tdx(const struct request *request, coco_measurement *measurement, coco_error **err)
{
    static const struct coco_measured rtmr[] = {
        {"rtmr_0", "quote.body.rtmr_0", BY_VARIABLES, false},
        {"rtmr_1", "quote.body.rtmr_1", AS_BOOTED, false},
        {"rtmr_2", "quote.body.rtmr_2", AS_BOOTED ", and it is Linux 6.9 or later", false},
        {"rtmr_3", "quote.body.rtmr_3", "it is what the guest measures as it runs", false},
    };
    static const struct coco_measured kernel = {"tdvfkernel", NULL, AS_BOOTED, true};
    static const struct coco_measured params = {"tdvfkernelparams", NULL,
                                                AS_BOOTED ", and it is Linux 6.9 or later", true};
    const struct coco_boot boot = {kernel_of(request), request->opts.edk2};
    struct coco_boot_log log = {0};
    const struct coco_boot_log *known = boot.kernel ? &log : NULL;
    coco_status status = COCO_OK;

    if (!known)
        status = need(request->launch->image, "tdx", "firmware or kernel", err);
    else
        status = coco_boot_measure_tdx(&boot, &log, err);
    if (status == COCO_OK)
        status = add_mrtd(request, measurement, err);
    if (status != COCO_OK)
        return status;
    coco_measurement_add(measurement, &rtmr[0], NULL, 0);
    status = add_register(measurement, known, COCO_BOOT_RTMR1, &rtmr[1], err);
    if (status == COCO_OK)
        status = add_register(measurement, known, COCO_BOOT_RTMR2, &rtmr[2], err);
    if (status != COCO_OK)
        return status;
    coco_measurement_add(measurement, &rtmr[3], NULL, 0);
    add_event(measurement, &log, COCO_BOOT_KERNEL, &kernel);
    add_event(measurement, &log, COCO_BOOT_OPTIONS, &params);
    return COCO_OK;
}

static coco_status
measure_tpm(const struct request *request, coco_measurement *measurement, coco_error **err)
{
    static const struct coco_measured unknown[] = {
        {"tpm_pcr00", "pcr00", BY_VARIABLES, false}, {"tpm_pcr01", "pcr01", BY_VARIABLES, false},
        {"tpm_pcr02", "pcr02", BY_VARIABLES, false}, {"tpm_pcr03", "pcr03", BY_VARIABLES, false},
        {"tpm_pcr05", "pcr05", BY_VARIABLES, false}, {"tpm_pcr07", "pcr07", BY_VARIABLES, false},
    };
    static const struct coco_measured pcr4 = {"tpm_pcr04", "pcr04", AS_BOOTED, false};
    static const struct coco_measured pcr9 = {"tpm_pcr09", "pcr09",
                                              AS_BOOTED ", and it is Linux 6.1 or later", false};
    const struct coco_boot boot = {kernel_of(request), request->opts.edk2};
    struct coco_boot_log log = {0};

    coco_status status = need(boot.kernel, "tpm", "kernel", err);
    if (status == COCO_OK)
        status = coco_boot_measure_tpm(&boot, COCO_TCG_SHA256, &log, err);
    if (status == COCO_OK)
        status = add_register(measurement, &log, COCO_BOOT_PCR4, &pcr4, err);
    if (status == COCO_OK)
        status = add_register(measurement, &log, COCO_BOOT_PCR9, &pcr9, err);
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]) && status == COCO_OK; i++)
        coco_measurement_add(measurement, &unknown[i], NULL, 0);
    return status;
}

/* ---- the software TEE ---- */

static coco_status
measure_software(const struct request *request, coco_measurement *measurement, coco_error **err)
{
    static const struct coco_measured about = {"launch_digest", "launch_digest",
                                               "if it booted just this file", false};
    struct coco_digest digest;

    coco_status status = need(request->launch->kernel, "software", "kernel", err);
    if (status == COCO_OK
        && (request->launch->image || request->launch->initrd || request->launch->cmdline))
        status = coco_fail(err, COCO_ERR_INVALID, "software: it boots one file, the kernel");
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA384, request->launch->kernel, request->launch->kernel_len,
                                &digest, err);
    if (status == COCO_OK)
        coco_measurement_add(measurement, &about, digest.bytes, coco_hash_size(digest.alg));
    return status;
}

/* ---- all of them ---- */

static const struct {
    const char *name;
    coco_status (*measure)(const struct request *request, coco_measurement *measurement,
                           coco_error **err);
    bool amd; /* whose options count, besides SEV-ES */
    bool edk2;
} tees[] = {
    {"sev", measure_sev, false, false},
    {"snp", measure_snp, true, false},
    {"software", measure_software, false, false},
    {"tdx", measure_tdx, false, true},
    {"tpm", measure_tpm, false, true},
};

#define TEES (sizeof(tees) / sizeof(tees[0]))

const char *
coco_measure_tee(size_t index)
{
    return index < TEES ? tees[index].name : NULL;
}

/* Nothing that was asked for is passed over. */
static coco_status
check_options(const coco_measure_options *opts, size_t tee, coco_error **err)
{
    uint32_t month = opts->edk2 % 100;
    bool es = opts->flags & COCO_MEASURE_SEV_ES;

    if (opts->flags & ~COCO_MEASURE_SEV_ES)
        return coco_fail(err, COCO_ERR_NOTSUP, "options: flag that this library does not know");
    if (opts->vmm > COCO_VMM_GCE || opts->tdx_order > COCO_TDX_BY_SECTION)
        return coco_fail(err, COCO_ERR_NOTSUP, "options: VMM or order that is not known here");
    if (opts->vcpus > COCO_MEASURE_VCPUS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "launch with %u CPUs", opts->vcpus);
    if (opts->edk2 != 0
        && (opts->edk2 < EDK2_FIRST || opts->edk2 > EDK2_LAST || month == 0 || month > 12))
        return coco_fail(err, COCO_ERR_INVALID, "%u is no release of edk2, as 202411 is",
                         opts->edk2);
    if (es && tees[tee].measure != measure_sev)
        return coco_fail(err, COCO_ERR_INVALID, "%s: SEV-ES is of SEV alone", tees[tee].name);
    if (opts->vmm != COCO_VMM_QEMU && !tees[tee].amd)
        return coco_fail(err, COCO_ERR_NOTSUP, "%s: only what QEMU does is known", tees[tee].name);
    if ((opts->guest_features != 0 && !tees[tee].amd)
        || (opts->cpu_signature != 0 && !tees[tee].amd && !es)
        || (opts->edk2 != 0 && !tees[tee].edk2)
        || (opts->tdx_order != COCO_TDX_BY_PAGE && tees[tee].measure != measure_tdx))
        return coco_fail(err, COCO_ERR_INVALID, "%s: an option of other TEEs is set",
                         tees[tee].name);
    return COCO_OK;
}

static coco_status
measure(const coco_launch *launch, size_t tee, const coco_measure_options *opts,
        coco_measurement **ret, coco_error **err)
{
    _cleanup_(coco_measurement_freep) coco_measurement *measurement = NULL;
    struct request request = {launch, coco_launch_kernel(launch), *opts};

    if (request.opts.vcpus == 0)
        request.opts.vcpus = 1;
    if (request.opts.guest_features == 0)
        request.opts.guest_features = SNP_ACTIVE;
    if (request.opts.edk2 == 0)
        request.opts.edk2 = COCO_EDK2_NEWEST;
    if (!launch->kernel && (launch->initrd || launch->cmdline))
        return coco_fail(err, COCO_ERR_INVALID, "initrd or command line without a kernel");
    coco_status status = coco_measurement_new(&measurement, err);
    if (status == COCO_OK)
        status = tees[tee].measure(&request, measurement, err);
    if (status == COCO_OK)
        *ret = coco_steal(&measurement);
    return status;
}

coco_status
coco_measure(const coco_launch *launch, const char *tee, const coco_measure_options *opts,
             coco_measurement **ret, coco_error **err)
{
    coco_measure_options set = {0};
    size_t i = 0;

    coco_status status =
        coco_options_copy(&set, sizeof(set), sizeof(coco_measure_options), opts, err);
    if (status != COCO_OK)
        return status;
    while (i < TEES && strcmp(tees[i].name, tee) != 0)
        i++;
    if (i == TEES)
        return coco_fail(err, COCO_ERR_NOTSUP, "measurements of %.40s cannot be computed", tee);
    status = check_options(&set, i, err);
    return status == COCO_OK ? measure(launch, i, &set, ret, err) : status;
}
