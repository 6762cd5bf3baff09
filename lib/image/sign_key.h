/*
 * image/sign_key.h - a private key that signs images: here, or in a token of PKCS#11
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_SIGN_KEY_H
#define COCO_IMAGE_SIGN_KEY_H

#include "image/client.h"

/* Where the token is: crypto/pkcs11.h has it, if this build has tokens. */
struct coco_sign_token;

struct coco_sign_key {
    EVP_PKEY *key;                 /* the private key, or the public half of the token's */
    struct coco_sign_token *token; /* or NULL */
};

/*
 * Reads what coco_image_sign() takes for a key: the key itself, perhaps under one of the client's
 * passwords, or what says which one of a token it is, a key file of ocicrypt or a URI (RFC 7512).
 * With a token that is opened, and the PIN of a URI alone comes from a file: COCO_ERR_INVALID.
 */
coco_status coco_sign_key_open(const coco_image_client *client, const uint8_t *text, size_t len,
                               struct coco_sign_key *ret, coco_error **err);
void coco_sign_key_done(struct coco_sign_key *key);
#define _cleanup_sign_key_ _cleanup_(coco_sign_key_done)

/* Appends the signature of data as cosign makes it: with SHA-256, but for Ed25519. */
coco_status coco_sign_key_sign(const struct coco_sign_key *key, const void *data, size_t len,
                               struct coco_buf *ret, coco_error **err);

#endif
