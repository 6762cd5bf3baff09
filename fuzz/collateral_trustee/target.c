/*
 * fuzz/collateral_trustee/target.c - files of Intel's PCS client tool
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/trustee.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    for (int early = 0; early < 2; early++) {
        _cleanup_items_ struct coco_items items = {0};

        if (coco_trustee_parse(data, len, early, &items, NULL) != COCO_OK && items.n > 0)
            abort();
        for (size_t i = 0; i < items.n; i++)
            if (strncmp(items.list[i].name, "intel/", strlen("intel/")) != 0)
                abort();
    }
    return 0;
}
