/*
 * bench/cipher.c - layers encrypted and decrypted, from memory to memory
 *
 *     cipher MIB
 *
 * The cipher and its MAC on one thread, the digest that names the encrypted blob on another,
 * as they stand behind each other when an image is copied: no file, no registry, and not the
 * digest of what lies before the cipher. Prints what it did, and MiB a second, a line each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/digest.h"
#include "base/relay.h"
#include "ocicrypt/layer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PIECE ((size_t)64 << 10)
#define RING ((size_t)1 << 20)
#define MIB_MAX 4096
#define ROUNDS 5

struct memory {
    uint8_t *data;
    size_t len;
    size_t size;
};

static coco_status
memory_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct memory *memory = self;

    (void)err;
    if (len > memory->size - memory->len)
        return COCO_ERR_LIMIT;
    if (data != memory->data + memory->len)
        memcpy(memory->data + memory->len, data, len);
    memory->len += len;
    return COCO_OK;
}

static uint8_t *
memory_lend(void *self, size_t *room)
{
    const struct memory *memory = self;

    *room = memory->size - memory->len;
    return memory->data + memory->len;
}

static coco_status
memory_end(void *self, coco_error **err)
{
    const struct memory *memory = self;

    (void)err;
    return memory->len == memory->size ? COCO_OK : COCO_ERR_INVALID;
}

/* What was encrypted: its digest, and itself. */
struct blob {
    struct coco_hash hash;
    struct coco_digest digest;
    struct memory *memory;
};

static coco_status
blob_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct blob *blob = self;

    coco_status status = coco_hash_add(&blob->hash, data, len, err);
    return status == COCO_OK ? memory_write(blob->memory, data, len, err) : status;
}

static coco_status
blob_end(void *self, coco_error **err)
{
    struct blob *blob = self;

    return coco_hash_end(&blob->hash, &blob->digest, err);
}

static void
blob_done(struct blob *blob)
{
    coco_hash_done(&blob->hash);
}

/* Writes all of from, whose digest is computed on the way where hash is one. */
static coco_status
feed(const struct memory *from, struct coco_hash *hash, const struct coco_sink *sink)
{
    for (size_t at = 0; at < from->size; at += PIECE) {
        coco_status status = hash ? coco_hash_add(hash, from->data + at, PIECE, NULL) : COCO_OK;
        if (status == COCO_OK)
            status = coco_sink_write(sink, from->data + at, PIECE, NULL);
        if (status != COCO_OK)
            return status;
    }
    return coco_sink_end(sink, NULL);
}

/* cipher | digest and memory */
static coco_status
encrypt(struct coco_layer_key *key, const struct memory *from, struct memory *to,
        struct coco_digest *digest)
{
    _cleanup_(blob_done) struct blob blob = {.memory = to};
    _cleanup_(coco_relay_freep) struct coco_relay *relay = NULL;
    _cleanup_(coco_layer_cipher_freep) struct coco_layer_cipher *cipher = NULL;
    const struct coco_sink stored = {.write = blob_write, .end = blob_end, .self = &blob};

    coco_status status = coco_hash_begin(&blob.hash, COCO_SHA256, NULL);
    if (status == COCO_OK)
        status = coco_relay_new(RING, &stored, 1, &relay, NULL);
    if (status != COCO_OK)
        return status;
    const struct coco_sink behind = coco_relay_sink(relay);
    status = coco_layer_encrypt(key, &behind, &cipher, NULL);
    if (status != COCO_OK)
        return status;
    const struct coco_sink sink = coco_layer_cipher_sink(cipher);
    status = feed(from, NULL, &sink);
    *digest = blob.digest;
    return status;
}

/* digest | cipher and memory */
static coco_status
decrypt(const struct coco_layer_key *key, const struct memory *from, struct memory *to,
        const struct coco_digest *want)
{
    _cleanup_(coco_hash_done) struct coco_hash hash = {0};
    _cleanup_(coco_layer_cipher_freep) struct coco_layer_cipher *cipher = NULL;
    _cleanup_(coco_relay_freep) struct coco_relay *relay = NULL;
    const struct coco_sink memory = {
        .write = memory_write, .end = memory_end, .lend = memory_lend, .self = to};
    struct coco_digest digest;

    coco_status status = coco_hash_begin(&hash, COCO_SHA256, NULL);
    if (status == COCO_OK)
        status = coco_layer_decrypt(key, &memory, &cipher, NULL);
    if (status != COCO_OK)
        return status;
    const struct coco_sink decrypting = coco_layer_cipher_sink(cipher);
    status = coco_relay_new(RING, &decrypting, 1, &relay, NULL);
    if (status != COCO_OK)
        return status;
    const struct coco_sink sink = coco_relay_sink(relay);
    status = feed(from, &hash, &sink);
    if (status == COCO_OK)
        status = coco_hash_end(&hash, &digest, NULL);
    return status == COCO_OK && !coco_digest_equal(&digest, want) ? COCO_ERR_VERIFY : status;
}

static double
now(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* One round of each, whose seconds are lowered to the least. */
static coco_status
go(struct memory *plain, struct memory *sealed, struct memory *opened, double seconds[2])
{
    _cleanup_layer_key_ struct coco_layer_key key = {0};
    struct coco_digest digest = {0};

    sealed->len = 0;
    opened->len = 0;
    coco_status status = coco_layer_key_generate(&key, NULL);
    key.plain.alg = COCO_SHA256; /* known: it is not computed here */
    double start = now();
    if (status == COCO_OK)
        status = encrypt(&key, plain, sealed, &digest);
    double between = now();
    key.plain = (struct coco_digest){0};
    if (status == COCO_OK)
        status = decrypt(&key, sealed, opened, &digest);
    double end = now();
    if (status == COCO_OK && memcmp(plain->data, opened->data, plain->size) != 0)
        status = COCO_ERR_VERIFY;
    if (between - start < seconds[0])
        seconds[0] = between - start;
    if (end - between < seconds[1])
        seconds[1] = end - between;
    return status;
}

int
main(int argc, char **argv)
{
    const unsigned long mib = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    const size_t size = (size_t)mib << 20;
    struct memory memories[3];
    double seconds[2] = {1e9, 1e9};
    coco_status status = mib > 0 && mib <= MIB_MAX ? COCO_OK : COCO_ERR_INVALID;

    for (size_t i = 0; i < 3 && status == COCO_OK; i++) {
        memories[i] = (struct memory){.data = malloc(size), .size = size};
        if (!memories[i].data)
            return EXIT_FAILURE;
        memset(memories[i].data, (int)i, size); /* so that no page is had while time is taken */
    }
    for (size_t i = 0; i < ROUNDS && status == COCO_OK; i++)
        status = go(&memories[0], &memories[1], &memories[2], seconds);
    if (status != COCO_OK) {
        (void)fprintf(stderr, "cipher: status %d\n", (int)status);
        return EXIT_FAILURE;
    }
    (void)printf("encrypt %.0f\ndecrypt %.0f\n", (double)mib / seconds[0],
                 (double)mib / seconds[1]);
    return EXIT_SUCCESS;
}
