/*
 * image/sparse.h - which parts of a file a tar archive holds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_SPARSE_H
#define COCO_IMAGE_SPARSE_H

#include "base/cleanup.h"

#include <coco/error.h>

/* Runs of one file; a map that large is 1 MiB of memory. */
#define COCO_SPARSE_RUNS_MAX ((size_t)1 << 16)

struct coco_sparse_run {
    uint64_t offset, len;
};

/* Runs in the order of their offsets; what lies between them is zero. */
struct coco_sparse {
    struct coco_sparse_run *runs;
    size_t n, room;
    size_t current; /* run the next byte belongs to */
    uint64_t used;  /* bytes of it that are through */
};

void coco_sparse_done(struct coco_sparse *sparse);

/* COCO_ERR_PROTO for a run that begins before the last one ends. */
coco_status coco_sparse_add(struct coco_sparse *sparse, uint64_t offset, uint64_t len,
                            coco_error **err);

/* COCO_ERR_PROTO unless the runs lie within size and are stored bytes together. */
coco_status coco_sparse_check(const struct coco_sparse *sparse, uint64_t size, uint64_t stored,
                              coco_error **err);

/* Where the next stored byte goes and how many may follow it there; 0 after the last. */
uint64_t coco_sparse_next(struct coco_sparse *sparse, uint64_t *offset);
void coco_sparse_advance(struct coco_sparse *sparse, uint64_t n);

#endif
