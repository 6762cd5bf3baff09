/*
 * image/tar.h - reading a tar archive as it arrives
 *
 * No input or output, no paths, no policy: bytes go in, entries come out. The
 * archive is hostile, so where two readers could see two different things there
 * is an error instead (T4 in doc/threats.md): numbers and checksums that are
 * wrong, names given twice, sizes where there can be no data, bytes after the
 * end. It need not end in zero blocks, but it must end between two entries.
 *
 * Understood: ustar, star's ustar, pax with global headers, GNU long names and
 * all GNU forms of sparse files, and the format of old without any magic.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_TAR_H
#define COCO_IMAGE_TAR_H

#include "base/sink.h"
#include "image/pax.h"

/* A path the kernel would not take is refused before anything is made of it. */
#define COCO_TAR_NAME_MAX ((size_t)4095)

enum coco_tar_type {
    COCO_TAR_FILE,
    COCO_TAR_LINK,
    COCO_TAR_SYMLINK,
    COCO_TAR_CHAR,
    COCO_TAR_BLOCK_DEVICE,
    COCO_TAR_DIR,
    COCO_TAR_FIFO,
};

struct coco_tar_entry {
    enum coco_tar_type type;
    const char *name;  /* as it stands there: any bytes but NUL, 1 to COCO_TAR_NAME_MAX */
    const char *link;  /* of COCO_TAR_LINK and COCO_TAR_SYMLINK, of the same form; else "" */
    uint32_t mode;     /* at most 07777 */
    uint32_t uid, gid; /* never -1 */
    uint64_t size;     /* of COCO_TAR_FILE, with its holes; else 0 */
    struct timespec mtime, atime;
    uint32_t dev_major, dev_minor; /* of devices */
    const struct coco_xattr *xattrs;
    size_t n_xattrs;
};

/* Who gets the entries. A failure ends the archive. */
struct coco_tar_handler {
    /* A new entry, lent until its done. */
    coco_status (*entry)(void *self, const struct coco_tar_entry *entry, coco_error **err);
    /* Bytes of a file that go to offset; offsets ascend, gaps are zero, the last may be a gap. */
    coco_status (*data)(void *self, uint64_t offset, const uint8_t *data, size_t len,
                        coco_error **err);
    /* The entry is complete. */
    coco_status (*done)(void *self, coco_error **err);
    /* The archive is complete. */
    coco_status (*end)(void *self, coco_error **err);
    void *self;
};

struct coco_tar;
coco_status coco_tar_new(const struct coco_tar_handler *handler, struct coco_tar **ret,
                         coco_error **err);
void coco_tar_free(struct coco_tar *tar);
COCO_DEFINE_CLEANUP(struct coco_tar *, coco_tar_free);
struct coco_sink coco_tar_sink(struct coco_tar *tar);

/* Bytes of a file that come next, as they are, for the handler's data; 0 in a sparse one. */
uint64_t coco_tar_data_left(const struct coco_tar *tar);

/* Goes on as if n of them had come, which the handler is not shown. */
coco_status coco_tar_skip(struct coco_tar *tar, uint64_t n, coco_error **err);

#endif
