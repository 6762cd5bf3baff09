/*
 * fuzz/sev_secrets/target.c - the table of secrets that a guest on SEV is given
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/sev_secret.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_sev_secrets_ struct coco_sev_secrets secrets = {0};
    _cleanup_secret_ struct coco_secret table = {0};

    if (coco_sev_secrets_parse(data, len, &secrets, NULL) != COCO_OK)
        return 0;
    if (coco_sev_secrets_format(&secrets, &table, NULL) != COCO_OK)
        return 0; /* larger than one that is sent */
    size_t same = table.len < len ? table.len : len;
    while (same > 0 && table.data[same - 1] == 0)
        same--; /* what fills it up */
    if (memcmp(table.data, data, same) != 0)
        abort();
    return 0;
}
