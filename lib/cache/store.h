/*
 * cache/store.h - blobs and manifests in a directory, by digest
 *
 *     DIRECTORY/CLASS/blob-sha256-<hex>       the bytes
 *     DIRECTORY/CLASS/manifest-sha256-<hex>   its media type, a newline, the bytes
 *     DIRECTORY/tmp/…                         on the way in, each under a lock
 *
 * A class says who may have what is in it, see doc/coco-cache.md. Files come by
 * rename alone, so any number of processes may use one directory and be killed at
 * any time: what is in a class was whole and had its digest when it came. Whether it
 * still has is for whoever reads it. The time of a file's last change is that of its
 * last use, and the files used least lately make room for others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CACHE_STORE_H
#define COCO_CACHE_STORE_H

#include "base/digest.h"
#include "cache/counters.h"

#include <coco/context.h>

#define COCO_CACHE_TYPE_MAX 128

enum coco_cache_kind {
    COCO_CACHE_KIND_BLOB,
    COCO_CACHE_KIND_MANIFEST,
};

struct coco_cache_key {
    enum coco_cache_kind kind;
    struct coco_digest digest;
};

/* Something that is there. */
struct coco_cache_entry {
    int fd;          /* owned */
    uint64_t offset; /* of its first byte */
    uint64_t size;
    char type[COCO_CACHE_TYPE_MAX]; /* of a manifest, else "" */
};

struct coco_cache_store;

/* Makes the directory if need be and clears what was left in tmp. ctx and counters are lent. */
coco_status coco_cache_store_open(const char *directory, uint64_t max_bytes, coco_ctx *ctx,
                                  struct coco_cache_counters *counters,
                                  struct coco_cache_store **ret, coco_error **err);
void coco_cache_store_close(struct coco_cache_store *store);
COCO_DEFINE_CLEANUP(struct coco_cache_store *, coco_cache_store_close);

/* False for what is not there, or cannot be read. */
bool coco_cache_store_find(struct coco_cache_store *store, const char *class,
                           const struct coco_cache_key *key, struct coco_cache_entry *ret);

/* From one class to another; nothing happens if it is not there. */
void coco_cache_store_move(struct coco_cache_store *store, const struct coco_cache_key *key,
                           const char *from, const char *to);
void coco_cache_store_remove(struct coco_cache_store *store, const char *class,
                             const struct coco_cache_key *key);

/* Something on its way in. It must be freed before the store is closed. */
struct coco_cache_temp;

/* Makes room for size bytes; COCO_ERR_LIMIT if there is none, or not for now. */
coco_status coco_cache_store_begin(struct coco_cache_store *store, uint64_t size,
                                   struct coco_cache_temp **ret, coco_error **err);
int coco_cache_temp_fd(const struct coco_cache_temp *temp);
/* What was written is whole and has the key's digest. */
coco_status coco_cache_temp_keep(struct coco_cache_temp *temp, const char *class,
                                 const struct coco_cache_key *key, coco_error **err);
/* Drops what was not kept. */
void coco_cache_temp_free(struct coco_cache_temp *temp);
COCO_DEFINE_CLEANUP(struct coco_cache_temp *, coco_cache_temp_free);

/* Keeps a manifest, which is small; type is its media type. */
coco_status coco_cache_store_put_manifest(struct coco_cache_store *store, const char *class,
                                          const struct coco_digest *digest, const char *type,
                                          const struct coco_buf *text, coco_error **err);

/* Bytes that the classes hold, as far as this process knows. */
uint64_t coco_cache_store_used(const struct coco_cache_store *store);

#endif
