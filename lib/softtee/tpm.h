/*
 * softtee/tpm.h - a maker of TPMs who is nobody
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SOFTTEE_TPM_H
#define COCO_SOFTTEE_TPM_H

#include "softtee/pki.h"

struct coco_tpm_maker {
    struct coco_pki root;
    struct coco_pki ak; /* the attestation key of the one TPM there is, RSA */
};

void coco_tpm_maker_done(struct coco_tpm_maker *maker);

/* Keys that dir keeps, or new ones. */
coco_status coco_tpm_maker_open(const char *dir, struct coco_tpm_maker *ret, coco_error **err);

/* Writes the public half of the attestation key, PEM: no certificate comes with evidence. */
coco_status coco_tpm_maker_publish(const struct coco_tpm_maker *maker, const char *dir,
                                   const char *name, coco_error **err);

#endif
