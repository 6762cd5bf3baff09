/*
 * measure/firmware.c - what a firmware image says about how it is launched
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/firmware.h"

#include "base/fail.h"
#include "base/reader.h"
#include "tee/guid.h"

#include <string.h>

#define BEHIND_TABLE ((size_t)32)
#define HEAD_SIZE (2 + COCO_GUID_SIZE) /* which stands behind what it is the head of */
#define VERSION 1
#define DESCRIPTOR_SIZE 16
#define SEV_SECTION_SIZE 12
#define TDX_SECTION_SIZE 32

#define TABLE_GUID "96b582de-1fb2-45f7-baea-a366c55a082d"
#define RESET_GUID "00f771de-1a7e-4fcb-890e-68c77e2fb44e"
#define HASHES_GUID "7255371f-3a3b-4b04-927b-1da6efa8d454"
#define SEV_GUID "dc886566-984a-4798-a75e-5585a7bf67cc"
#define TDX_GUID "e47a6535-984a-4798-865e-4685a7bf8ec2"

/* ---- sections ---- */

static coco_status
check_pages(uint64_t address, uint64_t size, uint64_t *total, coco_error **err)
{
    if (address % COCO_PAGE_SIZE != 0 || size % COCO_PAGE_SIZE != 0 || address + size < address)
        return coco_fail(err, COCO_ERR_PROTO, "firmware: section that is not of whole pages");
    if (size > COCO_FIRMWARE_MEMORY_MAX - *total)
        return coco_fail(err, COCO_ERR_LIMIT, "firmware: sections of more than %llu bytes",
                         (unsigned long long)COCO_FIRMWARE_MEMORY_MAX);
    *total += size;
    return COCO_OK;
}

/* A reader of what an entry's number, counted from the end of the image, points to. */
static coco_status
open_descriptor(const struct coco_firmware *firmware, uint32_t from_end, const char *magic,
                size_t section_size, struct coco_reader *ret, coco_error **err)
{
    if (from_end > firmware->len || from_end < DESCRIPTOR_SIZE)
        return coco_fail(err, COCO_ERR_PROTO, "firmware: %s descriptor outside of the image",
                         magic);
    struct coco_reader r = coco_reader_of(firmware->data + firmware->len - from_end, from_end);
    const uint8_t *signature = coco_read_piece(&r, 4);
    uint32_t size = coco_read_u32le(&r);
    uint32_t version = coco_read_u32le(&r);
    uint32_t n = coco_read_u32le(&r);

    if (!signature || memcmp(signature, magic, 4) != 0)
        return coco_fail(err, COCO_ERR_PROTO, "firmware: no %s descriptor where one is said to be",
                         magic);
    if (version != VERSION)
        return coco_fail(err, COCO_ERR_NOTSUP, "firmware: %s descriptor of version %u", magic,
                         version);
    if (n > COCO_FIRMWARE_SECTIONS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "firmware: %u sections", n);
    if (size != DESCRIPTOR_SIZE + n * section_size)
        return coco_fail(err, COCO_ERR_PROTO,
                         "firmware: %u sections in a %s descriptor of %u bytes", n, magic, size);
    *ret = coco_read_part(&r, n * section_size);
    return coco_reader_check(ret, "firmware: sections", err);
}

static coco_status
read_sev(struct coco_firmware *firmware, uint32_t from_end, coco_error **err)
{
    struct coco_reader r = {0};
    uint64_t total = 0;

    coco_status status = open_descriptor(firmware, from_end, "ASEV", SEV_SECTION_SIZE, &r, err);
    while (status == COCO_OK && r.len > 0) {
        struct coco_sev_section *section = &firmware->sev[firmware->sev_n++];

        section->address = coco_read_u32le(&r);
        section->size = coco_read_u32le(&r);
        section->type = coco_read_u32le(&r);
        status = check_pages(section->address, section->size, &total, err);
    }
    return status;
}

