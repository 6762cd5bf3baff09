/*
 * attester/paths.c - where the kernel shows what this machine is
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/paths.h"

#include "base/fail.h"

#include <limits.h>

static const char *const paths[COCO_PATHS] = {
    [COCO_PATH_TSM_REPORT] = "/sys/kernel/config/tsm/report",
    [COCO_PATH_TDX_GUEST] = "/dev/tdx_guest",
    [COCO_PATH_TDX_MEASUREMENTS] = "/sys/devices/virtual/misc/tdx_guest/measurements",
    [COCO_PATH_SEV_GUEST] = "/dev/sev-guest",
    [COCO_PATH_SEV_PLATFORM] = "/sys/devices/platform/sev-guest",
    [COCO_PATH_SEV_VMPL] = "/sys/devices/system/cpu/sev/vmpl",
    [COCO_PATH_EFI_SECRETS] = "/sys/kernel/security/secrets/coco",
    [COCO_PATH_EFI_SECRETS_OLD] = "/sys/kernel/security/coco/efi_secret",
    [COCO_PATH_GRAMINE] = "/dev/attestation",
    [COCO_PATH_OCCLUM] = "/dev/sgx",
    [COCO_PATH_CSV_GUEST] = "/dev/csv-guest",
    [COCO_PATH_UV] = "/dev/uv",
    [COCO_PATH_UV_GUEST] = "/sys/firmware/uv/prot_virt_guest",
    [COCO_PATH_NSM] = "/dev/nsm",
    [COCO_PATH_TPM] = "/dev/tpm",
    [COCO_PATH_TPMRM] = "/dev/tpmrm",
    [COCO_PATH_TPM_LOG] = "/sys/kernel/security/tpm0/binary_bios_measurements",
    [COCO_PATH_CCEL] = "/sys/firmware/acpi/tables/data/CCEL",
    [COCO_PATH_CCEL_TABLE] = "/sys/firmware/acpi/tables/CCEL",
    [COCO_PATH_AAEL] = "/run/attestation-agent/eventlog",
};

coco_status
coco_path_append(enum coco_path which, struct coco_buf *buf, coco_error **err)
{
    const char *root = secure_getenv(COCO_TEE_ROOT_VARIABLE);
    coco_status status = COCO_OK;

    if (root && root[0] != '\0' && root[0] != '/')
        return coco_fail(err, COCO_ERR_INVALID, COCO_TEE_ROOT_VARIABLE " is no absolute path");
    if (root)
        status = coco_buf_append_text(buf, root, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(buf, paths[which], err);
    return status;
}

coco_status
coco_path_get(enum coco_path which, const char *name, char **ret, coco_error **err)
{
    struct coco_buf path = {.limit = PATH_MAX};

    coco_status status = coco_path_append(which, &path, err);
    if (status == COCO_OK && name)
        status = coco_buf_append_text(&path, "/", err);
    if (status == COCO_OK && name)
        status = coco_buf_append_text(&path, name, err);
    if (status != COCO_OK) {
        coco_buf_done(&path);
        return status;
    }
    *ret = (char *)path.data;
    return COCO_OK;
}

bool
coco_path_exists(enum coco_path which)
{
    _cleanup_free_ char *path = NULL;

    return coco_path_get(which, NULL, &path, NULL) == COCO_OK && access(path, F_OK) == 0;
}
