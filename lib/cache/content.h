/*
 * cache/content.h - the bytes of one blob or manifest, whole or on their way
 *
 * One writer, any number of readers: who reads a blob that is being fetched sees its
 * bytes as they come, and the last of them only once the digest was right. All of it
 * may be used by any thread; nothing here waits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CACHE_CONTENT_H
#define COCO_CACHE_CONTENT_H

#include "cache/store.h"
#include "httpd/http.h"

enum coco_cache_state {
    COCO_CACHE_COMING,
    COCO_CACHE_WHOLE,
    COCO_CACHE_BROKEN,
};

struct coco_cache_content {
    _Atomic unsigned refs;
    struct coco_cache_key key;
    struct coco_cache_entry entry; /* fd -1: all of it is in text */
    struct coco_buf text;
    _Atomic enum coco_cache_state state;
    _Atomic uint64_t written; /* bytes that may be read, while it is COMING */

    /* A file that is not trusted to be still what it was: where it is removed if it is not. */
    struct coco_cache_store *store; /* lent, or NULL: it is not looked at */
    char *class;
};

/* What is in the directory; entry is taken over, on failure, too. */
coco_status coco_cache_content_of_entry(const struct coco_cache_key *key,
                                        struct coco_cache_entry *entry,
                                        struct coco_cache_content **ret, coco_error **err);
/* To have each reader of all of it look at its digest, and remove it if that is wrong. */
coco_status coco_cache_content_doubt(struct coco_cache_content *content,
                                     struct coco_cache_store *store, const char *class,
                                     coco_error **err);
/* What was just fetched and checked; text is taken over on success. */
coco_status coco_cache_content_of_text(const struct coco_cache_key *key, const char *type,
                                       struct coco_buf *text, struct coco_cache_content **ret,
                                       coco_error **err);
/* What will be written to fd, which is duplicated. */
coco_status coco_cache_content_coming(const struct coco_cache_key *key, int fd, uint64_t size,
                                      struct coco_cache_content **ret, coco_error **err);

struct coco_cache_content *coco_cache_content_ref(struct coco_cache_content *content);
void coco_cache_content_unref(struct coco_cache_content *content);
COCO_DEFINE_CLEANUP(struct coco_cache_content *, coco_cache_content_unref);

/* The writer's: data goes behind what was written. */
coco_status coco_cache_content_write(struct coco_cache_content *content, const void *data,
                                     size_t len, coco_error **err);
/* The writer's last word. */
void coco_cache_content_end(struct coco_cache_content *content, bool whole);

/* The stream of len bytes from first on; content is referenced. counters are lent. */
coco_status coco_cache_content_stream(struct coco_cache_content *content, uint64_t first,
                                      uint64_t len, struct coco_cache_counters *counters,
                                      struct coco_httpd_stream *ret, coco_error **err);

#endif
