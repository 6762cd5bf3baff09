/*
 * image/defer.h - failures that wait until a blob was verified
 *
 * A layer that somebody changed on the way mostly fails to inflate before its
 * digest is known. What is to be said then is that it was changed; and of an
 * encrypted layer nothing else may be said, for whoever sees at which byte the
 * plaintext made no sense learns something of it (T16 in doc/threats.md). So
 * failures of what comes next wait for the end, which is reached only when the
 * stages before have verified the whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_DEFER_H
#define COCO_IMAGE_DEFER_H

#include "base/cleanup.h"
#include "base/sink.h"

struct coco_defer {
    struct coco_sink next;
    coco_status status; /* of next's first failure */
    coco_error *err;
};

void coco_defer_done(struct coco_defer *defer);
#define _cleanup_defer_ _cleanup_(coco_defer_done)

/*
 * Passes on to defer->next. After a failure that the bytes can be blamed for the
 * rest is taken and dropped, and end fails as next did; what the system is to
 * blame for fails at once.
 */
struct coco_sink coco_defer_sink(struct coco_defer *defer);

#endif
