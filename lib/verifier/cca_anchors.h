/*
 * verifier/cca_anchors.h - trust anchors of Arm CCA, as Trustee keeps them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_CCA_ANCHORS_H
#define COCO_VERIFIER_CCA_ANCHORS_H

#include "base/json.h"
#include "tee/cca.h"

/* Whether text is such a store, and no key: a JSON array. */
bool coco_cca_anchors_are(const void *text, size_t len);

/*
 * Reads [{"pkey":JWK,"implementation-id":HEX,"instance-id":HEX}, ...], the file that
 * Trustee's "ta-store" names. COCO_ERR_PROTO for anything else.
 */
coco_status coco_cca_anchors_parse(const void *text, size_t len, cJSON **ret, coco_error **err);

/* Of one element: appends the JWK of the platform's key, stores whose it is. */
coco_status coco_cca_anchor_get(const cJSON *anchor, struct coco_buf *jwk,
                                uint8_t instance_id[COCO_CCA_INSTANCE_SIZE], coco_error **err);

#endif
