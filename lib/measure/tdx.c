/*
 * measure/tdx.c - what the Intel TDX module measures of a launch
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/tdx.h"

#include "base/digest.h"
#include "base/fail.h"

#include <string.h>

/* TDH.MEM.PAGE.ADD and TDH.MR.EXTEND: a name, and at 16 the address. */
#define RECORD_SIZE 128
#define ADDRESS_AT 16
#define CHUNK_SIZE ((size_t)256)

static coco_status
add_record(struct coco_hash *hash, const char *name, uint64_t address, coco_error **err)
{
    uint8_t record[RECORD_SIZE] = {0};

    memcpy(record, name, strlen(name));
    for (unsigned i = 0; i < 8; i++)
        record[ADDRESS_AT + i] = (uint8_t)(address >> (8 * i));
    return coco_hash_add(hash, record, sizeof(record), err);
}

static coco_status
extend_page(struct coco_hash *hash, const uint8_t *page, uint64_t address, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t at = 0; at < COCO_PAGE_SIZE && status == COCO_OK; at += CHUNK_SIZE) {
        status = add_record(hash, "MR.EXTEND", address + at, err);
        if (status == COCO_OK)
            status = coco_hash_add(hash, page + at, CHUNK_SIZE, err);
    }
    return status;
}

static coco_status
add_pages(struct coco_hash *hash, const struct coco_firmware *firmware,
          const struct coco_tdx_section *section, bool add, bool extend, coco_error **err)
{
    coco_status status = COCO_OK;

    for (uint64_t at = 0; at < section->size && status == COCO_OK; at += COCO_PAGE_SIZE) {
        if (add)
            status = add_record(hash, "MEM.PAGE.ADD", section->address + at, err);
        if (status == COCO_OK && extend)
            status = extend_page(hash, firmware->data + section->offset + at, section->address + at,
                                 err);
    }
    return status;
}

static coco_status
add_section(struct coco_hash *hash, const struct coco_firmware *firmware, size_t index,
            coco_tdx_order order, coco_error **err)
{
    const struct coco_tdx_section *section = &firmware->tdx[index];
    bool add = !(section->attributes & COCO_TDX_SECTION_AUGMENT);
    bool extend = section->attributes & COCO_TDX_SECTION_EXTEND;

    /* What a VMM makes up, such as the TD HOB, is not known here. */
    if (extend && (!add || section->len != section->size))
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "firmware: section %zu is measured, but not all of it is in the image",
                         index);
    coco_status status =
        add_pages(hash, firmware, section, add, extend && order == COCO_TDX_BY_PAGE, err);
    if (status == COCO_OK && extend && order == COCO_TDX_BY_SECTION)
        status = add_pages(hash, firmware, section, false, true, err);
    return status;
}

coco_status
coco_tdx_mrtd(const struct coco_firmware *firmware, coco_tdx_order order,
              uint8_t ret[COCO_TDX_DIGEST_SIZE], coco_error **err)
{
    _cleanup_hash_ struct coco_hash hash = {0};
    struct coco_digest digest;

    if (firmware->tdx_n == 0)
        return coco_fail(err, COCO_ERR_INVALID, "firmware: it is not made for TDX");
    coco_status status = coco_hash_begin(&hash, COCO_SHA384, err);
    for (size_t i = 0; i < firmware->tdx_n && status == COCO_OK; i++)
        status = add_section(&hash, firmware, i, order, err);
    if (status == COCO_OK)
        status = coco_hash_end(&hash, &digest, err);
    if (status == COCO_OK)
        memcpy(ret, digest.bytes, COCO_TDX_DIGEST_SIZE);
    return status;
}
