/*
 * kbc/offline_sev_kbc.c - secrets that were put into an SEV guest before it ran
 *
 * One of them is {"<repository>/<type>/<tag>": "<base64>", ...}; whose measurement
 * its owner did not like has none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "attester/efi_secret.h"
#include "base/fail.h"
#include "kbc/offline_fs.h"

#include <string.h>

/* Upstream's, for the offline KBC of SEV. */
#define GUID "e6f5a162-d67f-4750-a67c-5d065f2a9910"

static void
offline_sev_close(void *self)
{
    coco_offline_fs_free(self);
}

static coco_status
offline_sev_open(const char *uri, void **ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret text = {0};
    struct coco_offline_fs *secrets = NULL;

    /* Upstream's configurations say "null" where there is nothing to say. */
    if (uri[0] != '\0' && strcmp(uri, "null") != 0)
        return coco_fail(err, COCO_ERR_INVALID, "'%.100s' is not empty", uri);
    coco_status status = coco_efi_secret_read(&coco_kernel, GUID, &text, err);
    if (status == COCO_OK)
        status = coco_offline_fs_parse((const char *)text.data, text.len, &secrets, err);
    if (status != COCO_OK)
        return status;
    *ret = secrets;
    return COCO_OK;
}

static coco_status
offline_sev_get(void *self, coco_ctx *ctx, const struct coco_resource_path *path, coco_bytes **ret,
                coco_error **err)
{
    const struct coco_secret *secret = coco_offline_fs_find(self, path->text);

    (void)ctx;
    if (!secret)
        return coco_fail(err, COCO_ERR_NOTFOUND, "the owner of this guest did not put it in");
    return coco_bytes_new(secret->data, secret->len, ret, err);
}

const struct coco_kbc_driver coco_offline_sev_kbc = {
    .name = "offline_sev_kbc",
    .open = offline_sev_open,
    .close = offline_sev_close,
    .get = offline_sev_get,
};
