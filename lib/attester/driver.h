/*
 * attester/driver.h - what an attester of one TEE is made of
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_DRIVER_H
#define COCO_ATTESTER_DRIVER_H

#include "base/buf.h"
#include "base/cleanup.h"

#include <coco/attester.h>

COCO_DEFINE_CLEANUP(coco_attester *, coco_attester_free);

/* Report data is the field of hardware reports that the guest fills: 64 bytes everywhere. */
#define COCO_REPORT_DATA_MAX 64
#define COCO_EVIDENCE_MAX ((size_t)1 << 20)

/* One TEE; the table of them is in attester.c. */
struct coco_attester_driver {
    const char *tee;
    /* Whether this machine is one. */
    bool (*detect)(void);
    /* Finds what collect() needs; NULL if that is nothing. */
    coco_status (*open)(void **ret, coco_error **err);
    void (*close)(void *self);
    /* Appends evidence, JSON, that holds the 1 to COCO_REPORT_DATA_MAX bytes of report_data. */
    coco_status (*collect)(void *self, const uint8_t *report_data, size_t len,
                           struct coco_buf *evidence, coco_error **err);
};

extern const struct coco_attester_driver coco_sample_attester;
extern const struct coco_attester_driver coco_software_attester;

/* Takes over self on success. */
coco_status coco_attester_wrap(const struct coco_attester_driver *driver, void *self,
                               coco_attester **ret, coco_error **err);

#endif
