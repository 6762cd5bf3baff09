/*
 * crypto/jwk.h - JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_JWK_H
#define COCO_CRYPTO_JWK_H

#include "base/json.h"
#include "crypto/key.h"

/*
 * The public half of key as an object with exactly the members kty, alg (when
 * not NULL) and crv, x, y or n, e or crv, x. Upstream's KBS drops any further
 * member before it hashes (kbs-protocol A.3), so there must be none.
 */
coco_status coco_jwk_public(const EVP_PKEY *key, const char *alg, cJSON **ret, coco_error **err);

/*
 * Reads a JWK: EC (P-256, P-384, P-521), RSA or OKP (Ed25519), public or private.
 * Coordinates must have their full length, n no leading zero; the point must lie
 * on its curve. COCO_ERR_PROTO for malformed, COCO_ERR_NOTSUP for other kinds.
 */
coco_status coco_jwk_parse(const cJSON *jwk, EVP_PKEY **ret, coco_error **err);

/*
 * The same. A public key on the curve of like, which may be NULL, takes the curve from
 * there: to set one up takes OpenSSL three times as long as all the rest.
 */
coco_status coco_jwk_parse_like(const cJSON *jwk, const EVP_PKEY *like, EVP_PKEY **ret,
                                coco_error **err);

/*
 * The private JWK of an EC key, as coco_jwk_parse() reads it; COCO_ERR_NOTSUP for others,
 * COCO_ERR_INVALID for a public key. For keys that only we read: PEM would have OpenSSL look
 * for all encoders and decoders that it has.
 */
coco_status coco_jwk_private(const EVP_PKEY *key, cJSON **ret, coco_error **err);

/* base64url of the SHA-256 thumbprint (RFC 7638), 43 characters. */
coco_status coco_jwk_thumbprint(const EVP_PKEY *key, struct coco_buf *buf, coco_error **err);

#endif
