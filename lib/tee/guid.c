/*
 * tee/guid.c - GUIDs, as texts and as the bytes of the two orders there are
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/guid.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

bool
coco_guid_parse(const char *text, uint8_t ret[COCO_GUID_SIZE])
{
    char hex[2 * COCO_GUID_SIZE];
    size_t n = 0;

    if (strlen(text) != COCO_GUID_LEN)
        return false;
    for (size_t i = 0; i < COCO_GUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash != (text[i] == '-'))
            return false;
        if (!dash)
            hex[n++] = text[i];
    }
    return coco_unhex(hex, sizeof(hex), ret, COCO_GUID_SIZE);
}

void
coco_guid_format(const uint8_t guid[COCO_GUID_SIZE], char ret[COCO_GUID_LEN + 1])
{
    char hex[2 * COCO_GUID_SIZE + 1];

    coco_hex(guid, COCO_GUID_SIZE, hex);
    (void)snprintf(ret, COCO_GUID_LEN + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
}

void
coco_guid_swap(const uint8_t guid[COCO_GUID_SIZE], uint8_t ret[COCO_GUID_SIZE])
{
    static const uint8_t from[COCO_GUID_SIZE] = {3, 2, 1,  0,  5,  4,  7,  6,
                                                 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t swapped[COCO_GUID_SIZE];

    for (size_t i = 0; i < COCO_GUID_SIZE; i++)
        swapped[i] = guid[from[i]];
    memcpy(ret, swapped, sizeof(swapped));
}
