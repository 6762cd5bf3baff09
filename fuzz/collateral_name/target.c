/*
 * fuzz/collateral_name/target.c - a name, of parts that evidence has, becomes a safe URL or none
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/request.h"

#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/?&=";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_free_ char *name = strndup((const char *)data, len);
    struct coco_request request;
    struct coco_request again;

    if (!name)
        abort();
    if (coco_request_for(name, false, &request, NULL) != COCO_OK)
        return 0;
    /* It is a name, or that of the chain beside it, and what it is a name of has the same one. */
    if (!coco_collateral_is_name(name)
        || (strcmp(request.body, name) != 0 && strcmp(request.chain, name) != 0)
        || request.path[0] != '/' || request.path[strspn(request.path, allowed)] != '\0'
        || coco_request_for(request.body, false, &again, NULL) != COCO_OK
        || strcmp(again.path, request.path) != 0)
        abort();
    return 0;
}
