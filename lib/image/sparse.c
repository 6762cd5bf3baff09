/*
 * image/sparse.c - which parts of a file a tar archive holds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/sparse.h"

#include "base/fail.h"

#include <assert.h>

#define ROOM_MIN ((size_t)8)

void
coco_sparse_done(struct coco_sparse *sparse)
{
    free(sparse->runs);
    *sparse = (struct coco_sparse){0};
}

static coco_status
grow(struct coco_sparse *sparse, coco_error **err)
{
    size_t room = sparse->room < ROOM_MIN ? ROOM_MIN : sparse->room * 2;

    if (sparse->n < sparse->room)
        return COCO_OK;
    if (sparse->n == COCO_SPARSE_RUNS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %zu runs in a sparse file",
                         COCO_SPARSE_RUNS_MAX);
    struct coco_sparse_run *runs = realloc(sparse->runs, room * sizeof(*runs));
    if (!runs)
        return coco_fail_nomem(err);
    sparse->runs = runs;
    sparse->room = room;
    return COCO_OK;
}

coco_status
coco_sparse_add(struct coco_sparse *sparse, uint64_t offset, uint64_t len, coco_error **err)
{
    const struct coco_sparse_run *last = sparse->n > 0 ? &sparse->runs[sparse->n - 1] : NULL;

    if (len > UINT64_MAX - offset)
        return coco_fail(err, COCO_ERR_PROTO, "a sparse run does not fit");
    if (last && offset < last->offset + last->len)
        return coco_fail(err, COCO_ERR_PROTO, "sparse runs overlap");
    coco_status status = grow(sparse, err);
    if (status != COCO_OK)
        return status;
    assert(sparse->runs && sparse->n < sparse->room);
    sparse->runs[sparse->n++] = (struct coco_sparse_run){offset, len};
    return COCO_OK;
}

coco_status
coco_sparse_check(const struct coco_sparse *sparse, uint64_t size, uint64_t stored,
                  coco_error **err)
{
    uint64_t total = 0;

    for (size_t i = 0; i < sparse->n; i++) {
        const struct coco_sparse_run *run = &sparse->runs[i];

        if (run->offset + run->len > size)
            return coco_fail(err, COCO_ERR_PROTO, "a sparse run lies behind the end of its file");
        total += run->len; /* fits: runs do not overlap */
    }
    if (total != stored)
        return coco_fail(err, COCO_ERR_PROTO, "sparse runs are not what is stored");
    return COCO_OK;
}

uint64_t
coco_sparse_next(struct coco_sparse *sparse, uint64_t *offset)
{
    while (sparse->current < sparse->n && sparse->used == sparse->runs[sparse->current].len) {
        sparse->current++;
        sparse->used = 0;
    }
    if (sparse->current == sparse->n)
        return 0;
    *offset = sparse->runs[sparse->current].offset + sparse->used;
    return sparse->runs[sparse->current].len - sparse->used;
}

void
coco_sparse_advance(struct coco_sparse *sparse, uint64_t n)
{
    sparse->used += n;
}