static coco_status
read_tdx(struct coco_firmware *firmware, uint32_t from_end, coco_error **err)
{
    struct coco_reader r = {0};
    uint64_t total = 0;

    coco_status status = open_descriptor(firmware, from_end, "TDVF", TDX_SECTION_SIZE, &r, err);
    while (status == COCO_OK && r.len > 0) {
        struct coco_tdx_section *section = &firmware->tdx[firmware->tdx_n++];

        section->offset = coco_read_u32le(&r);
        section->len = coco_read_u32le(&r);
        section->address = coco_read_u64le(&r);
        section->size = coco_read_u64le(&r);
        section->type = coco_read_u32le(&r);
        section->attributes = coco_read_u32le(&r);
        if (section->offset > firmware->len || section->len > firmware->len - section->offset
            || section->len > section->size)
            return coco_fail(err, COCO_ERR_PROTO, "firmware: section of TDX outside of the image");
        status = check_pages(section->address, section->size, &total, err);
    }
    return status;
}

/* ---- the table ---- */

static bool
is_guid(const uint8_t guid[COCO_GUID_SIZE], const char *text)
{
    uint8_t wanted[COCO_GUID_SIZE];

    if (!coco_guid_parse(text, wanted))
        return false;
    coco_guid_swap(wanted, wanted);
    return memcmp(guid, wanted, COCO_GUID_SIZE) == 0;
}

static coco_status
read_entry(struct coco_firmware *firmware, const uint8_t *guid, const uint8_t *data, size_t len,
           coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    uint32_t first = coco_read_u32le(&r);
    bool reset = is_guid(guid, RESET_GUID);
    bool hashes = is_guid(guid, HASHES_GUID);
    bool sev = is_guid(guid, SEV_GUID);
    bool tdx = is_guid(guid, TDX_GUID);

    if (!reset && !hashes && !sev && !tdx)
        return COCO_OK; /* what other VMMs and other TEEs look for */
    coco_status status = coco_reader_check(&r, "firmware: entry of its table", err);
    if (status != COCO_OK)
        return status;
    /* Two of them would be two launches. */
    if ((reset && firmware->has_reset) || (hashes && firmware->hashes != 0)
        || (sev && firmware->sev_n > 0) || (tdx && firmware->tdx_n > 0))
        return coco_fail(err, COCO_ERR_PROTO, "firmware: an entry of its table stands twice");
    if (reset) {
        firmware->has_reset = true;
        firmware->reset = first;
    }
    if (hashes)
        firmware->hashes = first;
    if (sev)
        return read_sev(firmware, first, err);
    return tdx ? read_tdx(firmware, first, err) : COCO_OK;
}

/* Takes the last entry off the table, whose head stands behind it. */
static coco_status
take_entry(const uint8_t *table, size_t *len, size_t *size, coco_error **err)
{
    if (*len < HEAD_SIZE)
        return coco_fail(err, COCO_ERR_PROTO, "firmware: %zu bytes before its table's first entry",
                         *len);
    struct coco_reader r = coco_reader_of(table + *len - HEAD_SIZE, HEAD_SIZE);

    *size = coco_read_u16le(&r);
    if (*size < HEAD_SIZE || *size > *len)
        return coco_fail(err, COCO_ERR_PROTO, "firmware: entry of %zu bytes in a table of %zu",
                         *size, *len);
    *len -= *size;
    return COCO_OK;
}

coco_status
coco_firmware_parse(const void *data, size_t len, struct coco_firmware *ret, coco_error **err)
{
    struct coco_firmware firmware = {.data = data, .len = len};

    if (len == 0 || len > COCO_FIRMWARE_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "firmware of %zu bytes", len);
    if (len % COCO_PAGE_SIZE != 0)
        return coco_fail(err, COCO_ERR_PROTO, "firmware of %zu bytes: not of whole pages", len);
    size_t left = len - BEHIND_TABLE;
    size_t size = 0;

    if (is_guid(firmware.data + left - COCO_GUID_SIZE, TABLE_GUID)) {
        const uint8_t *end = firmware.data + left;
        coco_status status = take_entry(firmware.data, &left, &size, err);
        if (status != COCO_OK)
            return status;
        const uint8_t *table = end - size;
        size_t at = size - HEAD_SIZE; /* the table's own head counts, too */

        while (at > 0) {
            size_t top = at;

            status = take_entry(table, &at, &size, err);
            if (status == COCO_OK)
                status = read_entry(&firmware, table + top - COCO_GUID_SIZE, table + at,
                                    size - HEAD_SIZE, err);
            if (status != COCO_OK)
                return status;
        }
    }
    *ret = firmware;
    return COCO_OK;
}
