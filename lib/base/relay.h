/*
 * base/relay.h - stages of a stream on threads of their own
 *
 * What is written to a relay waits in a ring of bounded size until a thread passes it
 * on, or several do, each to a stage that gets all of it. No side notices: a failure of
 * the stages behind comes out of the next write or of the end, as it would without
 * threads in between.
 *
 * The stages behind run on those threads, one call at a time each, with all signals
 * blocked: they have no context, and nobody but them may touch what they use until the
 * end was reached or the relay is freed. They must leave the bytes as they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_RELAY_H
#define COCO_BASE_RELAY_H

#include "base/cleanup.h"
#include "base/sink.h"

#define COCO_RELAY_SIZE_MIN ((size_t)16 << 10)
#define COCO_RELAY_STAGES_MAX 2

struct coco_relay;

/*
 * size: of the ring, in bytes; nexts: n stages, copied. COCO_ERR_IO where no thread can be
 * had.
 */
coco_status coco_relay_new(size_t size, const struct coco_sink *nexts, size_t n,
                           struct coco_relay **ret, coco_error **err);
/*
 * Drops what is not passed on yet, waits for the calls that the threads are in, and
 * wipes the ring. Free what nexts belong to afterwards; where relays follow each
 * other, the first one first.
 */
void coco_relay_free(struct coco_relay *relay);
COCO_DEFINE_CLEANUP(struct coco_relay *, coco_relay_free);

/*
 * Its end waits until all stages have taken everything and their own end. Of several
 * that fail then, the first of nexts is heard.
 */
struct coco_sink coco_relay_sink(struct coco_relay *relay);

#endif
