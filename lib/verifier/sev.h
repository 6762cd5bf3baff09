/*
 * verifier/sev.h - whether a guest was launched as its owner wants on AMD SEV
 *
 * For a broker that was part of the launch, as well as for evidence of the TEE "sev".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_SEV_H
#define COCO_VERIFIER_SEV_H

#include "tee/sev_evidence.h"
#include "verifier/driver.h"

/*
 * Adds "root" and "certificates": that the platform of chain is one of AMD's.
 * What is above its CEK comes from the collateral if chain does not have it.
 */
coco_status coco_check_sev_platform(const struct coco_verification *verification,
                                    coco_verdict *verdict, const struct coco_sev_chain *chain,
                                    coco_error **err);

/* Adds "measurement" and "debug": that the firmware launched what launch says, with tik. */
coco_status coco_check_sev_launch(coco_verdict *verdict, const struct coco_sev_launch *launch,
                                  const uint8_t mac[COCO_SEV_MAC_SIZE],
                                  const struct coco_secret *tik, coco_error **err);

#endif
