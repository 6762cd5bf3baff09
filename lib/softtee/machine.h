/*
 * softtee/machine.h - a machine that is software, and its maker
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SOFTTEE_MACHINE_H
#define COCO_SOFTTEE_MACHINE_H

#include "softtee/amd.h"
#include "softtee/intel.h"
#include "softtee/launch.h"
#include "softtee/tpm.h"

enum coco_softtee_kind {
    COCO_SOFTTEE_TDX,
    COCO_SOFTTEE_SNP,
    COCO_SOFTTEE_TPM, /* a machine with a TPM, and no TEE */
};

#define COCO_SOFTTEE_REGISTER_SIZE 48
#define COCO_SOFTTEE_REPORT_DATA_SIZE 64 /* of both */

struct coco_softtee_machine {
    enum coco_softtee_kind kind;
    struct coco_softtee_td td;
    struct coco_softtee_guest guest;
    struct coco_softtee_vtpm vtpm;
    struct coco_intel intel;
    struct coco_amd amd;
    struct coco_tpm_maker tpm;
};

void coco_softtee_machine_done(struct coco_softtee_machine *machine);

/*
 * Boots a machine whose maker's keys are kept in state, a directory, or made there: by one
 * process at a time. What a verifier needs is written to state/collateral, and the
 * fingerprint of the root to state/roots, in a file by the maker's name; the public key of
 * a TPM to state/keys.
 */
coco_status coco_softtee_machine_boot(const char *state, enum coco_softtee_kind kind,
                                      const struct coco_softtee_launch *launch,
                                      struct coco_softtee_machine *ret, coco_error **err);

/* Appends a quote of TDX, or SNP's report of privilege level vmpl; a TPM gives its own. */
coco_status coco_softtee_machine_quote(const struct coco_softtee_machine *machine,
                                       const uint8_t report_data[COCO_SOFTTEE_REPORT_DATA_SIZE],
                                       uint32_t vmpl, struct coco_buf *ret, coco_error **err);

/* Extends RTMR0 to RTMR3 of TDX. */
coco_status coco_softtee_machine_extend(struct coco_softtee_machine *machine, unsigned rtmr,
                                        const uint8_t digest[COCO_SOFTTEE_REGISTER_SIZE],
                                        coco_error **err);

#endif
