/*
 * references/names.c - which claim a reference value is compared with
 *
 * Trustee, attestation-service/src/ear_token/ear_default_policy_cpu.rego; and those
 * that "coco measure" gives besides.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "references/names.h"

#include <string.h>

#define ASKED(tee, name, claim)                                                                    \
    {                                                                                              \
        tee, name, claim, true, false, NULL                                                        \
    }
#define KNOWN(tee, name, claim)                                                                    \
    {                                                                                              \
        tee, name, claim, false, false, NULL                                                       \
    }
#define EVENT(tee, name, event)                                                                    \
    {                                                                                              \
        tee, name, "uefi_event_logs", true, false, event                                           \
    }

#define AZURE "az-snp-vtpm"
#define AZURE_TDX "az-tdx-vtpm"
#define BODY "quote.body."

static const struct coco_reference_name table[] = {
    ASKED("sample", "launch_digest", "launch_digest"),
    ASKED("sample", "svn", "svn"),
    ASKED("sample", "major_version", "platform_version.major"),
    {"sample", "minimum_minor_version", "platform_version.minor", true, true, NULL},
    ASKED("sampledevice", "device_svn", "svn"),
    ASKED("software", "launch_digest", "launch_digest"),
    ASKED("sev", "sev_launch_measurement", "measurement"),
    ASKED("snp", "snp_launch_measurement", "measurement"),
    ASKED("snp", "snp_bootloader", "reported_tcb_bootloader"),
    ASKED("snp", "snp_microcode", "reported_tcb_microcode"),
    ASKED("snp", "snp_snp_svn", "reported_tcb_snp"),
    ASKED("snp", "snp_tee_svn", "reported_tcb_tee"),
    ASKED("snp", "snp_smt_enabled", "platform_smt_enabled"),
    ASKED("snp", "snp_tsme_enabled", "platform_tsme_enabled"),
    ASKED("snp", "snp_guest_abi_major", "policy_abi_major"),
    ASKED("snp", "snp_guest_abi_minor", "policy_abi_minor"),
    ASKED("snp", "snp_single_socket", "policy_single_socket"),
    ASKED("snp", "snp_smt_allowed", "policy_smt_allowed"),
    ASKED("tdx", "mr_td", BODY "mr_td"),
    ASKED("tdx", "rtmr_1", BODY "rtmr_1"),
    ASKED("tdx", "rtmr_2", BODY "rtmr_2"),
    ASKED("tdx", "xfam", BODY "xfam"),
    KNOWN("tdx", "rtmr_0", BODY "rtmr_0"),
    KNOWN("tdx", "rtmr_3", BODY "rtmr_3"),
    KNOWN("tdx", "mr_seam", BODY "mr_seam"),
    EVENT("tdx", "tdvfkernel", "EV_EFI_BOOT_SERVICES_APPLICATION"),
    EVENT("tdx", "tdvfkernelparams", "EV_EVENT_TAG"),
    ASKED(AZURE, "measurement", "measurement"),
    ASKED(AZURE, "snp_pcr11", "tpm.pcr11"),
    ASKED(AZURE, "tcb_bootloader", "reported_tcb_bootloader"),
    ASKED(AZURE, "tcb_microcode", "reported_tcb_microcode"),
    ASKED(AZURE, "tcb_snp", "reported_tcb_snp"),
    ASKED(AZURE, "tcb_tee", "reported_tcb_tee"),
    ASKED(AZURE, "smt_enabled", "platform_smt_enabled"),
    ASKED(AZURE, "tsme_enabled", "platform_tsme_enabled"),
    ASKED(AZURE, "abi_major", "policy_abi_major"),
    ASKED(AZURE, "abi_minor", "policy_abi_minor"),
    ASKED(AZURE, "single_socket", "policy_single_socket"),
    ASKED(AZURE, "smt_allowed", "policy_smt_allowed"),
    ASKED(AZURE_TDX, "tdx_pcr11", "tpm.pcr11"),
    ASKED(AZURE_TDX, "mr_td", BODY "mr_td"),
    ASKED(AZURE_TDX, "xfam", BODY "xfam"),
    KNOWN(AZURE_TDX, "mr_seam", BODY "mr_seam"),
    ASKED("tpm", "trusted_aks", "ak_public"),
    ASKED("tpm", "tpm_pcr11", "pcr11"),
    KNOWN("tpm", "tpm_pcr00", "pcr00"),
    KNOWN("tpm", "tpm_pcr01", "pcr01"),
    KNOWN("tpm", "tpm_pcr02", "pcr02"),
    KNOWN("tpm", "tpm_pcr03", "pcr03"),
    KNOWN("tpm", "tpm_pcr04", "pcr04"),
    KNOWN("tpm", "tpm_pcr05", "pcr05"),
    KNOWN("tpm", "tpm_pcr07", "pcr07"),
    KNOWN("tpm", "tpm_pcr09", "pcr09"),
};

#define PART_MAX 128 /* of a claim's name */
#define DEPTH_MAX 8

#define NAMES (sizeof(table) / sizeof(table[0]))

const struct coco_reference_name *
coco_reference_name_at(size_t index)
{
    return index < NAMES ? &table[index] : NULL;
}

const struct coco_reference_name *
coco_reference_name_of(const char *tee, const char *name)
{
    for (size_t i = 0; i < NAMES; i++)
        if (strcmp(table[i].tee, tee) == 0 && strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

bool
coco_reference_name_is_foreign(const char *tee, const char *name)
{
    bool foreign = false;

    for (size_t i = 0; i < NAMES; i++) {
        if (strcmp(table[i].name, name) != 0)
            continue;
        if (strcmp(table[i].tee, tee) == 0)
            return false;
        foreign = true;
    }
    return foreign;
}

static const cJSON *
find(const cJSON *claims, const char *name, unsigned depth)
{
    const cJSON *exact = cJSON_GetObjectItemCaseSensitive(claims, name);
    size_t len = strcspn(name, ".");
    char part[PART_MAX];

    if (exact || name[len] == '\0' || len >= sizeof(part) || depth == 0)
        return exact;
    memcpy(part, name, len);
    part[len] = '\0';
    return find(cJSON_GetObjectItemCaseSensitive(claims, part), name + len + 1, depth - 1);
}

const cJSON *
coco_reference_claim(const cJSON *claims, const char *name)
{
    return find(claims, name, DEPTH_MAX);
}
