/*
 * image/tarhead.h - one header block of a tar archive
 *
 * Sources: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic
 * Tar Format"; star(5) for its own ustar.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_TARHEAD_H
#define COCO_IMAGE_TARHEAD_H

#include "image/sparse.h"

#include <coco/error.h>

#define COCO_TAR_BLOCK ((size_t)512)

/* As the block says it; extended headers may overrule each member. */
struct coco_tarhead {
    char name[155 + 1 + 100 + 1]; /* with its prefix */
    char link[100 + 1];
    char type; /* typeflag, '0' for the NUL of old */
    bool old;  /* no magic: directories are told by a slash at the end of their name */
    uint32_t mode;
    uint64_t uid, gid;
    uint64_t size;
    int64_t mtime;
    uint32_t dev_major, dev_minor;
};

bool coco_tarhead_is_zero(const uint8_t block[COCO_TAR_BLOCK]);

/*
 * Parses a block. COCO_ERR_PROTO for a wrong checksum, an unknown format, numbers
 * that are none or do not fit, and bytes behind the NUL of a name.
 */
coco_status coco_tarhead_parse(const uint8_t block[COCO_TAR_BLOCK], struct coco_tarhead *ret,
                               coco_error **err);

/*
 * Sparse files of the old GNU format (type 'S'): the real size and the first
 * runs stand in the header, more of them in blocks that follow; more says whether.
 */
coco_status coco_tarhead_sparse(const uint8_t block[COCO_TAR_BLOCK], struct coco_sparse *sparse,
                                uint64_t *real_size, bool *more, coco_error **err);
coco_status coco_tarhead_more_sparse(const uint8_t block[COCO_TAR_BLOCK],
                                     struct coco_sparse *sparse, bool *more, coco_error **err);

#endif
