/*
 * ocicrypt/chunks.c - the list of MACs of an encrypted layer's chunks
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/chunks.h"

#include "base/base64.h"
#include "base/fail.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define MAC "AES-256-GMAC"
#define HEAD_SIZE 32
#define USUAL_SIZE ((size_t)1 << 20)

void
coco_chunks_done(struct coco_chunks *chunks)
{
    coco_buf_done(&chunks->tags);
    *chunks = (struct coco_chunks){0};
}

bool
coco_chunks_same(const struct coco_chunks *a, const struct coco_chunks *b)
{
    return a->size == b->size && a->tags.len == b->tags.len
           && (a->tags.len == 0 || CRYPTO_memcmp(a->tags.data, b->tags.data, a->tags.len) == 0);
}

size_t
coco_chunk_size_for(uint64_t total)
{
    size_t size = USUAL_SIZE;

    while (size <= COCO_CHUNK_SIZE_MAX && total / size >= COCO_CHUNKS_MAX)
        size *= 2;
    return size <= COCO_CHUNK_SIZE_MAX ? size : 0;
}

/* There are so few sizes that each is tried: no two texts say the same. */
static const char *
read_size(const char *text, size_t *ret)
{
    for (size_t size = COCO_CHUNK_SIZE_MIN; size <= COCO_CHUNK_SIZE_MAX; size *= 2) {
        char head[HEAD_SIZE];
        int len = snprintf(head, sizeof(head), MAC ":%zu:", size);

        if (len > 0 && strncmp(text, head, (size_t)len) == 0) {
            *ret = size;
            return text + len;
        }
    }
    return NULL;
}

static coco_status
read_tags(const char *text, struct coco_buf *tags, coco_error **err)
{
    size_t len = strlen(text);

    tags->limit = (size_t)COCO_CHUNKS_MAX * COCO_CHUNK_TAG_SIZE;
    coco_status status = coco_base64_decode(COCO_BASE64, text, len, tags, err);
    if (status == COCO_OK && (tags->len == 0 || tags->len % COCO_CHUNK_TAG_SIZE != 0))
        status = coco_fail(err, COCO_ERR_PROTO, "%zu bytes of tags", tags->len);
    return status;
}

coco_status
coco_chunks_read(const char *text, struct coco_chunks *ret, coco_error **err)
{
    struct coco_chunks chunks = {0};
    const char *tags = read_size(text, &chunks.size);

    if (!tags && strncmp(text, MAC ":", strlen(MAC ":")) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "chunks of the layer: their MAC is not " MAC);
    if (!tags)
        return coco_fail(err, COCO_ERR_PROTO, "chunks of the layer: no size that they may have");
    coco_status status = read_tags(tags, &chunks.tags, err);
    if (status != COCO_OK) {
        coco_chunks_done(&chunks);
        return coco_wrap(err, status, "chunks of the layer");
    }
    *ret = chunks;
    return COCO_OK;
}

coco_status
coco_chunks_write(const struct coco_chunks *chunks, struct coco_buf *text, coco_error **err)
{
    coco_status status = coco_buf_printf(text, err, MAC ":%zu:", chunks->size);

    if (status == COCO_OK)
        status = coco_base64_encode(COCO_BASE64, chunks->tags.data, chunks->tags.len, text, err);
    return status;
}
