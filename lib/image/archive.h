/*
 * image/archive.h - the members of a tar file on disk
 *
 * The file is gone through once, from header to header, without its data; what a
 * member holds is read where it lies, so that nothing of it is copied anywhere.
 * The archive is hostile (T4, T8 in doc/threats.md): its members are bounded in
 * number and in the length of their names, each name stands there once, and a
 * name is only ever compared, never opened. All of image/tar.h's rules hold.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_ARCHIVE_H
#define COCO_IMAGE_ARCHIVE_H

#include "image/files.h"

#define COCO_ARCHIVE_MEMBERS_MAX ((size_t)16384)
#define COCO_ARCHIVE_NAMES_MAX ((size_t)2 << 20)    /* bytes of all names */
#define COCO_ARCHIVE_HEADS_MAX ((uint64_t)64 << 20) /* bytes of all that is no data */

struct coco_archive;

/* A file in the archive. */
struct coco_member {
    char *name; /* without "./" in front */
    char *link; /* NULL, or the name of another member that it stands for */
    uint64_t offset, size;
};

/*
 * Opens the tar file at path. COCO_ERR_NOTFOUND if there is none, COCO_ERR_NOTSUP
 * for a compressed one and for sparse members, COCO_ERR_PROTO for one that is cut
 * short, holds a name twice, or names that lead out of it.
 */
coco_status coco_archive_open(const char *path, struct coco_archive **ret, coco_error **err);

/* The same for an open file, which is taken. */
coco_status coco_archive_new(int fd, struct coco_archive **ret, coco_error **err);
void coco_archive_free(struct coco_archive *archive);
COCO_DEFINE_CLEANUP(struct coco_archive *, coco_archive_free);

/*
 * The file of that name, or what a link of that name stands for, which must be a
 * file. COCO_ERR_NOTFOUND if there is none.
 */
coco_status coco_archive_find(const struct coco_archive *archive, const char *name,
                              const struct coco_member **ret, coco_error **err);

/* Appends a member to buf, whose limit bounds it. */
coco_status coco_archive_read(const struct coco_archive *archive, const struct coco_member *member,
                              struct coco_buf *buf, coco_error **err);

/* The first len bytes of a member that has that many; *ret is how many there were. */
coco_status coco_archive_peek(const struct coco_archive *archive, const struct coco_member *member,
                              uint8_t *data, size_t len, size_t *ret, coco_error **err);

/* Writes a member to sink, not calling its end. */
coco_status coco_archive_send(const struct coco_archive *archive, coco_ctx *ctx,
                              const struct coco_member *member, const struct coco_sink *sink,
                              coco_error **err);

/* Appends so many bytes of a member from offset on; COCO_ERR_PROTO if it has not that many. */
coco_status coco_archive_part(const struct coco_archive *archive, const struct coco_member *member,
                              uint64_t offset, size_t len, struct coco_buf *buf, coco_error **err);

/* The archive as files, which takes it. */
struct coco_files coco_archive_files(struct coco_archive *archive);

#endif
