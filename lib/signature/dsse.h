/*
 * signature/dsse.h - envelopes that hold what is signed (DSSE), and statements in them (in-toto)
 *
 * Sources: secure-systems-lab/dsse, protocol.md and envelope.md; in-toto/attestation, spec/v1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_DSSE_H
#define COCO_SIGNATURE_DSSE_H

#include "base/digest.h"
#include "base/json.h"

#define COCO_IN_TOTO_TYPE "application/vnd.in-toto+json"

/* What a statement says that is cosign's signature of an image, and no more. */
#define COCO_PREDICATE_SIGN "https://sigstore.dev/cosign/sign/v1"

/* Appends what a signature of a payload is of: "DSSEv1 …". */
coco_status coco_dsse_encode(const char *type, const struct coco_buf *payload, struct coco_buf *ret,
                             coco_error **err);

/* An envelope taken apart, not yet verified. */
struct coco_dsse {
    struct coco_buf payload;
    struct coco_buf signed_data; /* what the signature is of: "DSSEv1 …" */
    struct coco_buf signature;
    char *signature_text; /* base64, as it was */
};

/* One with exactly one signature, of a payload of that type. */
coco_status coco_dsse_parse(const cJSON *json, const char *type, struct coco_dsse *ret,
                            coco_error **err);
void coco_dsse_done(struct coco_dsse *dsse);
#define _cleanup_dsse_ _cleanup_(coco_dsse_done)

/* A statement: what is said of which subjects. */
struct coco_statement {
    cJSON *json;
    const char *predicate_type; /* lent by json, like the rest */
    const cJSON *predicate;     /* or NULL */
    const cJSON *subjects;
};

coco_status coco_statement_parse(const void *data, size_t len, struct coco_statement *ret,
                                 coco_error **err);
void coco_statement_done(struct coco_statement *statement);
#define _cleanup_statement_ _cleanup_(coco_statement_done)

/* Whether digest is one of its subjects. */
bool coco_statement_is_of(const struct coco_statement *statement, const struct coco_digest *digest);

#endif
