/*
 * fuzz/timestamp/target.c - no time stamp holds without an authority that is trusted
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/timestamp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct coco_cert_chain nobody = {0};
    coco_error *err = NULL;
    struct coco_timestamp time = {0};

    if (coco_timestamp_check(data, len, "data", 4, &nobody, &time, &err) == COCO_OK
        || time.time != 0)
        abort();
    coco_error_free(err);
    return 0;
}
