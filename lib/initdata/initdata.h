/*
 * initdata/initdata.h - inside of init data
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_INITDATA_INITDATA_H
#define COCO_INITDATA_INITDATA_H

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/json.h"

#include <coco/initdata.h>

#include <stdbool.h>

COCO_DEFINE_CLEANUP(coco_initdata *, coco_initdata_free);
#define _cleanup_initdata_ _cleanup_(coco_initdata_freep)

#define COCO_INITDATA_VERSION "0.1.0"
#define COCO_INITDATA_MAX COCO_JSON_SIZE_MAX

struct coco_initdata {
    enum coco_hash_alg alg;
    cJSON *data;          /* texts by name */
    struct coco_buf text; /* as it came, or as it was built */
    bool built;
};

/* coco_initdata_parse() of TOML alone. */
coco_status coco_initdata_read(const char *toml, coco_initdata **ret, coco_error **err);

/* The digest, for who keeps digests. */
coco_status coco_initdata_digest_of(const coco_initdata *initdata, struct coco_digest *ret,
                                    coco_error **err);

/* Appends the document that has these texts. */
coco_status coco_initdata_format(enum coco_hash_alg alg, const cJSON *data, struct coco_buf *buf,
                                 coco_error **err);

/* ---- claims.c ---- */

/*
 * What a token says of it: the map "data", with aa.toml and cdh.toml read, and the
 * policy_data of policy.rego as "agent_policy_claims".
 *
 * COCO_ERR_PROTO for TOML that is none, and for claims of which two have the same
 * name, but for case.
 */
coco_status coco_initdata_claims(const coco_initdata *initdata, cJSON **ret, coco_error **err);

/* ---- annotation.c ---- */

/* Whether text is base64 of something gzip has packed, rather than TOML. */
bool coco_initdata_is_packed(const char *text);

/* Appends what was packed; COCO_ERR_PROTO if it was not, COCO_ERR_LIMIT past the limit of buf. */
coco_status coco_initdata_unpack(const char *text, struct coco_buf *buf, coco_error **err);

#endif
