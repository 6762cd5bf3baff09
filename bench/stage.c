/*
 * bench/stage.c - one stage of a pull, alone
 *
 *     stage sha256 FILE...
 *     stage gzip|zstd FILE...    inflates into nothing
 *     stage cipher FILE...       AES-256-CTR and HMAC-SHA256, as layers are decrypted
 *
 * What the machine can do when it does nothing else: no pull can be faster than
 * its slowest stage.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/digest.h"
#include "base/fd.h"
#include "image/unpack.h"
#include "ocicrypt/layer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PIECE ((size_t)64 << 10)

static coco_status
drop(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    (void)self;
    (void)data;
    (void)len;
    (void)err;
    return COCO_OK;
}

static coco_status
drop_end(void *self, coco_error **err)
{
    (void)self;
    (void)err;
    return COCO_OK;
}

static coco_status
hash_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_hash_add(self, data, len, err);
}

static coco_status
feed(const char *path, const struct coco_sink *sink)
{
    uint8_t piece[PIECE];
    ssize_t n;

    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return COCO_ERR_IO;
    while ((n = read(fd, piece, sizeof(piece))) > 0) {
        coco_status status = coco_sink_write(sink, piece, (size_t)n, NULL);
        if (status != COCO_OK)
            return status;
    }
    return n < 0 ? COCO_ERR_IO : coco_sink_end(sink, NULL);
}

static coco_status
hash_file(const char *path)
{
    struct coco_hash hash = {0};
    struct coco_digest digest;
    const struct coco_sink sink = {.write = hash_write, .end = drop_end, .self = &hash};

    coco_status status = coco_hash_begin(&hash, COCO_SHA256, NULL);
    if (status == COCO_OK)
        status = feed(path, &sink);
    if (status == COCO_OK)
        status = coco_hash_end(&hash, &digest, NULL);
    coco_hash_done(&hash);
    return status;
}

static coco_status
inflate_file(enum coco_compression compression, const char *path)
{
    _cleanup_(coco_inflate_freep) struct coco_inflate *inflate = NULL;
    const struct coco_sink nothing = {.write = drop, .end = drop_end};
    const struct coco_inflate_limits limits = {.max_ratio = UINT32_MAX, .max_window = 128 << 20};

    coco_status status = coco_inflate_new(compression, &limits, &nothing, &inflate, NULL);
    if (status != COCO_OK)
        return status;
    const struct coco_sink sink = coco_inflate_sink(inflate);
    return feed(path, &sink);
}

/* Encrypting costs what decrypting does, and ends without a MAC to compare. */
static coco_status
cipher_file(const char *path)
{
    _cleanup_(coco_layer_cipher_freep) struct coco_layer_cipher *cipher = NULL;
    _cleanup_layer_key_ struct coco_layer_key key = {0};
    const struct coco_sink nothing = {.write = drop, .end = drop_end};

    coco_status status = coco_layer_key_generate(&key, NULL);
    key.plain.alg = COCO_SHA256; /* known: it is not computed here */
    if (status == COCO_OK)
        status = coco_layer_encrypt(&key, &nothing, &cipher, NULL);
    if (status != COCO_OK)
        return status;
    const struct coco_sink sink = coco_layer_cipher_sink(cipher);
    return feed(path, &sink);
}

int
main(int argc, char **argv)
{
    const char *stage = argc > 1 ? argv[1] : "";

    for (int i = 2; i < argc; i++) {
        coco_status status = COCO_ERR_INVALID;

        if (strcmp(stage, "sha256") == 0)
            status = hash_file(argv[i]);
        else if (strcmp(stage, "gzip") == 0)
            status = inflate_file(COCO_GZIP, argv[i]);
        else if (strcmp(stage, "cipher") == 0)
            status = cipher_file(argv[i]);
        else if (strcmp(stage, "zstd") == 0)
            status = inflate_file(COCO_ZSTD, argv[i]);
        if (status != COCO_OK) {
            fprintf(stderr, "stage: %s %s: status %d\n", stage, argv[i], (int)status);
            return 1;
        }
    }
    return argc > 2 ? 0 : 2;
}
