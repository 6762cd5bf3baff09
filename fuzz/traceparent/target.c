/*
 * fuzz/traceparent/target.c - what is read as one reads the same again
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/traceparent.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char once[COCO_TRACEPARENT_SIZE];
    char twice[COCO_TRACEPARENT_SIZE];
    char *text = malloc(len + 1);

    if (!text)
        return 0;
    if (len > 0)
        memcpy(text, data, len);
    text[len] = '\0';
    if (coco_traceparent_parse(text, once)
        && (!coco_traceparent_parse(once, twice) || strcmp(once, twice) != 0))
        abort();
    free(text);
    return 0;
}
