/*
 * references/names.h - which claim a reference value is compared with
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_REFERENCES_NAMES_H
#define COCO_REFERENCES_NAMES_H

#include "base/json.h"

/* A name that Trustee's default policies ask for, of one TEE. */
struct coco_reference_name {
    const char *tee;
    const char *name;
    const char *claim; /* with dots into objects */
    bool asked;        /* by a policy, which fails without */
    bool least;        /* the claim may be more */
    const char *event; /* not NULL: a digest of the event called so in claim, a list of them */
};

/* Entry index of the table, or NULL past the last. */
const struct coco_reference_name *coco_reference_name_at(size_t index);

/* The one of tee; NULL if it has none of that name. */
const struct coco_reference_name *coco_reference_name_of(const char *tee, const char *name);

/*
 * The claim called name, where a dot leads into an object, as policies write it; NULL if
 * there is none.
 */
const cJSON *coco_reference_claim(const cJSON *claims, const char *name);

/* Whether name is one of any other TEE than tee. */
bool coco_reference_name_is_foreign(const char *tee, const char *name);

#endif
