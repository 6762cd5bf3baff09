/*
 * cache/store.c - blobs and manifests in a directory, by digest
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/store.h"

#include "base/context.h"
#include "base/entries.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/secret.h"
#include "base/text.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#define TMP "tmp"
#define PATH_MAX_LEN 512
#define TEMP_BYTES ((size_t)16)
/* What a file takes at least, so that many small ones are bounded, too. */
#define BLOCK ((uint64_t)4096)
/* A use is not written down more often than this, in seconds. */
#define TOUCH_SECONDS 60
/* The share of the budget that is made free when there is no room, and after which others' files
 * are looked for. */
#define SLACK 16

struct coco_cache_store {
    int dir;
    int tmp;
    uint64_t max;
    coco_ctx *ctx;
    struct coco_cache_counters *counters;
    pthread_mutex_t lock;    /* of what follows */
    _Atomic uint64_t used;   /* by classes */
    uint64_t on_the_way;     /* by temps */
    uint64_t since_the_scan; /* that came */
};

struct coco_cache_temp {
    struct coco_cache_store *store;
    int fd;
    uint64_t cost;
    char name[2 * TEMP_BYTES + 1];
    bool kept;
};

static uint64_t
cost_of(uint64_t size)
{
    return (size + BLOCK - 1) / BLOCK * BLOCK;
}

/* "CLASS/KIND-ALG-HEX" */
static void
format_path(const char *class, const struct coco_cache_key *key, char buf[PATH_MAX_LEN])
{
    char hex[2 * COCO_DIGEST_SIZE_MAX + 1];

    coco_hex(key->digest.bytes, coco_hash_size(key->digest.alg), hex);
    (void)snprintf(buf, PATH_MAX_LEN, "%.300s/%s-%s-%s", class,
                   key->kind == COCO_CACHE_KIND_BLOB ? "blob" : "manifest",
                   coco_hash_name(key->digest.alg), hex);
}

/* ---- names that are ours ---- */

/* "blob-sha256-<hex>"; an operator may have named a directory in which there is more. */
static bool
is_entry(const char *name)
{
    char text[COCO_DIGEST_TEXT_SIZE];
    struct coco_digest digest;

    if (strncmp(name, "blob-", 5) == 0)
        name += 5;
    else if (strncmp(name, "manifest-", 9) == 0)
        name += 9;
    else
        return false;
    const char *dash = strchr(name, '-');
    if (!dash || strlen(name) >= sizeof(text))
        return false;
    (void)snprintf(text, sizeof(text), "%.*s:%s", (int)(dash - name), name, dash + 1);
    return coco_digest_parse(text, &digest, NULL) == COCO_OK;
}

static bool
is_class(const char *name)
{
    static const char *const kinds[] = {"public", "private", "shared"};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t len = strlen(kinds[i]);

        if (strncmp(name, kinds[i], len) == 0 && (name[len] == '\0' || name[len] == '.'))
            return true;
    }
    return false;
}

static bool
is_temp(const char *name)
{
    return strlen(name) == 2 * TEMP_BYTES && strspn(name, "0123456789abcdef") == 2 * TEMP_BYTES;
}

/* ---- making room ---- */

struct file {
    char *path;
    uint64_t cost;
    struct timespec used;
};

struct files {
    struct file *items;
    size_t n, room;
    uint64_t cost;
};

static void
files_done(struct files *files)
{
    for (size_t i = 0; i < files->n; i++)
        free(files->items[i].path);
    free(files->items);
}

static coco_status
add_file(struct files *files, const char *class, const char *name, const struct stat *st,
         coco_error **err)
{
    if (files->n == files->room) {
        size_t room = files->room ? 2 * files->room : 256;
        struct file *items = realloc(files->items, room * sizeof(*items));

        if (!items)
            return coco_fail_nomem(err);
        files->items = items;
        files->room = room;
    }
    struct file *file = &files->items[files->n];
    if (asprintf(&file->path, "%s/%s", class, name) < 0)
        return coco_fail_nomem(err);
    file->cost = cost_of((uint64_t)st->st_size);
    file->used = st->st_mtim;
    files->n++;
    files->cost += file->cost;
    return COCO_OK;
}

