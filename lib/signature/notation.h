/*
 * signature/notation.h - envelopes of Notation (the Notary Project), JWS and COSE
 *
 * Sources: notaryproject/specifications, signature-specification.md,
 * signature-envelope-jws.md and signature-envelope-cose.md.
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
    int64_t expiry; /* seconds since 1970; 0: never */
};

/*
 * COCO_ERR_NOTSUP for other signing schemes than notary.x509 and for critical headers that are
 * not known.
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

#endif
