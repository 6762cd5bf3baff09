/*
 * fuzz/trusted_root/target.c - a trusted root is read or refused, and freed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/trust.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_trust_ struct coco_trust trust = {0};

    if (coco_trusted_root_parse(data, len, &trust, NULL) != COCO_OK)
        return 0;
    for (size_t i = 0; i < trust.n_authorities; i++)
        if (trust.authorities[i].chain.n == 0)
            abort();
    for (size_t i = 0; i < trust.n_logs; i++)
        if (!trust.logs[i].key)
            abort();
    return 0;
}
