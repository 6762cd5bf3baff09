/*
 * ocicrypt/chunk_mac.h - the ciphertext of a layer, authenticated chunk by chunk
 *
 * Both are stages of a stream of ciphertext: one behind a cipher that encrypts, one before
 * a cipher that decrypts. The key of the MACs is derived from the layer's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_OCICRYPT_CHUNK_MAC_H
#define COCO_OCICRYPT_CHUNK_MAC_H

#include "base/secret.h"
#include "base/sink.h"
#include "ocicrypt/chunks.h"

struct coco_chunk_mac;
void coco_chunk_mac_free(struct coco_chunk_mac *mac);
COCO_DEFINE_CLEANUP(struct coco_chunk_mac *, coco_chunk_mac_free);

/*
 * Passes on all at once, and has the MACs of chunks->size bytes each in chunks->tags at the
 * end. COCO_ERR_LIMIT for more than COCO_CHUNKS_MAX.
 */
coco_status coco_chunk_mac_make(const struct coco_secret *layer_key, struct coco_chunks *chunks,
                                const struct coco_sink *next, struct coco_chunk_mac **ret,
                                coco_error **err);

/*
 * Passes a chunk on when its MAC was right, for which it keeps up to chunks->size bytes.
 * The tags are lent. COCO_ERR_VERIFY with the text of the layer's own MAC (T16) for any that
 * differs, and for more or fewer chunks than there are MACs.
 */
coco_status coco_chunk_mac_check(const struct coco_secret *layer_key,
                                 const struct coco_chunks *chunks, const struct coco_sink *next,
                                 struct coco_chunk_mac **ret, coco_error **err);

struct coco_sink coco_chunk_mac_sink(struct coco_chunk_mac *mac);

#endif
