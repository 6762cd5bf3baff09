/*
 * crypto/jws.h - JSON Web Signatures and Tokens, compact form (RFC 7515, RFC 7519)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_JWS_H
#define COCO_CRYPTO_JWS_H

#include "base/json.h"
#include "crypto/key.h"

/* Leeway for clocks that differ, in seconds; as upstream has it. */
#define COCO_JWT_LEEWAY_S 60

/*
 * The one alg that signatures of key have: ES256, ES384, ES512, RS256 or EdDSA; static.
 * COCO_ERR_NOTSUP for keys of other kinds.
 */
coco_status coco_jws_alg_of(const EVP_PKEY *key, const char **ret, coco_error **err);

/*
 * Appends header.payload.signature. The alg is the key's. header holds further
 * members (kid, jwk, typ) or is NULL; typ "JWT" and alg are added in front.
 */
coco_status coco_jws_sign(EVP_PKEY *key, const cJSON *header, const cJSON *payload,
                          struct coco_buf *buf, coco_error **err);

/* The same with another typ, or none if that is NULL: what is no token should not say that it is.
 */
coco_status coco_jws_sign_typed(EVP_PKEY *key, const char *typ, const cJSON *header,
                                const cJSON *payload, struct coco_buf *buf, coco_error **err);

/*
 * The same in two steps, for a key that signs often: the first part, which does not change,
 * and the rest, of a payload that is text already.
 */
coco_status coco_jws_header(const EVP_PKEY *key, const char *typ, const cJSON *header,
                            struct coco_buf *buf, coco_error **err);
coco_status coco_jws_sign_text(EVP_PKEY *key, const char *header, const struct coco_buf *payload,
                               struct coco_buf *buf, coco_error **err);

/* A compact JWS taken apart, not yet verified: header and payload are hostile. */
struct coco_jws {
    cJSON *header;
    cJSON *payload;
    struct coco_buf signed_text; /* header.payload as it came */
    struct coco_buf signature;
};

coco_status coco_jws_parse(const char *text, size_t len, struct coco_jws *ret, coco_error **err);
void coco_jws_done(struct coco_jws *jws);
#define _cleanup_jws_ _cleanup_(coco_jws_done)

/*
 * COCO_ERR_VERIFY unless jws is signed by key with the alg that key has; the
 * header's alg must say the same, "crit" must be absent.
 */
coco_status coco_jws_verify(const struct coco_jws *jws, EVP_PKEY *key, coco_error **err);

/* COCO_ERR_VERIFY unless exp (which must be there), nbf and iat fit to now, seconds since 1970. */
coco_status coco_jwt_check_times(const cJSON *claims, int64_t now, coco_error **err);

/* COCO_ERR_VERIFY unless audience is the "aud", or one of them. */
coco_status coco_jwt_check_audience(const cJSON *claims, const char *audience, coco_error **err);

#endif
