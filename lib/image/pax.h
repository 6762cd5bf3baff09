/*
 * image/pax.h - extended headers of a tar archive
 *
 * Sources: POSIX.1-2017 pax, "pax Interchange Format"; GNU tar manual, "Sparse
 * Formats"; star(5) for SCHILY.*.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_PAX_H
#define COCO_IMAGE_PAX_H

#include "image/sparse.h"

#include <coco/error.h>
#include <time.h>

#define COCO_PAX_SIZE_MAX ((size_t)1 << 20)
#define COCO_PAX_XATTRS_MAX ((size_t)64)

enum coco_pax_key {
    COCO_PAX_PATH,
    COCO_PAX_LINKPATH,
    COCO_PAX_SIZE,
    COCO_PAX_UID,
    COCO_PAX_GID,
    COCO_PAX_MTIME,
    COCO_PAX_ATIME,
    COCO_PAX_SPARSE_MAJOR,
    COCO_PAX_SPARSE_MINOR,
    COCO_PAX_SPARSE_NAME,
    COCO_PAX_SPARSE_REALSIZE, /* formats 0.1 (as size) and 1.0 */
    COCO_PAX_SPARSE_NUMBLOCKS,
    COCO_PAX_SPARSE_MAP,
    COCO_PAX_N_KEYS,
};

struct coco_xattr {
    const char *name;
    const uint8_t *value;
    size_t len;
};

/* What one extended header says; everything points into the text it was read from. */
struct coco_pax {
    const char *values[COCO_PAX_N_KEYS]; /* NULL: not named; "": the default again */
    struct coco_xattr xattrs[COCO_PAX_XATTRS_MAX];
    size_t n_xattrs;
    struct coco_sparse sparse; /* format 0.0 */
};

/*
 * Parses the len bytes of text, which are changed: values end in a NUL
 * afterwards, as text must have room for one behind its end. ret must be {0} and
 * is to be given to coco_pax_done() even after a failure.
 *
 * In a global header what makes sense for one entry alone is an error.
 */
coco_status coco_pax_parse(char *text, size_t len, bool global, struct coco_pax *ret,
                           coco_error **err);
void coco_pax_done(struct coco_pax *pax);

/* A decimal number from 0 to INT64_MAX, without sign or leading zeros to spare. */
coco_status coco_pax_u64(const char *text, uint64_t *ret, coco_error **err);

/* "[-]seconds[.fraction]", cut to nanoseconds, towards the past. */
coco_status coco_pax_time(const char *text, struct timespec *ret, coco_error **err);

/* The value of GNU.sparse.map, "offset,length,offset,length…", into sparse. */
coco_status coco_pax_sparse_map(const char *text, struct coco_sparse *sparse, coco_error **err);

#endif
