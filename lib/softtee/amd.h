/*
 * softtee/amd.h - an AMD that is nobody's: reports, and its word on them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SOFTTEE_AMD_H
#define COCO_SOFTTEE_AMD_H

#include "softtee/launch.h"
#include "softtee/pki.h"
#include "tee/snp.h"

#define COCO_AMD_MAKER "amd/Genoa"

struct coco_amd {
    struct coco_pki ark;
    struct coco_pki ask;
    struct coco_pki vcek;
};

void coco_amd_done(struct coco_amd *amd);

/* Certificates that dir keeps, or new ones. */
coco_status coco_amd_open(const char *dir, struct coco_amd *ret, coco_error **err);

/* Writes all that a verifier asks for to dir, by the names of coco/collateral.h. */
coco_status coco_amd_publish(const struct coco_amd *amd, const char *dir, coco_error **err);

/* Appends a report of guest, version 3, signed. */
coco_status coco_amd_report(const struct coco_amd *amd, const struct coco_softtee_guest *guest,
                            const uint8_t report_data[COCO_SNP_REPORT_DATA_SIZE], uint32_t vmpl,
                            struct coco_buf *ret, coco_error **err);

/* Appends the table of certificates that a host gives along. */
coco_status coco_amd_table(const struct coco_amd *amd, struct coco_buf *ret, coco_error **err);

#endif
