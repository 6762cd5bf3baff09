/*
 * kbs/se.h - challenges of guests of IBM Secure Execution
 *
 * [attestation_service.verifier_config.se_verifier]
 *
 * The nonce of such a guest is a request to the ultravisor of its machine, for which
 * a KBS must know on what machines it may run, and what image (kbs-protocol A.3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_SE_H
#define COCO_KBS_SE_H

#include "kbs/config.h"

#include <coco/verifier.h>

#define COCO_KBS_SE_TEE "se"

struct coco_kbs_se;

/*
 * Reads the documents of host keys and the header of the image, and gives verifier the
 * private key. *ret is NULL where nothing is configured. That IBM vouches for the
 * documents is for coco_kbs_se_ask() to find: it may end, or be taken back.
 */
coco_status coco_kbs_se_new(const struct coco_kbs_config *config, coco_verifier *verifier,
                            struct coco_kbs_se **ret, coco_error **err);
void coco_kbs_se_free(struct coco_kbs_se *se);
COCO_DEFINE_CLEANUP(struct coco_kbs_se *, coco_kbs_se_free);

/* Appends what a guest gets for a nonce; errors of coco_se_request_make(). */
coco_status coco_kbs_se_ask(const struct coco_kbs_se *se, const coco_verifier *verifier,
                            struct coco_buf *nonce, coco_error **err);

#endif
