/*
 * fuzz/verdictd_reply/target.c - what Verdictd answers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/verdictd.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(coco_status status, coco_error *err)
{
    if (coco_error_status(err) != status)
        abort();
    coco_error_free(err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_secret_ struct coco_secret secret = {0};
    _cleanup_buf_ struct coco_buf reply = {.limit = 1 << 20};
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    coco_error *err = NULL;

    if (len > reply.limit || coco_buf_append(&reply, data, len, NULL) != COCO_OK)
        return 0;
    coco_status status = coco_verdictd_parse_version(&reply, &err);
    check(status, err);
    err = NULL;
    status = coco_verdictd_parse_text(&reply, "a/b/c", &text, &err);
    check(status, err);
    err = NULL;
    status = coco_verdictd_parse_resource(&reply, &secret, &err);
    check(status, err);
    if ((status == COCO_OK) != (secret.data != NULL))
        abort();
    return 0;
}
