/*
 * fuzz/ccel_table/target.c - the ACPI table of an event log
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/ccel.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct coco_ccel table = {0};
    struct coco_ccel again = {0};
    uint8_t bytes[COCO_CCEL_SIZE];

    coco_status status = coco_ccel_parse(data, len, &table, NULL);
    if (status != COCO_OK) {
        if (status != COCO_ERR_PROTO)
            abort();
        return 0;
    }
    /* What is read of it is all in what is written. */
    coco_ccel_format(&table, bytes);
    if (coco_ccel_parse(bytes, sizeof(bytes), &again, NULL) != COCO_OK || again.type != table.type
        || again.subtype != table.subtype || again.log_size != table.log_size
        || again.log_address != table.log_address)
        abort();
    return 0;
}
