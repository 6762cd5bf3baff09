/*
 * crypto/cosign_key.h - a private key under a password as cosign keeps it
 *
 *     {"kdf": {"name": "scrypt", "params": {"N", "r", "p"}, "salt"},
 *      "cipher": {"name": "nacl/secretbox", "nonce"}, "ciphertext"}
 *
 * Source: go-securesystemslib, encrypted/encrypted.go. Of scrypt it takes three strengths and no
 * others, which bounds what a file can cost: 128 MiB and half a second.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_COSIGN_KEY_H
#define COCO_CRYPTO_COSIGN_KEY_H

#include "crypto/secretbox.h"

#define COCO_COSIGN_SALT_MAX ((size_t)64)
#define COCO_COSIGN_BOX_MAX ((size_t)16 << 10) /* a key of RSA with 8192 bits has 5 KiB */

struct coco_cosign_key {
    uint64_t n; /* of scrypt; r is 8, p is 1 */
    struct coco_buf salt;
    uint8_t nonce[COCO_SECRETBOX_NONCE_SIZE];
    struct coco_buf box;
};

/*
 * COCO_ERR_PROTO for what is no such file, COCO_ERR_NOTSUP for another cipher or another way to
 * make its key, COCO_ERR_LIMIT for more than such a file has.
 */
coco_status coco_cosign_key_parse(const void *json, size_t len, struct coco_cosign_key *ret,
                                  coco_error **err);
void coco_cosign_key_done(struct coco_cosign_key *key);
#define _cleanup_cosign_key_ _cleanup_(coco_cosign_key_done)

/* Opens it: PKCS#8. COCO_ERR_VERIFY for another password, COCO_ERR_NOTSUP without libsodium. */
coco_status coco_cosign_key_open(const struct coco_cosign_key *key,
                                 const struct coco_secret *password, struct coco_secret *ret,
                                 coco_error **err);

#endif
