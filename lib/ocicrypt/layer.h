/*
 * ocicrypt/layer.h - the layer cipher AES_256_CTR_HMAC_SHA256
 *
 * Source: containers/ocicrypt blockcipher/blockcipher_aes_ctr.go. The MAC is over
 * the ciphertext and its key is the cipher's. One key is for one layer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_OCICRYPT_LAYER_H
#define COCO_OCICRYPT_LAYER_H

#include "base/digest.h"
#include "base/secret.h"
#include "base/sink.h"
#include "ocicrypt/chunks.h"

#define COCO_LAYER_KEY_SIZE 32
#define COCO_LAYER_NONCE_SIZE 16
#define COCO_LAYER_MAC_SIZE 32
/* One text for whatever differs (T16). */
#define COCO_LAYER_NOT_AUTHENTIC "layer authentication failed"

/* What opens one layer: the private options, secret but for mac and chunks. */
struct coco_layer_key {
    struct coco_secret key; /* COCO_LAYER_KEY_SIZE */
    uint8_t nonce[COCO_LAYER_NONCE_SIZE];
    uint8_t mac[COCO_LAYER_MAC_SIZE]; /* known once the layer was encrypted */
    struct coco_digest plain;         /* of the decrypted blob; alg 0 if not stated */
    struct coco_chunks chunks;        /* where there is a list of their MACs */
};

void coco_layer_key_done(struct coco_layer_key *key);
#define _cleanup_layer_key_ _cleanup_(coco_layer_key_done)

/*
 * What skopeo, podman and buildah state as the digest of a layer that they compress on its way
 * to the cipher is that of the layer before. Where key states diff_id, which whoever unpacks
 * the layer compares with its content, the blob need not have that digest as well.
 */
void coco_layer_key_of_content(struct coco_layer_key *key, const struct coco_digest *diff_id);

/* Fresh key and nonce. */
coco_status coco_layer_key_generate(struct coco_layer_key *ret, coco_error **err);

/* A running decryption or encryption. */
struct coco_layer_cipher;
void coco_layer_cipher_free(struct coco_layer_cipher *cipher);
COCO_DEFINE_CLEANUP(struct coco_layer_cipher *, coco_layer_cipher_free);

/*
 * Decrypts what is written to coco_layer_cipher_sink() into next.
 *
 * The plaintext reaches next before the MAC is known, so next must not make it
 * visible before its end was called. end checks the MAC, then the digest of the
 * plaintext when the key states one, then calls next's end. Either mismatch is
 * COCO_ERR_VERIFY COCO_LAYER_NOT_AUTHENTIC, and no value is ever told (T16).
 *
 * With the key's list of chunks, whose tags are lent, each of them reaches next when its own
 * MAC was right, and key->chunks.size bytes are kept for that; without, none is.
 */
coco_status coco_layer_decrypt(const struct coco_layer_key *key, const struct coco_sink *next,
                               struct coco_layer_cipher **ret, coco_error **err);

/*
 * Encrypts into next; at the end key->mac and key->plain are filled, then next's end is called.
 * Whoever knows the digest of what will come, and checks it, states it as key->plain before: it is
 * not computed once more then. Whoever wants a list of chunks sets key->chunks.size.
 */
coco_status coco_layer_encrypt(struct coco_layer_key *key, const struct coco_sink *next,
                               struct coco_layer_cipher **ret, coco_error **err);

struct coco_sink coco_layer_cipher_sink(struct coco_layer_cipher *cipher);

#endif
