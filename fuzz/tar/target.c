/*
 * fuzz/tar/target.c - tar archives, beside libarchive
 *
 * Pieces must give what the whole gives. What is accepted here, libarchive must
 * see the same way if it sees it without complaint: name, target, type, size and
 * content of every entry (T4 in doc/threats.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/tar.h"

#include <stdlib.h>
#include <string.h>
#if COCO_HAVE_LIBARCHIVE
#include <archive.h>
#include <archive_entry.h>
#endif

#define LOG_MAX ((size_t)8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Both readers write the same log: a line an entry, then runs of bytes that are not zero. */
static coco_status
log_entry(struct coco_buf *log, int type, const char *name, const char *link, uint64_t size)
{
    size_t len = strlen(name);

    /* a directory has as many slashes as its writer liked */
    while (len > 1 && name[len - 1] == '/')
        len--;
    return coco_buf_printf(log, NULL, "\n%d %.*s>%s %llu", type, (int)len, name, link,
                           (unsigned long long)size);
}

static coco_status
log_bytes(struct coco_buf *log, uint64_t offset, const uint8_t *data, size_t len)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < len && status == COCO_OK; i++)
        if (data[i] != 0)
            status =
                coco_buf_printf(log, NULL, " %llu:%02x", (unsigned long long)(offset + i), data[i]);
    return status;
}

static coco_status
on_entry(void *self, const struct coco_tar_entry *entry, coco_error **err)
{
    (void)err;
    if (strlen(entry->name) > COCO_TAR_NAME_MAX || *entry->name == '\0' || entry->mode > 07777
        || entry->uid == UINT32_MAX || entry->gid == UINT32_MAX)
        abort();
    return log_entry(self, (int)entry->type, entry->name, entry->link, entry->size);
}

static coco_status
on_data(void *self, uint64_t offset, const uint8_t *data, size_t len, coco_error **err)
{
    (void)err;
    return log_bytes(self, offset, data, len);
}

static coco_status
on_done(void *self, coco_error **err)
{
    (void)self;
    (void)err;
    return COCO_OK;
}

static coco_status
read_ours(const uint8_t *data, size_t len, size_t step, struct coco_buf *log)
{
    const struct coco_tar_handler handler = {on_entry, on_data, on_done, on_done, log};
    _cleanup_(coco_tar_freep) struct coco_tar *tar = NULL;

    coco_status status = coco_tar_new(&handler, &tar, NULL);
    if (status != COCO_OK)
        return status;
    const struct coco_sink sink = coco_tar_sink(tar);
    for (size_t at = 0; at < len && status == COCO_OK; at += step)
        status = coco_sink_write(&sink, data + at, step < len - at ? step : len - at, NULL);
    if (status == COCO_OK)
        status = coco_sink_end(&sink, NULL);
    return status;
}

#if COCO_HAVE_LIBARCHIVE

static int
type_of(struct archive_entry *entry)
{
    if (archive_entry_hardlink(entry))
        return COCO_TAR_LINK;
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
        return COCO_TAR_FILE;
    case AE_IFLNK:
        return COCO_TAR_SYMLINK;
    case AE_IFCHR:
        return COCO_TAR_CHAR;
    case AE_IFBLK:
        return COCO_TAR_BLOCK_DEVICE;
    case AE_IFDIR:
        return COCO_TAR_DIR;
    case AE_IFIFO:
        return COCO_TAR_FIFO;
    default:
        return -1;
    }
}

/* Whether libarchive read the entry without complaint. */
static bool
log_theirs(struct archive *archive, struct archive_entry *entry, struct coco_buf *log)
{
    const char *name = archive_entry_pathname(entry);
    const char *link = archive_entry_hardlink(entry) ? archive_entry_hardlink(entry)
                                                     : archive_entry_symlink(entry);
    int type = type_of(entry);
    const void *block;
    size_t len;
    la_int64_t offset;
    int code;

    if (!name || type < 0)
        return false;
    if (log_entry(log, type, name, link ? link : "",
                  type == COCO_TAR_FILE ? (uint64_t)archive_entry_size(entry) : 0)
        != COCO_OK)
        return false;
    while ((code = archive_read_data_block(archive, &block, &len, &offset)) == ARCHIVE_OK)
        if (log_bytes(log, (uint64_t)offset, block, len) != COCO_OK)
            return false;
    return code == ARCHIVE_EOF;
}

static bool
read_theirs(const uint8_t *data, size_t len, struct coco_buf *log)
{
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    int code = ARCHIVE_FATAL;

    if (!archive)
        abort();
    (void)archive_read_support_format_tar(archive);
    if (archive_read_open_memory(archive, data, len) == ARCHIVE_OK)
        while ((code = archive_read_next_header(archive, &entry)) == ARCHIVE_OK)
            if (!log_theirs(archive, entry, log))
                break;
    (void)archive_read_free(archive);
    return code == ARCHIVE_EOF;
}

static void
compare(const uint8_t *data, size_t len, const struct coco_buf *ours)
{
    _cleanup_buf_ struct coco_buf theirs = {.limit = LOG_MAX};

    if (!read_theirs(data, len, &theirs))
        return;
    if (ours->len != theirs.len
        || (ours->len > 0 && memcmp(ours->data, theirs.data, ours->len) != 0))
        abort();
}

#else

static void
compare(const uint8_t *data, size_t len, const struct coco_buf *ours)
{
    (void)data;
    (void)len;
    (void)ours;
}

#endif

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_buf_ struct coco_buf whole = {.limit = LOG_MAX};
    _cleanup_buf_ struct coco_buf pieces = {.limit = LOG_MAX};

    coco_status status = read_ours(data, len, len + 1, &whole);
    if (status != read_ours(data, len, 61, &pieces))
        abort();
    if (whole.len != pieces.len
        || (whole.len > 0 && memcmp(whole.data, pieces.data, whole.len) != 0))
        abort();
    if (status == COCO_OK)
        compare(data, len, &whole);
    return 0;
}
