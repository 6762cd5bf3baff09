/*
 * base/relay.h - a stage of a stream on a thread of its own
 *
 * What is written to a relay waits in a ring of bounded size until a thread
 * passes it on. Neither side notices: a failure of the stages behind comes out of
 * the next write or of the end, as it would without a thread in between.
 *
 * The stages behind run on that thread, one call at a time, with all signals
 * blocked: they have no context, and nobody but them may touch what they use
 * until the end was reached or the relay is freed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_RELAY_H
#define COCO_BASE_RELAY_H

#include "base/cleanup.h"
#include "base/sink.h"

#define COCO_RELAY_SIZE_MIN ((size_t)16 << 10)

struct coco_relay;

/* size: of the ring, in bytes. COCO_ERR_IO where no thread can be had. */
coco_status coco_relay_new(size_t size, const struct coco_sink *next, struct coco_relay **ret,
                           coco_error **err);
/*
 * Drops what is not passed on yet, waits for the call that the thread is in, and
 * wipes the ring. Free what next belongs to afterwards; where relays follow each
 * other, the first one first.
 */
void coco_relay_free(struct coco_relay *relay);
COCO_DEFINE_CLEANUP(struct coco_relay *, coco_relay_free);

/* Its end waits until next has taken everything and its own end. */
struct coco_sink coco_relay_sink(struct coco_relay *relay);

#endif