static coco_status
scan_class(const struct coco_cache_store *store, const char *class, struct files *files,
           coco_error **err)
{
    _cleanup_entries_ struct coco_entries entries = {0};
    int dir = openat(store->dir, class, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const char *name;
    struct stat st;

    if (dir < 0)
        return COCO_OK; /* nothing of ours is in it */
    coco_status status = coco_entries_take(dir, &entries, err);
    while (status == COCO_OK && (name = coco_entries_next(&entries)))
        if (is_entry(name) && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0
            && S_ISREG(st.st_mode))
            status = add_file(files, class, name, &st, err);
    return status == COCO_OK ? coco_entries_end(&entries, err) : status;
}

static coco_status
scan(const struct coco_cache_store *store, struct files *files, coco_error **err)
{
    _cleanup_entries_ struct coco_entries entries = {0};
    const char *name;

    coco_status status = coco_entries_open(store->dir, &entries, err);
    while (status == COCO_OK && (name = coco_entries_next(&entries)))
        if (is_class(name))
            status = scan_class(store, name, files, err);
    return status == COCO_OK ? coco_entries_end(&entries, err) : status;
}

static int
by_use(const void *a, const void *b)
{
    const struct timespec *x = &((const struct file *)a)->used;
    const struct timespec *y = &((const struct file *)b)->used;

    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

/* Looks at what is there and removes what was used least lately until it is but allowed bytes. */
static coco_status
evict_to(struct coco_cache_store *store, uint64_t allowed, coco_error **err)
{
    _cleanup_(files_done) struct files files = {0};

    coco_status status = scan(store, &files, err);
    if (status != COCO_OK)
        return status;
    if (files.items && files.cost > allowed)
        qsort(files.items, files.n, sizeof(*files.items), by_use);
    for (size_t i = 0; files.items && i < files.n && files.cost > allowed; i++) {
        if (unlinkat(store->dir, files.items[i].path, 0) != 0 && errno != ENOENT)
            continue;
        coco_cache_count(store->counters, COCO_CACHE_EVICTIONS, 1);
        files.cost -= files.items[i].cost;
    }
    store->used = files.cost;
    store->since_the_scan = 0;
    return COCO_OK;
}

static coco_status
evict(struct coco_cache_store *store, uint64_t room, coco_error **err)
{
    return evict_to(store, store->max - room, err);
}

/* Takes cost bytes of the budget; the lock is held. */
static coco_status
reserve(struct coco_cache_store *store, uint64_t cost, coco_error **err)
{
    uint64_t need = store->on_the_way + cost;
    coco_status status = COCO_OK;

    if (cost > store->max)
        return coco_fail(err, COCO_ERR_LIMIT, "it is larger than all of the cache");
    if (need > store->max)
        return coco_fail(err, COCO_ERR_LIMIT, "the cache is full of what is under way");
    uint64_t slack = store->max / SLACK;
    if (store->since_the_scan > slack)
        status = evict(store, need, err);
    if (status == COCO_OK && store->used + need > store->max)
        status = evict(store, need + slack < store->max ? need + slack : need, err);
    if (status == COCO_OK && store->used + need > store->max)
        status = coco_fail(err, COCO_ERR_LIMIT, "the cache is full, and cannot be cleared");
    if (status == COCO_OK)
        store->on_the_way = need;
    return status;
}

/* ---- opening ---- */

/* Removes what processes left behind that are no more: their locks went with them. */
static void
clear_tmp(const struct coco_cache_store *store)
{
    _cleanup_entries_ struct coco_entries entries = {0};
    const char *name;

    if (coco_entries_open(store->tmp, &entries, NULL) != COCO_OK)
        return;
    while ((name = coco_entries_next(&entries))) {
        if (!is_temp(name))
            continue;
        _cleanup_close_ int fd =
            openat(store->tmp, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            (void)unlinkat(store->tmp, name, 0);
    }
}

static coco_status
open_dirs(struct coco_cache_store *store, const char *directory, coco_error **err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return coco_fail_errno(err, errno, "make '%.300s'", directory);
    store->dir = open(directory, flags);
    if (store->dir < 0)
        return coco_fail_errno(err, errno, "open '%.300s'", directory);
    if (mkdirat(store->dir, TMP, 0700) != 0 && errno != EEXIST)
        return coco_fail_errno(err, errno, "make '%.300s/" TMP "'", directory);
    store->tmp = openat(store->dir, TMP, flags | O_NOFOLLOW);
    if (store->tmp < 0)
        return coco_fail_errno(err, errno, "open '%.300s/" TMP "'", directory);
    return COCO_OK;
}

coco_status
coco_cache_store_open(const char *directory, uint64_t max_bytes, coco_ctx *ctx,
                      struct coco_cache_counters *counters, struct coco_cache_store **ret,
                      coco_error **err)
{
    struct coco_cache_store *made = calloc(1, sizeof(*made));

    if (!made)
        return coco_fail_nomem(err);
    made->dir = -1;
    made->tmp = -1;
    made->max = max_bytes;
    made->ctx = ctx;
    made->counters = counters;
    (void)pthread_mutex_init(&made->lock, NULL);
    _cleanup_(coco_cache_store_closep) struct coco_cache_store *store = made;

    coco_status status = open_dirs(store, directory, err);
    if (status != COCO_OK)
        return status;
    clear_tmp(store);
    status = evict(store, 0, err);
    if (status == COCO_OK)
        *ret = coco_steal(&store);
    return status;
}

void
coco_cache_store_close(struct coco_cache_store *store)
{
    if (!store)
        return;
    if (store->dir >= 0)
        (void)close(store->dir);
    if (store->tmp >= 0)
        (void)close(store->tmp);
    (void)pthread_mutex_destroy(&store->lock);
    free(store);
}

/* ---- what is there ---- */

static void
touch(int fd, const struct stat *st)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};

    if (time(NULL) - st->st_mtim.tv_sec >= TOUCH_SECONDS)
        (void)futimens(fd, times);
}

/* A file that lost all its bytes is told by its length alone: nobody would read it to its end. */
static bool
may_be_empty(const struct coco_cache_key *key)
{
    struct coco_digest empty;

    return coco_digest_of(key->digest.alg, "", 0, &empty, NULL) == COCO_OK
           && coco_digest_equal(&empty, &key->digest);
}

/* The type in front of a manifest; false if there is none. */
static bool
read_type(struct coco_cache_entry *entry)
{
    ssize_t n = pread(entry->fd, entry->type, sizeof(entry->type), 0);
    char *end = n > 0 ? memchr(entry->type, '\n', (size_t)n) : NULL;

    if (!end)
        return false;
    *end = '\0';
    for (const char *at = entry->type; *at; at++)
        if (*at < ' ' || *at > '~') /* no header could say it */
            return false;
    entry->offset = (uint64_t)(end + 1 - entry->type);
    entry->size -= entry->offset;
    return true;
}

bool
coco_cache_store_find(struct coco_cache_store *store, const char *class,
                      const struct coco_cache_key *key, struct coco_cache_entry *ret)
{
    struct coco_cache_entry entry = {0};
    char path[PATH_MAX_LEN];
    struct stat st;

    format_path(class, key, path);
    _cleanup_close_ int fd =
        openat(store->dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        coco_ctx_log(store->ctx, COCO_LOG_WARN, "%s: cannot be opened: error %d", path, errno);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    entry.fd = fd;
    entry.size = (uint64_t)st.st_size;
    if (key->kind == COCO_CACHE_KIND_MANIFEST && !read_type(&entry))
        return false;
    if (entry.size == 0 && !may_be_empty(key))
        return false;
    touch(fd, &st);
    fd = -1;
    *ret = entry;
    return true;
}

void
coco_cache_store_move(struct coco_cache_store *store, const struct coco_cache_key *key,
                      const char *from, const char *to)
{
    char old[PATH_MAX_LEN];
    char new[PATH_MAX_LEN];

    format_path(from, key, old);
    format_path(to, key, new);
    (void)mkdirat(store->dir, to, 0700);
    if (renameat(store->dir, old, store->dir, new) != 0 && errno != ENOENT)
        coco_ctx_log(store->ctx, COCO_LOG_WARN, "%s: cannot be moved: error %d", old, errno);
}

void
coco_cache_store_remove(struct coco_cache_store *store, const char *class,
                        const struct coco_cache_key *key)
{
    char path[PATH_MAX_LEN];

    format_path(class, key, path);
    (void)unlinkat(store->dir, path, 0);
}

uint64_t
coco_cache_store_used(const struct coco_cache_store *store)
{
    return store->used;
}

/* ---- what comes in ---- */

/* A file that is locked and still there: somebody may have cleared it before it was locked. */
static coco_status
make_file(struct coco_cache_temp *temp, coco_error **err)
{
    uint8_t random[TEMP_BYTES];
    struct stat st = {0};

    while (st.st_nlink == 0) {
        coco_status status = coco_random(random, sizeof(random), err);
        if (status != COCO_OK)
            return status;
        coco_hex(random, sizeof(random), temp->name);
        if (temp->fd >= 0)
            (void)close(temp->fd);
        temp->fd =
            openat(temp->store->tmp, temp->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (temp->fd < 0 || flock(temp->fd, LOCK_EX | LOCK_NB) != 0 || fstat(temp->fd, &st) != 0)
            return coco_fail_errno(err, errno, "make a file in the cache");
    }
    return COCO_OK;
}

/* Makes room on a disk that is smaller than the budget, or has more on it. */
static coco_status
clear_disk(struct coco_cache_store *store, uint64_t size, coco_error **err)
{
    struct statvfs st;
    coco_status status = COCO_OK;

    if (fstatvfs(store->tmp, &st) != 0)
        return coco_fail_errno(err, errno, "look at the disk of the cache");
    uint64_t room = (uint64_t)st.f_bavail * st.f_frsize;
    if (room >= size)
        return COCO_OK;
    (void)pthread_mutex_lock(&store->lock);
    if (size - room > store->used)
        status = coco_fail(err, COCO_ERR_LIMIT, "the disk is full");
    else
        status = evict_to(store, store->used - (size - room), err);
    (void)pthread_mutex_unlock(&store->lock);
    return status;
}

/* Takes the space now: a client that has half of a blob cannot ask anybody else. */
static coco_status
take_space(struct coco_cache_temp *temp, uint64_t size, coco_error **err)
{
    if (size == 0)
        return COCO_OK;
    coco_status status = clear_disk(temp->store, cost_of(size), err);
    if (status != COCO_OK)
        return status;
    while (fallocate(temp->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) != 0)
        switch (errno) {
        case EINTR:
            continue;
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return coco_fail(err, COCO_ERR_LIMIT, "the disk is full");
        default: /* a file system that cannot, or another failure, which writing will find */
            return COCO_OK;
        }
    return COCO_OK;
}

coco_status
coco_cache_store_begin(struct coco_cache_store *store, uint64_t size, struct coco_cache_temp **ret,
                       coco_error **err)
{
    struct coco_cache_temp *made = calloc(1, sizeof(*made));

    if (!made)
        return coco_fail_nomem(err);
    made->fd = -1;
    made->store = store;
    _cleanup_(coco_cache_temp_freep) struct coco_cache_temp *temp = made;

    (void)pthread_mutex_lock(&store->lock);
    coco_status status = size > store->max
                             ? coco_fail(err, COCO_ERR_LIMIT, "it is larger than all of the cache")
                             : reserve(store, cost_of(size), err);
    if (status == COCO_OK)
        temp->cost = cost_of(size);
    (void)pthread_mutex_unlock(&store->lock);
    if (status == COCO_OK)
        status = make_file(temp, err);
    if (status == COCO_OK)
        status = take_space(temp, size, err);
    if (status == COCO_OK)
        *ret = coco_steal(&temp);
    return status;
}

int
coco_cache_temp_fd(const struct coco_cache_temp *temp)
{
    return temp->fd;
}

coco_status
coco_cache_temp_keep(struct coco_cache_temp *temp, const char *class,
                     const struct coco_cache_key *key, coco_error **err)
{
    struct coco_cache_store *store = temp->store;
    char path[PATH_MAX_LEN];

    format_path(class, key, path);
    /* After a loss of power there must be no name without its bytes. */
    if (fdatasync(temp->fd) != 0)
        return coco_fail_errno(err, errno, "write to the cache");
    if (mkdirat(store->dir, class, 0700) != 0 && errno != EEXIST)
        return coco_fail_errno(err, errno, "make '%.300s' in the cache", class);
    if (renameat(store->tmp, temp->name, store->dir, path) != 0)
        return coco_fail_errno(err, errno, "keep '%.300s'", path);
    temp->kept = true;
    (void)pthread_mutex_lock(&store->lock);
    store->on_the_way -= temp->cost;
    store->used += temp->cost;
    store->since_the_scan += temp->cost;
    temp->cost = 0;
    (void)pthread_mutex_unlock(&store->lock);
    return COCO_OK;
}

void
coco_cache_temp_free(struct coco_cache_temp *temp)
{
    if (!temp)
        return;
    if (temp->fd >= 0 && !temp->kept)
        (void)unlinkat(temp->store->tmp, temp->name, 0);
    if (temp->fd >= 0)
        (void)close(temp->fd);
    (void)pthread_mutex_lock(&temp->store->lock);
    temp->store->on_the_way -= temp->cost;
    (void)pthread_mutex_unlock(&temp->store->lock);
    free(temp);
}

coco_status
coco_cache_store_put_manifest(struct coco_cache_store *store, const char *class,
                              const struct coco_digest *digest, const char *type,
                              const struct coco_buf *text, coco_error **err)
{
    const struct coco_cache_key key = {COCO_CACHE_KIND_MANIFEST, *digest};
    _cleanup_(coco_cache_temp_freep) struct coco_cache_temp *temp = NULL;

    if (strlen(type) + 1 >= COCO_CACHE_TYPE_MAX || strchr(type, '\n'))
        return coco_fail(err, COCO_ERR_PROTO, "a media type that is none");
    coco_status status = coco_cache_store_begin(store, strlen(type) + 1 + text->len, &temp, err);
    if (status == COCO_OK)
        status = coco_fd_write_all(temp->fd, type, strlen(type), err);
    if (status == COCO_OK)
        status = coco_fd_write_all(temp->fd, "\n", 1, err);
    if (status == COCO_OK)
        status = coco_fd_write_all(temp->fd, text->data, text->len, err);
    if (status == COCO_OK)
        status = coco_cache_temp_keep(temp, class, &key, err);
    return status;
}
