/*
 * ocicrypt/layer.c - the layer cipher AES_256_CTR_HMAC_SHA256
 *
 * write: ciphertext -> MAC, CTR -> plaintext -> digest -> next (or the other way
 * round), a block at a time; end: MAC, digest, then next's end. Where there is a list of
 * chunks, its stage stands on the side of the ciphertext.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/layer.h"

#include "base/fail.h"
#include "ocicrypt/chunk_mac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

/* What is worked on at once; it stays in the first-level caches. */
#define BLOCK_SIZE ((size_t)16 << 10)

struct coco_layer_cipher {
    struct coco_sink next;
    struct coco_chunk_mac *chunks; /* or NULL */
    EVP_CIPHER_CTX *ctr;
    EVP_MAC_CTX *mac;
    struct coco_hash plain; /* of the plaintext; none when nothing is to be compared */
    bool encrypts;
    struct coco_layer_key *fill; /* encryption: where MAC and digest go at the end */
    uint8_t want_mac[COCO_LAYER_MAC_SIZE];
    struct coco_digest want_plain;
    uint8_t block[BLOCK_SIZE];
};

void
coco_layer_key_done(struct coco_layer_key *key)
{
    coco_secret_done(&key->key);
    coco_chunks_done(&key->chunks);
    OPENSSL_cleanse(key, sizeof(*key));
}

void
coco_layer_key_of_content(struct coco_layer_key *key, const struct coco_digest *diff_id)
{
    if (key->plain.alg && coco_digest_equal(&key->plain, diff_id))
        key->plain = (struct coco_digest){0};
}

coco_status
coco_layer_key_generate(struct coco_layer_key *ret, coco_error **err)
{
    _cleanup_layer_key_ struct coco_layer_key key = {0};

    coco_status status = coco_secret_random(COCO_LAYER_KEY_SIZE, &key.key, err);
    if (status == COCO_OK)
        status = coco_random(key.nonce, sizeof(key.nonce), err);
    if (status != COCO_OK)
        return status;
    *ret = key;
    key = (struct coco_layer_key){0};
    return COCO_OK;
}

void
coco_layer_cipher_free(struct coco_layer_cipher *cipher)
{
    if (!cipher)
        return;
    EVP_CIPHER_CTX_free(cipher->ctr);
    EVP_MAC_CTX_free(cipher->mac);
    coco_hash_done(&cipher->plain);
    coco_chunk_mac_free(cipher->chunks);
    OPENSSL_cleanse(cipher, sizeof(*cipher));
    free(cipher);
}

static coco_status
start_mac(struct coco_layer_cipher *cipher, const struct coco_secret *key, coco_error **err)
{
    char sha256[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    cipher->mac = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    if (!cipher->mac || EVP_MAC_init(cipher->mac, key->data, key->len, params) != 1)
        return coco_fail_nomem(err);
    return COCO_OK;
}

/* The nonce is the whole first counter block; CTR is the same both ways. */
static coco_status
start(struct coco_layer_cipher *cipher, const struct coco_layer_key *key, enum coco_hash_alg plain,
      coco_error **err)
{
    if (key->key.len != COCO_LAYER_KEY_SIZE)
        return coco_fail(err, COCO_ERR_INVALID, "layer key has %zu bytes, not %d", key->key.len,
                         COCO_LAYER_KEY_SIZE);
    cipher->ctr = EVP_CIPHER_CTX_new();
    if (!cipher->ctr
        || EVP_EncryptInit_ex2(cipher->ctr, EVP_aes_256_ctr(), key->key.data, key->nonce, NULL)
               != 1)
        return coco_fail_nomem(err);
    coco_status status = start_mac(cipher, &key->key, err);
    if (status == COCO_OK && plain)
        status = coco_hash_begin(&cipher->plain, plain, err);
    return status;
}

/* One block, from data to out. The MAC is over the encrypted side, the digest over the plain one.
 */
static coco_status
transform(struct coco_layer_cipher *cipher, const uint8_t *data, size_t len, uint8_t *out,
          coco_error **err)
{
    const uint8_t *encrypted = cipher->encrypts ? out : data;
    const uint8_t *plain = cipher->encrypts ? data : out;
    int n = 0;

    if (EVP_EncryptUpdate(cipher->ctr, out, &n, data, (int)len) != 1
        || EVP_MAC_update(cipher->mac, encrypted, len) != 1)
        return coco_fail_nomem(err);
    return cipher->plain.md ? coco_hash_add(&cipher->plain, plain, len, err) : COCO_OK;
}

/* Where the next block comes out: of what the next stage lends, so that it is copied no more. */
static uint8_t *
next_block(struct coco_layer_cipher *cipher, size_t *room)
{
    uint8_t *lent = coco_sink_lend(&cipher->next, room);

    if (!lent || *room > BLOCK_SIZE)
        *room = BLOCK_SIZE;
    return lent ? lent : cipher->block;
}

static coco_status
layer_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct coco_layer_cipher *cipher = self;

    while (len > 0) {
        size_t room = 0;
        uint8_t *block = next_block(cipher, &room);
        size_t part = len < room ? len : room;

        coco_status status = transform(cipher, data, part, block, err);
        if (status == COCO_OK)
            status = coco_sink_write(&cipher->next, block, part, err);
        if (status != COCO_OK)
            return status;
        data += part;
        len -= part;
    }
    return COCO_OK;
}

