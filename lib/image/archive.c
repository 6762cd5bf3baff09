/*
 * image/archive.c - the members of a tar file on disk
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/archive.h"

#include "base/context.h"
#include "base/fail.h"
#include "image/tar.h"
#include "image/tarhead.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define READ_SIZE ((size_t)128 << 10)
#define PART_SIZE ((size_t)1 << 10)
#define MAGIC_MAX ((size_t)6)

struct coco_archive {
    int fd;
    struct coco_member *members; /* by name, once all are there */
    size_t n, room;
    size_t names; /* bytes of them */
};

/* While the members are found. */
struct scan {
    struct coco_archive *archive;
    struct coco_tar *tar;
    uint64_t at, end;
    uint64_t heads;
};

void
coco_archive_free(struct coco_archive *archive)
{
    if (!archive)
        return;
    for (size_t i = 0; i < archive->n; i++) {
        free(archive->members[i].name);
        free(archive->members[i].link);
    }
    free(archive->members);
    coco_closep(&archive->fd);
    free(archive);
}

/* Fewer bytes than asked for are an error: there were more when the file was opened. */
static coco_status
read_at(const struct coco_archive *archive, uint64_t offset, uint8_t *data, size_t len,
        coco_error **err)
{
    while (len > 0) {
        ssize_t n = pread(archive->fd, data, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return coco_fail_errno(err, errno, "read the archive");
        if (n == 0)
            return coco_fail(err, COCO_ERR_PROTO, "the archive got shorter");
        data += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return COCO_OK;
}

/* Whether a name has one form only and stays within the archive. */
static bool
is_clean(const char *name)
{
    for (;;) {
        size_t len = strcspn(name, "/");

        if (len == 0 || (len == 1 && name[0] == '.') || (len == 2 && strncmp(name, "..", 2) == 0))
            return false;
        name += len;
        if (*name++ == '\0')
            return true;
    }
}

static coco_status
grow(struct coco_archive *archive, size_t names, coco_error **err)
{
    if (archive->n == COCO_ARCHIVE_MEMBERS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %zu members", COCO_ARCHIVE_MEMBERS_MAX);
    if (names > COCO_ARCHIVE_NAMES_MAX - archive->names)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %zu bytes of names",
                         COCO_ARCHIVE_NAMES_MAX);
    if (archive->n == archive->room) {
        size_t room = archive->room ? 2 * archive->room : 64;
        struct coco_member *grown = realloc(archive->members, room * sizeof(*grown));

        if (!grown)
            return coco_fail_nomem(err);
        archive->members = grown;
        archive->room = room;
    }
    archive->names += names;
    return COCO_OK;
}

/* What a link stands for: a hard link by a name of the archive, a symbolic one seen from where it
 * is. */
static coco_status
link_target(const struct coco_tar_entry *entry, const char *name, char **ret, coco_error **err)
{
    const char *slash = strrchr(name, '/');
    size_t len = entry->type == COCO_TAR_SYMLINK && slash ? (size_t)(slash - name) + 1 : 0;
    const char *link = entry->link;

    if (entry->type == COCO_TAR_LINK)
        link += strncmp(link, "./", 2) == 0 ? 2 : 0;
    while (len > 0 && strncmp(link, "../", 3) == 0) {
        link += 3;
        len--; /* the slash, then the name before it */
        while (len > 0 && name[len - 1] != '/')
            len--;
    }
    if (asprintf(ret, "%.*s%s", (int)len, name, link) < 0) {
        *ret = NULL;
        return coco_fail_nomem(err);
    }
    return COCO_OK;
}

static coco_status
on_entry(void *self, const struct coco_tar_entry *entry, coco_error **err)
{
    struct coco_archive *archive = self;
    struct coco_member member = {.size = entry->size};
    bool is_link = entry->type == COCO_TAR_LINK || entry->type == COCO_TAR_SYMLINK;
    const char *name = entry->name;

    if (entry->type == COCO_TAR_DIR)
        return COCO_OK;
    if (entry->type != COCO_TAR_FILE && !is_link)
        return coco_fail(err, COCO_ERR_PROTO, "member '%.300s' is no file", name);
    while (strncmp(name, "./", 2) == 0)
        name += 2;
    if (!is_clean(name))
        return coco_fail(err, COCO_ERR_PROTO, "a member with the name '%.300s'", name);
    coco_status status = grow(archive, strlen(name) + strlen(entry->link), err);
    if (status == COCO_OK && is_link)
        status = link_target(entry, name, &member.link, err);
    if (status != COCO_OK)
        return status;
    member.name = strdup(name);
    if (!member.name) {
        free(member.link);
        return coco_fail_nomem(err);
    }
    archive->members[archive->n++] = member;
    return COCO_OK;
}

/* Data of files is never shown to the reader, but for that of sparse ones. */
static coco_status
on_data(void *self, uint64_t offset, const uint8_t *data, size_t len, coco_error **err)
{
    (void)self;
    (void)offset;
    (void)data;
    (void)len;
    return coco_fail(err, COCO_ERR_NOTSUP, "a sparse member");
}

static coco_status
on_done(void *self, coco_error **err)
{
    (void)self;
    (void)err;
    return COCO_OK;
}

/* The member whose header was just read, if it is a file: its data begins here. */
static coco_status
skip_data(struct scan *scan, struct coco_member *member, coco_error **err)
{
    uint64_t left = coco_tar_data_left(scan->tar);

    if (member->size != left)
        return coco_fail(err, COCO_ERR_NOTSUP, "'%.300s' is a sparse member", member->name);
    if (left > scan->end - scan->at)
        return coco_fail(err, COCO_ERR_PROTO,
                         "it is cut short: '%.300s' has %" PRIu64 " bytes, of which %" PRIu64
                         " are there",
                         member->name, left, scan->end - scan->at);
    member->offset = scan->at;
    scan->at += left;
    return coco_tar_skip(scan->tar, left, err);
}

/* One block, or what is left of one: so no more than one header is seen at once. */
static coco_status
scan_block(struct scan *scan, coco_error **err)
{
    const struct coco_sink sink = coco_tar_sink(scan->tar);
    struct coco_archive *archive = scan->archive;
    uint8_t block[COCO_TAR_BLOCK];
    size_t len = COCO_TAR_BLOCK - (size_t)(scan->at % COCO_TAR_BLOCK);
    size_t n = archive->n;

    if (len > scan->end - scan->at)
        len = (size_t)(scan->end - scan->at);
    scan->heads += len;
    if (scan->heads > COCO_ARCHIVE_HEADS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %" PRIu64 " bytes of headers",
                         COCO_ARCHIVE_HEADS_MAX);
    coco_status status = read_at(archive, scan->at, block, len, err);
    if (status == COCO_OK)
        status = coco_sink_write(&sink, block, len, err);
    if (status != COCO_OK)
        return status;
    scan->at += len;
    return archive->n > n ? skip_data(scan, &archive->members[n], err) : COCO_OK;
}

static int
compare(const void *a, const void *b)
{
    const struct coco_member *one = a;
    const struct coco_member *other = b;

    return strcmp(one->name, other->name);
}

/* Which of two members of one name counts, readers do not agree on. */
static coco_status
check_unique(const struct coco_archive *archive, coco_error **err)
{
    for (size_t i = 1; i < archive->n; i++)
        if (strcmp(archive->members[i - 1].name, archive->members[i].name) == 0)
            return coco_fail(err, COCO_ERR_PROTO, "member '%.300s' is there twice",
                             archive->members[i].name);
    return COCO_OK;
}

/* Told by what it begins with: without that, it would be a tar with a wrong checksum. */
static coco_status
check_plain(const struct scan *scan, coco_error **err)
{
    static const char *const magics[] = {"\x1f\x8b", "\x28\xb5\x2f\xfd", "\xfd\x37zXZ", "BZh"};
    char head[MAGIC_MAX] = "";
    size_t len = scan->end < MAGIC_MAX - 1 ? (size_t)scan->end : MAGIC_MAX - 1;

    coco_status status = read_at(scan->archive, 0, (uint8_t *)head, len, err);
    for (size_t i = 0; status == COCO_OK && i < sizeof(magics) / sizeof(magics[0]); i++)
        if (strncmp(head, magics[i], strlen(magics[i])) == 0)
            status = coco_fail(err, COCO_ERR_NOTSUP, "it is compressed: decompress it first");
    return status;
}

static coco_status
scan_all(struct scan *scan, coco_error **err)
{
    const struct coco_tar_handler handler = {on_entry, on_data, on_done, on_done, scan->archive};
    _cleanup_(coco_tar_freep) struct coco_tar *tar = NULL;

    coco_status status = check_plain(scan, err);
    if (status == COCO_OK)
        status = coco_tar_new(&handler, &tar, err);
    scan->tar = tar;
    while (status == COCO_OK && scan->at < scan->end)
        status = scan_block(scan, err);
    if (status != COCO_OK)
        return status;
    const struct coco_sink sink = coco_tar_sink(tar);
    return coco_sink_end(&sink, err);
}

coco_status
coco_archive_new(int fd, struct coco_archive **ret, coco_error **err)
{
    _cleanup_close_ int taken = fd;
    _cleanup_(coco_archive_freep) struct coco_archive *archive = calloc(1, sizeof(*archive));
    struct stat st;

    if (!archive)
        return coco_fail_nomem(err);
    archive->fd = taken;
    taken = -1;
    if (fstat(archive->fd, &st) < 0)
        return coco_fail_errno(err, errno, "look at the archive");
    struct scan scan = {.archive = archive, .end = (uint64_t)st.st_size};
    coco_status status = scan_all(&scan, err);
    if (status != COCO_OK)
        return status;
    if (archive->n > 0)
        qsort(archive->members, archive->n, sizeof(*archive->members), compare);
    status = check_unique(archive, err);
    if (status == COCO_OK)
        *ret = coco_steal(&archive);
    return status;
}

coco_status
coco_archive_open(const char *path, struct coco_archive **ret, coco_error **err)
{
    int fd = -1;

    coco_status status = coco_files_open(AT_FDCWD, path, 0, &fd, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "archive");
    status = coco_archive_new(fd, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "archive '%s'", path);
}

static const struct coco_member *
find(const struct coco_archive *archive, const char *name)
{
    struct coco_member key = {.name = (char *)(uintptr_t)name}; /* read only */

    return archive->n == 0
               ? NULL
               : bsearch(&key, archive->members, archive->n, sizeof(*archive->members), compare);
}

coco_status
coco_archive_find(const struct coco_archive *archive, const char *name,
                  const struct coco_member **ret, coco_error **err)
{
    const struct coco_member *member = find(archive, name);

    /* One step, as others do: no circles. */
    if (member && member->link)
        member = find(archive, member->link);
    if (!member || member->link)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no '%.300s' in the archive", name);
    *ret = member;
    return COCO_OK;
}

coco_status
coco_archive_peek(const struct coco_archive *archive, const struct coco_member *member,
                  uint8_t *data, size_t len, size_t *ret, coco_error **err)
{
    size_t n = len < member->size ? len : (size_t)member->size;

    coco_status status = read_at(archive, member->offset, data, n, err);
    if (status == COCO_OK)
        *ret = n;
    return status;
}

coco_status
coco_archive_send(const struct coco_archive *archive, coco_ctx *ctx,
                  const struct coco_member *member, const struct coco_sink *sink, coco_error **err)
{
    _cleanup_free_ uint8_t *data = malloc(READ_SIZE);
    coco_status status = COCO_OK;

    if (!data)
        return coco_fail_nomem(err);
    for (uint64_t at = 0; status == COCO_OK && at < member->size;) {
        size_t n = member->size - at < READ_SIZE ? (size_t)(member->size - at) : READ_SIZE;

        status = ctx ? coco_ctx_check(ctx, err) : COCO_OK;
        if (status == COCO_OK)
            status = read_at(archive, member->offset + at, data, n, err);
        if (status == COCO_OK)
            status = coco_sink_write(sink, data, n, err);
        at += n;
    }
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "'%.300s'", member->name);
}

coco_status
coco_archive_part(const struct coco_archive *archive, const struct coco_member *member,
                  uint64_t offset, size_t len, struct coco_buf *buf, coco_error **err)
{
    uint8_t piece[PART_SIZE];
    coco_status status = COCO_OK;

    if (offset > member->size || len > member->size - offset)
        return coco_fail(err, COCO_ERR_PROTO, "'%.300s' is shorter than it is said to be",
                         member->name);
    for (size_t n; len > 0 && status == COCO_OK; len -= n, offset += n) {
        n = len < sizeof(piece) ? len : sizeof(piece);
        status = read_at(archive, member->offset + offset, piece, n, err);
        if (status == COCO_OK)
            status = coco_buf_append(buf, piece, n, err);
    }
    return status;
}

coco_status
coco_archive_read(const struct coco_archive *archive, const struct coco_member *member,
                  struct coco_buf *buf, coco_error **err)
{
    const struct coco_sink sink = coco_sink_to_buf(buf);

    if (member->size > buf->limit - buf->len)
        return coco_fail(err, COCO_ERR_LIMIT, "'%.300s' has more than %zu bytes", member->name,
                         buf->limit - buf->len);
    return coco_archive_send(archive, NULL, member, &sink, err);
}

static coco_status
read_name(void *self, const char *name, struct coco_buf *buf, coco_error **err)
{
    const struct coco_member *member = NULL;

    coco_status status = coco_archive_find(self, name, &member, err);
    if (status == COCO_OK)
        status = coco_archive_read(self, member, buf, err);
    return status;
}

static coco_status
send_name(void *self, coco_ctx *ctx, const char *name, const struct coco_sink *sink,
          coco_error **err)
{
    const struct coco_member *member = NULL;

    coco_status status = coco_archive_find(self, name, &member, err);
    if (status == COCO_OK)
        status = coco_archive_send(self, ctx, member, sink, err);
    return status;
}

static coco_status
part_of_name(void *self, const char *name, uint64_t offset, size_t len, struct coco_buf *buf,
             coco_error **err)
{
    const struct coco_member *member = NULL;

    coco_status status = coco_archive_find(self, name, &member, err);
    if (status == COCO_OK)
        status = coco_archive_part(self, member, offset, len, buf, err);
    return status;
}

static void
free_self(void *self)
{
    coco_archive_free(self);
}

struct coco_files
coco_archive_files(struct coco_archive *archive)
{
    return (struct coco_files){.read = read_name,
                               .send = send_name,
                               .part = part_of_name,
                               .free = free_self,
                               .self = archive};
}
