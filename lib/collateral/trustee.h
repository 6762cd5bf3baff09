/*
 * collateral/trustee.h - collateral as Trustee keeps it for sites without a network
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_COLLATERAL_TRUSTEE_H
#define COCO_COLLATERAL_TRUSTEE_H

#include "collateral/items.h"

/*
 * The items of a file that Intel's PCS client tool writes and Trustee's collateral_service
 * = "file://..." reads: {"collaterals": {...}}. early: where it has both, that of the early
 * updates. COCO_ERR_PROTO or COCO_ERR_LIMIT for anything else.
 */
coco_status coco_trustee_parse(const void *json, size_t len, bool early, struct coco_items *ret,
                               coco_error **err);

#endif
