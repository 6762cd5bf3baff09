/*
 * fuzz/layer_cipher/target.c - a layer decrypts if its MAC and its digest are right, and never else
 *
 * Input: how the layer lies (see below), the hash of the digest, key, nonce, MAC,
 * digest, then the ciphertext. What must come of it is computed here, by OpenSSL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/layer.h"

#include "base/fail.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

enum {
    RIGHT_MAC = 1,    /* in the place of the input's */
    RIGHT_DIGEST = 2, /* in the place of the input's */
    FLIPPED = 4,      /* the last bit of the ciphertext, afterwards */
    SHORT_KEY = 8,
    FULL_DISK = 16,
};

struct layer {
    struct coco_layer_key key;
    uint8_t *data;
    size_t len;
    bool full_disk;
};

/* Where a layer goes. */
struct target {
    struct coco_buf buf;
    bool ended, fails;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static coco_status
target_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct target *target = self;

    if (target->ended)
        abort();
    return target->fails ? coco_fail(err, COCO_ERR_IO, "disk full")
                         : coco_buf_append(&target->buf, data, len, err);
}

static coco_status
target_end(void *self, coco_error **err)
{
    struct target *target = self;

    (void)err;
    if (target->ended)
        abort();
    target->ended = true;
    return COCO_OK;
}

/* Decrypts or, with another key to fill, encrypts data, step bytes at a time. */
static coco_status
run(const struct coco_layer_key *key, struct coco_layer_key *fill, const uint8_t *data, size_t len,
    size_t step, struct target *target)
{
    const struct coco_sink next = {.write = target_write, .end = target_end, .self = target};
    _cleanup_(coco_layer_cipher_freep) struct coco_layer_cipher *cipher = NULL;
    coco_error *err = NULL;

    target->buf.limit = SIZE_MAX;
    coco_status status = fill ? coco_layer_encrypt(fill, &next, &cipher, &err)
                              : coco_layer_decrypt(key, &next, &cipher, &err);
    if (status == COCO_OK) {
        struct coco_sink sink = coco_layer_cipher_sink(cipher);

        for (size_t at = 0; at < len && status == COCO_OK; at += step)
            status = coco_sink_write(&sink, data + at, len - at < step ? len - at : step, &err);
        if (status == COCO_OK)
            status = coco_sink_end(&sink, &err);
    }
    /* T16: one answer, whatever was wrong. */
    if (status == COCO_ERR_VERIFY
        && strcmp(coco_error_message(err), "layer authentication failed") != 0)
        abort();
    coco_error_free(err);
    if ((status == COCO_OK) != target->ended)
        abort();
    return status;
}

static void
make_mac(const struct layer *layer, uint8_t mac[COCO_LAYER_MAC_SIZE])
{
    unsigned n = 0;

    if (!HMAC(EVP_sha256(), layer->key.key.data, COCO_LAYER_KEY_SIZE, layer->data, layer->len, mac,
              &n)
        || n != COCO_LAYER_MAC_SIZE)
        abort();
}

/* The plaintext, in a buffer that the caller frees. */
static uint8_t *
make_plain(const struct layer *layer)
{
    uint8_t *plain = malloc(layer->len + 1);
    EVP_CIPHER_CTX *ctr = EVP_CIPHER_CTX_new();
    int n = 0;

    if (!plain || !ctr
        || EVP_DecryptInit_ex2(ctr, EVP_aes_256_ctr(), layer->key.key.data, layer->key.nonce, NULL)
               != 1
        || EVP_DecryptUpdate(ctr, plain, &n, layer->data, (int)layer->len) != 1)
        abort();
    EVP_CIPHER_CTX_free(ctr);
    return plain;
}

/* Its bytes into dest, if there are as many. */
static bool
take(const uint8_t **data, size_t *len, void *dest, size_t size)
{
    if (*len < size)
        return false;
    memcpy(dest, *data, size);
    *data += size;
    *len -= size;
    return true;
}

