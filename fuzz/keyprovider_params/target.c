/*
 * fuzz/keyprovider_params/target.c - parameters of a key provider name a resource and a path, or
 * none
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keyprovider/params.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct coco_keyprovider_params params = {0};
    struct coco_resource_path path;

    if (coco_keyprovider_params_parse((const char *)data, len, &params, NULL) != COCO_OK)
        return 0;
    if (params.uri.len > 0
        && coco_resource_uri_parse(coco_buf_text(&params.uri), &path, NULL) != COCO_OK)
        abort();
    if (params.path.len > 0 && params.path.data[0] != '/')
        abort();
    coco_keyprovider_params_done(&params);
    return 0;
}