/*
 * T16: both are computed and compared before anything is said, one answer for
 * either, and no value in it.
 */
static coco_status
check(const struct coco_layer_cipher *cipher, const uint8_t *mac, const struct coco_digest *plain,
      coco_error **err)
{
    int differs = CRYPTO_memcmp(mac, cipher->want_mac, COCO_LAYER_MAC_SIZE);

    differs |= CRYPTO_memcmp(plain->bytes, cipher->want_plain.bytes, sizeof(plain->bytes));
    if (differs)
        return coco_fail(err, COCO_ERR_VERIFY, COCO_LAYER_NOT_AUTHENTIC);
    return COCO_OK;
}

static coco_status
layer_end(void *self, coco_error **err)
{
    struct coco_layer_cipher *cipher = self;
    uint8_t mac[COCO_LAYER_MAC_SIZE];
    struct coco_digest plain = {0};
    coco_status status = COCO_OK;

    if (EVP_MAC_final(cipher->mac, mac, NULL, sizeof(mac)) != 1)
        return coco_fail_nomem(err);
    if (cipher->plain.md)
        status = coco_hash_end(&cipher->plain, &plain, err);
    if (status == COCO_OK && !cipher->encrypts)
        status = check(cipher, mac, &plain, err);
    if (status != COCO_OK)
        return status;

    if (cipher->encrypts) {
        memcpy(cipher->fill->mac, mac, sizeof(mac));
        if (plain.alg)
            cipher->fill->plain = plain;
    }
    return coco_sink_end(&cipher->next, err);
}

static struct coco_sink
own_sink(struct coco_layer_cipher *cipher)
{
    return (struct coco_sink){.write = layer_write, .end = layer_end, .self = cipher};
}

coco_status
coco_layer_decrypt(const struct coco_layer_key *key, const struct coco_sink *next,
                   struct coco_layer_cipher **ret, coco_error **err)
{
    _cleanup_(coco_layer_cipher_freep) struct coco_layer_cipher *cipher =
        calloc(1, sizeof(*cipher));

    if (!cipher)
        return coco_fail_nomem(err);
    const struct coco_sink decrypting = own_sink(cipher);
    cipher->next = *next;
    cipher->want_plain = key->plain;
    memcpy(cipher->want_mac, key->mac, sizeof(cipher->want_mac));
    coco_status status = start(cipher, key, key->plain.alg, err);
    if (status == COCO_OK && key->chunks.size > 0)
        status = coco_chunk_mac_check(&key->key, &key->chunks, &decrypting, &cipher->chunks, err);
    if (status == COCO_OK)
        *ret = coco_steal(&cipher);
    return status;
}

coco_status
coco_layer_encrypt(struct coco_layer_key *key, const struct coco_sink *next,
                   struct coco_layer_cipher **ret, coco_error **err)
{
    _cleanup_(coco_layer_cipher_freep) struct coco_layer_cipher *cipher =
        calloc(1, sizeof(*cipher));

    if (!cipher)
        return coco_fail_nomem(err);
    cipher->next = *next;
    cipher->encrypts = true;
    cipher->fill = key;
    coco_status status = start(cipher, key, key->plain.alg ? 0 : COCO_SHA256, err);
    if (status == COCO_OK && key->chunks.size > 0)
        status = coco_chunk_mac_make(&key->key, &key->chunks, next, &cipher->chunks, err);
    if (status == COCO_OK && cipher->chunks)
        cipher->next = coco_chunk_mac_sink(cipher->chunks);
    if (status == COCO_OK)
        *ret = coco_steal(&cipher);
    return status;
}

struct coco_sink
coco_layer_cipher_sink(struct coco_layer_cipher *cipher)
{
    return cipher->chunks && !cipher->encrypts ? coco_chunk_mac_sink(cipher->chunks)
                                               : own_sink(cipher);
}
