/*
 * fuzz/offline_fs_json/target.c - a file of secrets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/offline_fs.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(coco_offline_fs_freep) struct coco_offline_fs *fs = NULL;

    if (coco_offline_fs_parse((const char *)data, len, &fs, NULL) != COCO_OK && fs)
        abort();
    const struct coco_secret *secret = coco_offline_fs_find(fs, "default/key/1");
    if (secret && (!secret->data || secret->len > len))
        abort();
    return 0;
}
