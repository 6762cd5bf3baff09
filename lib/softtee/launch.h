/*
 * softtee/launch.h - what boots, and what that measures to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SOFTTEE_LAUNCH_H
#define COCO_SOFTTEE_LAUNCH_H

#include "base/buf.h"
#include "base/cleanup.h"
#include "measure/boot.h"
#include "tee/tpm.h"

#include <stdbool.h>

/*
 * All of it is lent. Measured is what hardware and firmware would (lib/measure), so that
 * the same can be computed ahead, or found on hardware.
 */
struct coco_softtee_launch {
    struct coco_sev_part firmware; /* data NULL: what the machine brings along */
    bool has_kernel;
    struct coco_sev_kernel kernel; /* a program of UEFI; its command line "" for none */
    const char *init_data;         /* the document's text; NULL for none */
    uint32_t vcpus;                /* of SEV-SNP, which measures them; 0 is 1 */
};

#define COCO_SOFTTEE_REGISTERS 4

/* What a TD holds, and its firmware's log. */
struct coco_softtee_td {
    uint8_t mr_td[48];
    uint8_t mr_config_id[48];
    uint8_t rtmr[COCO_SOFTTEE_REGISTERS][48];
    struct coco_buf log;
};

void coco_softtee_td_done(struct coco_softtee_td *td);
#define _cleanup_softtee_td_ _cleanup_(coco_softtee_td_done)

coco_status coco_softtee_measure_td(const struct coco_softtee_launch *launch,
                                    struct coco_softtee_td *ret, coco_error **err);

/* What an SNP guest holds: with CPUs as QEMU has them, of the one processor that amd.c has. */
struct coco_softtee_guest {
    uint8_t measurement[48];
    uint8_t host_data[32];
};

coco_status coco_softtee_measure_guest(const struct coco_softtee_launch *launch,
                                       struct coco_softtee_guest *ret, coco_error **err);

/* What firmware, kernel and agent have put into a TPM: by its log, and init data besides. */
struct coco_softtee_vtpm {
    struct coco_buf log;
    bool has_init_data;
    uint8_t init_data[COCO_TPM_PCR_SIZE]; /* what is extended into its PCR */
};

void coco_softtee_vtpm_done(struct coco_softtee_vtpm *vtpm);
#define _cleanup_softtee_vtpm_ _cleanup_(coco_softtee_vtpm_done)

/* The firmware is not measured. */
coco_status coco_softtee_measure_vtpm(const struct coco_softtee_launch *launch,
                                      struct coco_softtee_vtpm *ret, coco_error **err);

#endif
