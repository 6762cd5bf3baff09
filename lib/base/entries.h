/*
 * base/entries.h - the names in a directory
 *
 *     _cleanup_entries_ struct coco_entries entries = {0};
 *
 *     coco_status status = coco_entries_open(dir, &entries, err);
 *     while (status == COCO_OK && (name = coco_entries_next(&entries)))
 *         status = use(name);
 *     if (status == COCO_OK)
 *         status = coco_entries_end(&entries, err);
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_ENTRIES_H
#define COCO_BASE_ENTRIES_H

#include "base/cleanup.h"

#include <coco/error.h>

struct coco_entries {
    void *stream; /* DIR, NULL if there is none */
    int errnum;   /* why there are no more; 0: there are none */
};

/* Of the open directory dir, whose descriptor stays the caller's and is where it was. */
coco_status coco_entries_open(int dir, struct coco_entries *ret, coco_error **err);
/* The same, but fd is taken, also on failure: where a second descriptor may not be had. */
coco_status coco_entries_take(int fd, struct coco_entries *ret, coco_error **err);
void coco_entries_done(struct coco_entries *entries);
#define _cleanup_entries_ _cleanup_(coco_entries_done)

/* The next name, in no order, without "." and ".."; lent until the next call. */
const char *coco_entries_next(struct coco_entries *entries);

/* Whether those were all; COCO_ERR_IO if the directory could not be read to its end. */
coco_status coco_entries_end(const struct coco_entries *entries, coco_error **err);

#endif
