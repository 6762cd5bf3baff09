/*
 * cache/content.c - the bytes of one blob or manifest, whole or on their way
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/content.h"

#include "base/fail.h"

#include <fcntl.h>
#include <string.h>

static coco_status
new_content(const struct coco_cache_key *key, enum coco_cache_state state,
            struct coco_cache_content **ret, coco_error **err)
{
    struct coco_cache_content *content = calloc(1, sizeof(*content));

    if (!content)
        return coco_fail_nomem(err);
    content->refs = 1;
    content->key = *key;
    content->entry.fd = -1;
    content->state = state;
    *ret = content;
    return COCO_OK;
}

coco_status
coco_cache_content_of_entry(const struct coco_cache_key *key, struct coco_cache_entry *entry,
                            struct coco_cache_content **ret, coco_error **err)
{
    struct coco_cache_content *content = NULL;

    coco_status status = new_content(key, COCO_CACHE_WHOLE, &content, err);
    if (status == COCO_OK) {
        content->entry = *entry;
        *ret = content;
    } else {
        (void)close(entry->fd);
    }
    entry->fd = -1;
    return status;
}

coco_status
coco_cache_content_doubt(struct coco_cache_content *content, struct coco_cache_store *store,
                         const char *class, coco_error **err)
{
    content->class = strdup(class);
    if (!content->class)
        return coco_fail_nomem(err);
    content->store = store;
    return COCO_OK;
}

coco_status
coco_cache_content_of_text(const struct coco_cache_key *key, const char *type,
                           struct coco_buf *text, struct coco_cache_content **ret, coco_error **err)
{
    struct coco_cache_content *content = NULL;

    if (strlen(type) >= COCO_CACHE_TYPE_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "a media type that is none");
    coco_status status = new_content(key, COCO_CACHE_WHOLE, &content, err);
    if (status != COCO_OK)
        return status;
    (void)stpcpy(content->entry.type, type);
    content->entry.size = text->len;
    content->text = *text;
    *text = (struct coco_buf){0};
    *ret = content;
    return COCO_OK;
}

coco_status
coco_cache_content_coming(const struct coco_cache_key *key, int fd, uint64_t size,
                          struct coco_cache_content **ret, coco_error **err)
{
    _cleanup_(coco_cache_content_unrefp) struct coco_cache_content *content = NULL;

    coco_status status = new_content(key, COCO_CACHE_COMING, &content, err);
    if (status != COCO_OK)
        return status;
    content->entry.size = size;
    content->entry.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (content->entry.fd < 0)
        return coco_fail_errno(err, errno, "cannot read what is to come");
    *ret = coco_steal(&content);
    return COCO_OK;
}

struct coco_cache_content *
coco_cache_content_ref(struct coco_cache_content *content)
{
    content->refs++;
    return content;
}

void
coco_cache_content_unref(struct coco_cache_content *content)
{
    if (!content || --content->refs > 0)
        return;
    if (content->entry.fd >= 0)
        (void)close(content->entry.fd);
    coco_buf_done(&content->text);
    free(content->class);
    free(content);
}

coco_status
coco_cache_content_write(struct coco_cache_content *content, const void *data, size_t len,
                         coco_error **err)
{
    const uint8_t *at = data;
    uint64_t done = content->written;

    if (len > content->entry.size - done)
        return coco_fail(err, COCO_ERR_VERIFY, "it is longer than was announced");
    while (len > 0) {
        ssize_t n = pwrite(content->entry.fd, at, len, (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return coco_fail_errno(err, errno, "write to the cache");
        at += n;
        len -= (size_t)n;
        done += (uint64_t)n;
    }
    atomic_store_explicit(&content->written, done, memory_order_release);
    return COCO_OK;
}

void
coco_cache_content_end(struct coco_cache_content *content, bool whole)
{
    content->state = whole ? COCO_CACHE_WHOLE : COCO_CACHE_BROKEN;
}

/* ---- reading ---- */

