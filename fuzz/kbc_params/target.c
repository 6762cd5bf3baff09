/*
 * fuzz/kbc_params/target.c - which key broker client, and where its broker is
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Nothing is asked and no file but offline_fs_kbc's two is looked for. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_free_ char *params = strndup((const char *)data, len);
    coco_kbc *kbc = NULL;
    coco_error *err = NULL;

    if (!params)
        abort();
    coco_status status = coco_kbc_new(params, &kbc, &err);
    if ((status == COCO_OK) != (kbc != NULL) || coco_error_status(err) != status)
        abort();
    coco_error_free(err);
    coco_kbc_free(kbc);
    return 0;
}
