/*
 * attester/efi_secret.c - what the owner of an SEV guest put into it before it ran
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/efi_secret.h"

#include "attester/paths.h"
#include "base/fail.h"
#include "base/text.h"

#include <string.h>

#define GUID_LENGTH 36

/* Kernels before 5.19 that had the module had it elsewhere. */
static const enum coco_path places[] = {COCO_PATH_EFI_SECRETS, COCO_PATH_EFI_SECRETS_OLD};
#define PLACES (sizeof(places) / sizeof(places[0]))

bool
coco_efi_secret_detect(void)
{
    return coco_path_exists(places[0]) || coco_path_exists(places[1]);
}

static coco_status
read_from(const struct coco_kernel *kernel, enum coco_path place, const char *guid,
          struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf content = {.limit = COCO_EFI_SECRET_MAX};
    _cleanup_free_ char *path = NULL;

    coco_status status = coco_path_get(place, guid, &path, err);
    if (status == COCO_OK)
        status = coco_kernel_read(kernel, path, &content, err);
    if (status == COCO_OK)
        status = coco_secret_take(&content, ret, err);
    return status;
}

coco_status
coco_efi_secret_read(const struct coco_kernel *kernel, const char *guid, struct coco_secret *ret,
                     coco_error **err)
{
    bool is_missing = true;

    if (!coco_text_is_all(guid, "0123456789abcdef-", GUID_LENGTH) || strlen(guid) != GUID_LENGTH)
        return coco_fail(err, COCO_ERR_INVALID, "'%.40s' is no GUID", guid);
    for (size_t i = 0; i < PLACES && is_missing; i++) {
        coco_error *why = NULL;

        (void)read_from(kernel, places[i], guid, ret, &why);
        coco_status status = coco_forgive(why, COCO_ERR_NOTFOUND, &is_missing, err);
        if (status != COCO_OK)
            return status;
    }
    if (is_missing)
        return coco_fail(err, COCO_ERR_NOTFOUND, "the owner of this guest put no secret %s into it",
                         guid);
    return COCO_OK;
}
