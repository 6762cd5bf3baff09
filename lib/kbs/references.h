/*
 * kbs/references.h - reference values
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_REFERENCES_H
#define COCO_KBS_REFERENCES_H

#include "kbs/store.h"

/* Stores value, JSON, as the reference value name. */
coco_status coco_kbs_reference_set(struct coco_kbs_store *store, const char *name,
                                   const char *value, coco_error **err);

/*
 * Stores what an RVPS message holds: {"version":"0.1.0","type":"sample",
 * "payload":"<base64 of {name: value, …}>"} (kbs-protocol C.3), or nothing if one
 * of them cannot be stored. COCO_ERR_NOTSUP for other types.
 */
coco_status coco_kbs_references_register(struct coco_kbs_store *store, const void *message,
                                         size_t len, coco_error **err);

#endif
