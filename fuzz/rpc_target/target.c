/*
 * fuzz/rpc_target/target.c - whom to call
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/target.h"
#include "base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What one is called reads as the same one. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_free_ char *text = strndup((const char *)data, len);
    struct coco_target target;
    struct coco_target again;
    coco_error *err = NULL;

    if (!text)
        abort();
    coco_status status = coco_target_parse(text, &target, &err);
    if (coco_error_status(err) != status)
        abort();
    coco_error_free(err);
    if (status != COCO_OK || target.is_near)
        return 0;
    /* With a scheme: a host may be called "unix". */
    char url[sizeof(target.authority) + 8];
    (void)snprintf(url, sizeof(url), "http://%s", target.authority);
    if ((coco_target_parse(url, &again, NULL) != COCO_OK || strcmp(again.host, target.host) != 0
         || strcmp(again.port, target.port) != 0))
        abort();
    return 0;
}