struct reader {
    struct coco_cache_content *content;
    struct coco_cache_counters *counters;
    uint64_t at;
    uint64_t end;
    struct coco_hash hash; /* of what was read, if that is to be looked at */
};

static void
free_reader(void *self)
{
    struct reader *reader = self;

    coco_cache_content_unref(reader->content);
    coco_hash_done(&reader->hash);
    free(reader);
}

/* How far may be read: the last byte waits for the digest. */
static uint64_t
readable(const struct reader *reader, enum coco_cache_state state)
{
    const struct coco_cache_content *content = reader->content;

    if (state == COCO_CACHE_WHOLE)
        return reader->end;
    uint64_t written = atomic_load_explicit(&content->written, memory_order_acquire);
    if (written == content->entry.size && written > 0)
        written--;
    return written < reader->end ? written : reader->end;
}

static ssize_t
copy_text(const struct coco_cache_content *content, uint64_t at, uint8_t *data, size_t len)
{
    memcpy(data, content->text.data + at, len);
    return (ssize_t)len;
}

static void
remove_entry(const struct reader *reader)
{
    const struct coco_cache_content *content = reader->content;

    coco_cache_store_remove(content->store, content->class, &content->key);
    coco_cache_count(reader->counters, COCO_CACHE_BAD_ENTRIES, 1);
}

/* Whether what was read up to the end is what it should be; what is not is removed. */
static bool
passes(struct reader *reader, const uint8_t *data, size_t len)
{
    const struct coco_cache_content *content = reader->content;
    struct coco_digest got;

    if (!reader->hash.md)
        return true;
    if (coco_hash_add(&reader->hash, data, len, NULL) != COCO_OK)
        return false;
    if (reader->at + len < reader->end)
        return true;
    if (coco_hash_end(&reader->hash, &got, NULL) != COCO_OK)
        return false;
    if (coco_digest_equal(&got, &content->key.digest))
        return true;
    remove_entry(reader);
    return false;
}

static enum coco_httpd_more
read_some(void *self, uint8_t *data, size_t room, size_t *len)
{
    struct reader *reader = self;
    const struct coco_cache_content *content = reader->content;

    if (reader->at == reader->end)
        return COCO_HTTPD_END;
    enum coco_cache_state state = content->state;
    uint64_t limit = readable(reader, state);
    if (state == COCO_CACHE_BROKEN)
        return COCO_HTTPD_CUT;
    if (limit <= reader->at)
        return COCO_HTTPD_WAIT;
    if (room > limit - reader->at)
        room = (size_t)(limit - reader->at);
    ssize_t n = content->entry.fd < 0 ? copy_text(content, reader->at, data, room)
                                      : pread(content->entry.fd, data, room,
                                              (off_t)(content->entry.offset + reader->at));
    /* A file that is shorter than it was, or a disk that fails. */
    if (n <= 0 && content->store)
        remove_entry(reader);
    if (n <= 0 || !passes(reader, data, (size_t)n))
        return COCO_HTTPD_CUT;
    reader->at += (uint64_t)n;
    coco_cache_count(reader->counters, COCO_CACHE_BYTES_SERVED, (uint64_t)n);
    *len = (size_t)n;
    return COCO_HTTPD_DATA;
}

coco_status
coco_cache_content_stream(struct coco_cache_content *content, uint64_t first, uint64_t len,
                          struct coco_cache_counters *counters, struct coco_httpd_stream *ret,
                          coco_error **err)
{
    struct reader *reader = calloc(1, sizeof(*reader));
    bool all = first == 0 && len == content->entry.size;

    if (!reader)
        return coco_fail_nomem(err);
    if (content->store && all) {
        coco_status status = coco_hash_begin(&reader->hash, content->key.digest.alg, err);

        if (status != COCO_OK) {
            free(reader);
            return status;
        }
    }
    reader->content = coco_cache_content_ref(content);
    reader->counters = counters;
    reader->at = first;
    reader->end = first + len;
    *ret = (struct coco_httpd_stream){
        .read = read_some,
        .free = free_reader,
        .self = reader,
        .sized = true,
        .size = len,
    };
    return COCO_OK;
}
