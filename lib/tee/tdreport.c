/*
 * tee/tdreport.c - the TDREPORT of a TD, which a quote is made of
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/tdreport.h"

#include "base/digest.h"
#include "base/fail.h"
#include "base/reader.h"

#include <string.h>

#define TD_INFO_SIZE 512

_Static_assert(sizeof(struct coco_tdreport) == COCO_TDREPORT_SIZE, "a TDREPORT");
_Static_assert(offsetof(struct coco_tdreport, tcb_info) == 256, "TEE_TCB_INFO");
_Static_assert(offsetof(struct coco_tdreport, attributes) == COCO_TDREPORT_SIZE - TD_INFO_SIZE,
               "TDINFO");

/* Both hashes, as they must be. */
static coco_status
hash(const struct coco_tdreport *report, struct coco_digest *tcb_info, struct coco_digest *td_info,
     coco_error **err)
{
    const uint8_t *bytes = (const uint8_t *)report;

    coco_status status =
        coco_digest_of(COCO_SHA384, report->tcb_info, sizeof(report->tcb_info), tcb_info, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA384, bytes + offsetof(struct coco_tdreport, attributes),
                                TD_INFO_SIZE, td_info, err);
    return status;
}

coco_status
coco_tdreport_parse(const void *data, size_t len, struct coco_tdreport *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_tdreport report;
    struct coco_digest tcb_info = {0};
    struct coco_digest td_info = {0};

    coco_read_bytes(&r, &report, sizeof(report));
    coco_status status = coco_reader_finish(&r, "TDREPORT", err);
    if (status != COCO_OK)
        return status;
    if (report.type[0] != COCO_TDREPORT_TYPE || report.type[1] != 0 || report.type[3] != 0)
        return coco_fail(err, COCO_ERR_PROTO, "TDREPORT of the type %02x%02x%02x%02x",
                         report.type[0], report.type[1], report.type[2], report.type[3]);
    status = hash(&report, &tcb_info, &td_info, err);
    if (status != COCO_OK)
        return status;
    if (memcmp(report.tcb_info_hash, tcb_info.bytes, sizeof(report.tcb_info_hash)) != 0
        || memcmp(report.td_info_hash, td_info.bytes, sizeof(report.td_info_hash)) != 0)
        return coco_fail(err, COCO_ERR_PROTO, "TDREPORT has the hash of something else");
    *ret = report;
    return COCO_OK;
}

coco_status
coco_tdreport_seal(struct coco_tdreport *report, uint8_t version, coco_error **err)
{
    struct coco_digest tcb_info = {0};
    struct coco_digest td_info = {0};

    coco_status status = hash(report, &tcb_info, &td_info, err);
    if (status != COCO_OK)
        return status;
    memcpy(report->type, (const uint8_t[4]){COCO_TDREPORT_TYPE, 0, version, 0}, 4);
    memcpy(report->tcb_info_hash, tcb_info.bytes, sizeof(report->tcb_info_hash));
    memcpy(report->td_info_hash, td_info.bytes, sizeof(report->td_info_hash));
    return COCO_OK;
}
