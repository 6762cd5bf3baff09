/*
 * ocicrypt/chunks.h - the list of MACs of an encrypted layer's chunks
 *
 * The MAC of ocicrypt's format is over the whole layer. With this list, which other readers
 * ignore, a layer is authenticated chunk by chunk, so that nothing of it is looked at that is
 * not. Source: doc/encrypted-image-format.md, section 6.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_OCICRYPT_CHUNKS_H
#define COCO_OCICRYPT_CHUNKS_H

#include "base/buf.h"

#include <stdbool.h>

#define COCO_CHUNK_TAG_SIZE 16
/* Sizes of chunks are powers of two. */
#define COCO_CHUNK_SIZE_MIN ((size_t)128 << 10)
#define COCO_CHUNK_SIZE_MAX ((size_t)16 << 20)
/* Of one layer: what its manifest has to hold. */
#define COCO_CHUNKS_MAX 8192

struct coco_chunks {
    size_t size;          /* of all chunks but the last, in bytes; 0 for no list */
    struct coco_buf tags; /* in the order of the chunks, COCO_CHUNK_TAG_SIZE each */
};

void coco_chunks_done(struct coco_chunks *chunks);
bool coco_chunks_same(const struct coco_chunks *a, const struct coco_chunks *b);

/*
 * The size for layers of so many bytes in all, for which one manifest holds the lists: 1 MiB,
 * and more for more than 8 GiB; 0 where there would be too many.
 */
size_t coco_chunk_size_for(uint64_t total);

/* "AES-256-GMAC:SIZE:BASE64". COCO_ERR_PROTO for what is none, COCO_ERR_NOTSUP for another MAC. */
coco_status coco_chunks_read(const char *text, struct coco_chunks *ret, coco_error **err);
coco_status coco_chunks_write(const struct coco_chunks *chunks, struct coco_buf *text,
                              coco_error **err);

#endif
