/*
 * kbs/spiffe.h - names of workloads (SPIFFE-ID), made of what is known about them
 *
 *     spiffe://<trust domain>/<path>
 *
 * A template is a path in which {/a/b} is the claim that a JSON pointer (RFC 6901) leads
 * to, {tee-key} the thumbprint of the guest's key, and {evidence} the digest of its evidence.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_SPIFFE_H
#define COCO_KBS_SPIFFE_H

#include "base/json.h"

/* Of a whole id (SPIFFE-ID section 2.3). */
#define COCO_SPIFFE_ID_MAX ((size_t)2048)

/* What is known about a workload. */
struct coco_spiffe_facts {
    const cJSON *claims;
    const char *tee_key;
    const char *evidence;
};

/* COCO_ERR_PROTO unless text is one (section 2.1): lower case, digits, ".", "-" and "_". */
coco_status coco_spiffe_check_domain(const char *text, coco_error **err);

/* COCO_ERR_PROTO for a template that no facts could make a path of (section 2.2) of. */
coco_status coco_spiffe_check_template(const char *text, coco_error **err);

/*
 * Appends the id. COCO_ERR_DENIED if a claim is not there, or is no text or number of
 * [A-Za-z0-9._-]: nothing that is claimed leads out of the part that it is in.
 */
coco_status coco_spiffe_id(const char *domain, const char *template,
                           const struct coco_spiffe_facts *facts, struct coco_buf *buf,
                           coco_error **err);

#endif
