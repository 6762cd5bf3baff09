/*
 * signature/notation.h - envelopes of Notation (the Notary Project), JWS and COSE
 *
 * Sources: notaryproject/specifications, signature-specification.md, signing-scheme.md,
 * signature-envelope-jws.md and signature-envelope-cose.md; notation-core-go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_NOTATION_H
#define COCO_SIGNATURE_NOTATION_H

#include "signature/signer.h"

#define COCO_NOTATION_ARTIFACT "application/vnd.cncf.notary.signature"
#define COCO_NOTATION_JWS "application/jose+json"
#define COCO_NOTATION_COSE "application/cose"

/* An envelope taken apart, not yet verified. */
struct coco_notation {
    struct coco_signer signer; /* certificates, and a time stamp perhaps */
    char algorithm[8];         /* "PS256" … "ES512" */
    struct coco_buf payload;
    struct coco_buf signed_data;
    struct coco_buf signature;
    bool by_authority; /* notary.x509.signingAuthority: who says the time signs, too */
    int64_t time;      /* when it was signed, seconds since 1970: signed, but for an authority's
                          by the signer alone */
    bool expires;
    int64_t expiry;
};

/*
 * COCO_ERR_NOTSUP for signing schemes that are not known and for critical headers that are not;
 * COCO_ERR_PROTO for headers that do not go with their scheme, or are not critical but must be.
 */
coco_status coco_notation_parse_jws(const void *json, size_t len, struct coco_notation *ret,
                                    coco_error **err);
coco_status coco_notation_parse_cose(const void *data, size_t len, struct coco_notation *ret,
                                     coco_error **err);
void coco_notation_done(struct coco_notation *notation);
#define _cleanup_notation_ _cleanup_(coco_notation_done)

/* COCO_ERR_VERIFY unless the first certificate's key signed it, by the algorithm that fits the key.
 */
coco_status coco_notation_check_signature(struct coco_notation *notation, coco_error **err);

/* The digest that the payload is of: COCO_ERR_PROTO for no payload of Notation. */
coco_status coco_notation_target(const struct coco_notation *notation, struct coco_digest *ret,
                                 coco_error **err);

/*
 * Whether the subject of cert is what a trusted identity says: "*", or "x509.subject: C=…, ST=…,
 * O=…, …", whose parts must all be there. COCO_ERR_INVALID for what is no such identity.
 */
coco_status coco_notation_is_identity(X509 *cert, const char *identity, bool *ret,
                                      coco_error **err);

/* What of an envelope is checked besides that it is unaltered (trust-store-trust-policy.md). */
enum coco_notation_validation {
    COCO_NOTATION_AUTHENTICITY,
    COCO_NOTATION_TIMESTAMP,
    COCO_NOTATION_EXPIRY,
};
#define COCO_NOTATION_VALIDATIONS 3

/* "signatureVerification": what of it is enforced, and else only told. */
struct coco_notation_level {
    bool is_enforced[COCO_NOTATION_VALIDATIONS];
    bool after_expiry; /* a time stamp counts only where a certificate has expired */
};

/*
 * Reads a requirement's. Without one all is enforced. COCO_ERR_NOTSUP for a level that demands to
 * ask whether certificates were revoked, which is not done, and for "skip"; COCO_ERR_PROTO for
 * what is none.
 */
coco_status coco_notation_level_read(const cJSON *requirement, struct coco_notation_level *ret,
                                     coco_error **err);

/*
 * Finds when it was signed, into its signer's times: as its authority says; or by a time stamp of
 * the signature, which must be there where somebody is trusted for them; else now. COCO_ERR_VERIFY
 * for stamps that do not hold.
 */
coco_status coco_notation_find_times(struct coco_notation *notation, const struct coco_trust *trust,
                                     const struct coco_notation_level *level, int64_t now,
                                     struct coco_buf *detail, coco_error **err);

#endif
