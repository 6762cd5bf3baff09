/*
 * tee/ccel.c - the ACPI table that says where firmware keeps its log
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/ccel.h"

#include "base/fail.h"
#include "base/reader.h"

#include <string.h>

#define SIGNATURE "CCEL"
#define REVISION 1
#define CHECKSUM_AT 9
#define TYPE_AT 36
#define SIZE_AT 40
#define ADDRESS_AT 48

uint32_t
coco_ccmr_of_pcr(unsigned pcr)
{
    if (pcr == 1 || pcr == 7)
        return 1;
    if (pcr >= 2 && pcr <= 6)
        return 2;
    return pcr >= 8 && pcr <= 15 ? 3 : 4;
}

/* ACPI 6.5, section 5.2.6: all bytes of a table sum up to zero. */
static uint8_t
sum(const uint8_t *data, size_t len)
{
    uint8_t total = 0;

    for (size_t i = 0; i < len; i++)
        total = (uint8_t)(total + data[i]);
    return total;
}

coco_status
coco_ccel_parse(const void *data, size_t len, struct coco_ccel *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    const uint8_t *signature = coco_read_piece(&r, strlen(SIGNATURE));
    uint32_t length = coco_read_u32le(&r);
    uint8_t revision = coco_read_u8(&r);
    struct coco_ccel table;

    coco_read_skip(&r, TYPE_AT - CHECKSUM_AT); /* checksum, and who made it */
    table.type = coco_read_u8(&r);
    table.subtype = coco_read_u8(&r);
    coco_read_skip(&r, 2); /* reserved */
    table.log_size = coco_read_u64le(&r);
    table.log_address = coco_read_u64le(&r);
    coco_status status = coco_reader_finish(&r, "CCEL table", err);
    if (status != COCO_OK)
        return status;
    if (memcmp(signature, SIGNATURE, strlen(SIGNATURE)) != 0 || length != COCO_CCEL_SIZE
        || revision != REVISION)
        return coco_fail(err, COCO_ERR_PROTO, "no CCEL table of revision 1");
    if (sum(data, len) != 0)
        return coco_fail(err, COCO_ERR_PROTO, "CCEL table: wrong checksum");
    *ret = table;
    return COCO_OK;
}

static void
put_u64(uint8_t *at, uint64_t value)
{
    for (size_t i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

void
coco_ccel_format(const struct coco_ccel *table, uint8_t ret[COCO_CCEL_SIZE])
{
    memset(ret, 0, COCO_CCEL_SIZE);
    memcpy(ret, SIGNATURE "\x38\0\0\0\1\0COCO  LIBCOCO ", 24);
    ret[TYPE_AT] = table->type;
    ret[TYPE_AT + 1] = table->subtype;
    put_u64(ret + SIZE_AT, table->log_size);
    put_u64(ret + ADDRESS_AT, table->log_address);
    ret[CHECKSUM_AT] = (uint8_t)-sum(ret, COCO_CCEL_SIZE);
}
