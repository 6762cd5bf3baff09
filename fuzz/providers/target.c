/*
 * fuzz/providers/target.c - a configuration of key providers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/providers.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(coco_providers_done) struct coco_providers providers = {0};
    coco_error *err = NULL;

    coco_status status = coco_providers_parse((const char *)data, len, &providers, &err);
    coco_error_free(err);
    if ((status == COCO_OK) != (providers.list != NULL))
        abort();
    for (size_t i = 0; i < providers.n; i++)
        if (!providers.list[i].why && providers.list[i].kind == COCO_PROVIDER_CMD
            && providers.list[i].argv[0][0] != '/')
            abort();
    return 0;
}
