/*
 * kbs/references.h - reference values
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_REFERENCES_H
#define COCO_KBS_REFERENCES_H

#include "kbs/config.h"
#include "kbs/policy.h"
#include "kbs/store.h"

/* Stores value, JSON, as the reference value name, which has no end. */
coco_status coco_kbs_reference_set(struct coco_kbs_store *store, const char *name,
                                   const char *value, coco_error **err);

/*
 * An array of those that are there, sorted by name: objects of "name", the "time" when it was
 * registered, seconds since 1970, the "value", and when it "expires", if it does.
 */
coco_status coco_kbs_references_list(struct coco_kbs_store *store, cJSON **ret, coco_error **err);

/*
 * {name: value} of those that are good at now, which alone count: sorted. The names of the others
 * go to the array *ended, unless that is NULL.
 */
coco_status coco_kbs_references_get(struct coco_kbs_store *store, int64_t now, cJSON **ret,
                                    cJSON **ended, coco_error **err);

/*
 * Stores what an RVPS message holds (kbs-protocol C.3), or nothing if one of the values
 * cannot be stored. {"version":"0.1.0","type":"sample","payload":"<base64>"} are values,
 * {name: value, …}; those of type "corim" a manifest. All must be good at now. Values of the
 * former end as "expirations": {name: "2027-11-28T12:00:00Z"} says, which is our own; others
 * overlook it.
 *
 * With keys there must be a manifest that one of them signed: COCO_ERR_VERIFY for others.
 * COCO_ERR_NOTSUP for other types.
 */
coco_status coco_kbs_references_register(struct coco_kbs_store *store,
                                         const struct coco_kbs_texts *keys, int64_t now,
                                         const void *message, size_t len, coco_error **err);

/*
 * Those that are good at now, for policies: read again when the store has changed, whoever
 * changed it, or a second has passed, which may have ended some. Any thread.
 */
struct coco_kbs_expected;

coco_status coco_kbs_expected_new(struct coco_kbs_store *store, struct coco_kbs_expected **ret,
                                  coco_error **err);
void coco_kbs_expected_free(struct coco_kbs_expected *expected);
COCO_DEFINE_CLEANUP(struct coco_kbs_expected *, coco_kbs_expected_free);

/* Unref them. */
coco_status coco_kbs_expected_get(struct coco_kbs_expected *expected, int64_t now,
                                  struct coco_policy_values **ret, coco_error **err);

/* COCO_ERR_PROTO unless each of keys is a public key. */
coco_status coco_kbs_references_check_keys(const struct coco_kbs_texts *keys, coco_error **err);

#endif
