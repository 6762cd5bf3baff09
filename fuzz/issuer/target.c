/*
 * fuzz/issuer/target.c - what issuers say of themselves: keys are at https, or nowhere
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token/issuer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_free_ char *uri = NULL;
    coco_error *err = NULL;

    if (coco_issuer_about((const char *)data, len, "https://idp.example", &uri, &err) == COCO_OK
        && strncmp(uri, "https://", 8) != 0)
        abort();
    coco_error_free(err);
    return 0;
}
