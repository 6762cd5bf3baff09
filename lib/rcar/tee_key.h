/*
 * rcar/tee_key.h - the guest's key pair (tee-pubkey)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RCAR_TEE_KEY_H
#define COCO_RCAR_TEE_KEY_H

#include "base/json.h"
#include "crypto/key.h"
#include "rcar/version.h"

/*
 * The public half of key as the JWK that is sent and hashed. COCO_ERR_NOTSUP for
 * a kind that no server of this version encrypts to: RSA it must be, or, from
 * 0.2.0 on, P-256 or P-521.
 */
coco_status coco_rcar_tee_key_build(enum coco_rcar_version version, const EVP_PKEY *key,
                                    cJSON **ret, coco_error **err);

/*
 * Reads a tee-pubkey. It must have exactly the members of A.3: upstream drops
 * further ones before it hashes, so they would not be bound by the evidence. And
 * exactly the algorithm that coco_rcar_tee_key_build() gives such a key:
 * COCO_ERR_NOTSUP for others.
 */
coco_status coco_rcar_tee_key_parse(enum coco_rcar_version version, const cJSON *jwk,
                                    EVP_PKEY **ret, coco_error **err);
/* The same with a key to take the curve from, or NULL: coco_jwk_parse_like(). */
coco_status coco_rcar_tee_key_parse_like(enum coco_rcar_version version, const cJSON *jwk,
                                         const EVP_PKEY *like, EVP_PKEY **ret, coco_error **err);

/* Appends the thumbprint of a tee-pubkey (RFC 7638), 43 characters; nothing else is checked. */
coco_status coco_rcar_tee_key_id(const cJSON *jwk, struct coco_buf *buf, coco_error **err);

/*
 * The tee-pubkey in a token's claims, at the first of the places that servers
 * have put it (A.9); extra_paths are JSON pointers to try before them, ended by
 * a NULL, or is NULL. Lent. COCO_ERR_PROTO if it is nowhere.
 */
coco_status coco_rcar_tee_key_of_token(const cJSON *claims, const char *const *extra_paths,
                                       const cJSON **ret, coco_error **err);

#endif