static bool
read_layer(const uint8_t *data, size_t len, struct layer *layer)
{
    uint8_t how[2];
    uint8_t key[COCO_LAYER_KEY_SIZE];
    uint8_t digest[COCO_DIGEST_SIZE_MAX];

    if (!take(&data, &len, how, sizeof(how)) || !take(&data, &len, key, sizeof(key))
        || !take(&data, &len, layer->key.nonce, COCO_LAYER_NONCE_SIZE)
        || !take(&data, &len, layer->key.mac, COCO_LAYER_MAC_SIZE)
        || !take(&data, &len, digest, sizeof(digest)))
        return false;
    layer->data = malloc(len + 1);
    if (!layer->data || coco_secret_copy(key, sizeof(key), &layer->key.key, NULL) != COCO_OK)
        abort();
    memcpy(layer->data, data, len);
    layer->len = len;

    _cleanup_free_ uint8_t *plain = make_plain(layer);
    struct coco_digest *want = &layer->key.plain;
    want->alg = (enum coco_hash_alg)(how[1] % (COCO_SHA512 + 1));
    if (want->alg)
        memcpy(want->bytes, digest, coco_hash_size(want->alg));
    if (want->alg && how[0] & RIGHT_DIGEST
        && coco_digest_of(want->alg, plain, len, want, NULL) != COCO_OK)
        abort();
    if (how[0] & RIGHT_MAC)
        make_mac(layer, layer->key.mac);
    if (how[0] & FLIPPED && len > 0)
        layer->data[len - 1] ^= 1;
    if (how[0] & SHORT_KEY)
        layer->key.key.len = COCO_LAYER_KEY_SIZE - 1;
    layer->full_disk = how[0] & FULL_DISK;
    return true;
}

static coco_status
expected(const struct layer *layer, const uint8_t *plain)
{
    struct coco_digest digest;
    uint8_t mac[COCO_LAYER_MAC_SIZE];
    const struct coco_digest *want = &layer->key.plain;

    if (layer->key.key.len != COCO_LAYER_KEY_SIZE)
        return COCO_ERR_INVALID;
    if (layer->full_disk && layer->len > 0)
        return COCO_ERR_IO;
    make_mac(layer, mac);
    if (memcmp(mac, layer->key.mac, sizeof(mac)) != 0)
        return COCO_ERR_VERIFY;
    if (want->alg && coco_digest_of(want->alg, plain, layer->len, &digest, NULL) != COCO_OK)
        abort();
    return want->alg && !coco_digest_equal(&digest, want) ? COCO_ERR_VERIFY : COCO_OK;
}

/* The plaintext, encrypted under the same key and nonce, is what it was. */
static void
check_encryption(const struct layer *layer, const uint8_t *plain)
{
    struct coco_layer_key key = layer->key;
    struct target target = {0};

    memset(key.mac, 0, sizeof(key.mac));
    if (run(NULL, &key, plain, layer->len, 17, &target) != COCO_OK || target.buf.len != layer->len
        || (layer->len > 0 && memcmp(target.buf.data, layer->data, layer->len) != 0)
        || memcmp(key.mac, layer->key.mac, sizeof(key.mac)) != 0)
        abort();
    coco_buf_done(&target.buf);
}

static void
check(const struct layer *layer)
{
    _cleanup_free_ uint8_t *plain = make_plain(layer);
    coco_status want = expected(layer, plain);

    for (size_t step = layer->len + 1; step > 0; step = step == 13 ? 0 : 13) {
        struct target target = {.fails = layer->full_disk};

        if (run(&layer->key, NULL, layer->data, layer->len, step, &target) != want)
            abort();
        if (want == COCO_OK
            && (target.buf.len != layer->len
                || (layer->len > 0 && memcmp(target.buf.data, plain, layer->len) != 0)))
            abort();
        coco_buf_done(&target.buf);
    }
    if (want == COCO_OK)
        check_encryption(layer, plain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct layer layer = {0};

    if (read_layer(data, len, &layer))
        check(&layer);
    free(layer.data);
    coco_layer_key_done(&layer.key);
    return 0;
}
