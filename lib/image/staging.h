/*
 * image/staging.h - a directory that appears at once and complete, or not at all
 *
 * What is verified only at its end is written beside its place, where nobody
 * else may look, and renamed when all of it holds (T8, T15 in doc/threats.md). A
 * process that is killed leaves its staging directory behind; the next one for
 * the same place removes it, which a lock on it allows once its owner is gone
 * (T45).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_STAGING_H
#define COCO_IMAGE_STAGING_H

#include "base/cleanup.h"

#include <coco/context.h>

#include <sys/types.h>

struct coco_staging {
    int parent;   /* the directory that both names are in */
    int dir;      /* the staging directory, mode 0700, locked */
    char *name;   /* its name */
    char *target; /* the name it shall have */
    mode_t mode;  /* and the mode */
    bool committed;
};

#define COCO_STAGING_NONE ((struct coco_staging){.parent = -1, .dir = -1})

/*
 * Makes the staging directory for path, which must not exist or be an empty
 * directory (COCO_ERR_INVALID); *ret must be COCO_STAGING_NONE.
 */
coco_status coco_staging_begin(const char *path, struct coco_staging *ret, coco_error **err);

/* The path it shall have, to be freed; NULL in *ret on failure. */
coco_status coco_staging_path(const struct coco_staging *staging, char **ret, coco_error **err);

/*
 * Removes name from the open directory parent, with all that is beneath. It loses the name
 * at once, and has that of a staging directory whose owner is gone: what is half removed is
 * never taken for the whole.
 */
coco_status coco_staging_discard(int parent, const char *name, coco_error **err);

/* Removes all staging directories in the open directory that nobody works in any more. */
void coco_staging_sweep(int parent);

/* Writes all of it to the disk and puts it in its place. */
coco_status coco_staging_commit(struct coco_staging *staging, const coco_ctx *ctx,
                                coco_error **err);

/* Removes what was not committed. */
void coco_staging_done(struct coco_staging *staging);
#define _cleanup_staging_ _cleanup_(coco_staging_done)

#endif
