/*
 * image/unpack.h - a layer's tar into a root directory
 *
 * The tar is hostile. Every path is walked by directory descriptors beneath the
 * root, with no link followed, and no path is used twice (T1 to T7).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_UNPACK_H
#define COCO_IMAGE_UNPACK_H

#include <coco/image.h>

#include "base/digest.h"
#include "base/sink.h"
#include "image/manifest.h"
#include "image/meta.h"

/* What all layers of one image may come to together. */
struct coco_unpack_budget {
    /* Others may look at these two while files are unpacked. */
    _Atomic uint64_t content; /* bytes of files left */
    _Atomic uint64_t entries; /* files left */
    struct coco_ids ids;
};

/* Unpacks uncompressed tar bytes into the directory root, over what lower layers put there. */
struct coco_unpack;
coco_status coco_unpack_new(int root, struct coco_unpack_budget *budget, struct coco_unpack **ret,
                            coco_error **err);
void coco_unpack_free(struct coco_unpack *unpack);
COCO_DEFINE_CLEANUP(struct coco_unpack *, coco_unpack_free);
/* end: the archive is complete, whiteouts are applied and directory times set. */
struct coco_sink coco_unpack_sink(struct coco_unpack *unpack);

struct coco_inflate_limits {
    uint32_t max_ratio;  /* n to 1 */
    uint64_t max_window; /* bytes of zstd's window, 1 KiB and up; gzip's is always 32 KiB */
    uint64_t beside;     /* bytes that a budget has to have beside the window, for the message */
};

/* Inflates what is written to its sink into next, in bounded memory. */
struct coco_inflate;
coco_status coco_inflate_new(enum coco_compression compression,
                             const struct coco_inflate_limits *limits, const struct coco_sink *next,
                             struct coco_inflate **ret, coco_error **err);
void coco_inflate_free(struct coco_inflate *inflate);
COCO_DEFINE_CLEANUP(struct coco_inflate *, coco_inflate_free);
/* end: COCO_ERR_PROTO if the stream is cut, has trailing bytes or a wrong checksum. */
struct coco_sink coco_inflate_sink(struct coco_inflate *inflate);

/* What the first and the last bytes of a stream say of it. */
#define COCO_INFLATE_HEAD ((size_t)18)
#define COCO_INFLATE_TAIL ((size_t)4)
struct coco_inflate_guess {
    uint64_t window;
    bool known;       /* the content's size is */
    uint64_t content; /* modulo 2^32 for gzip */
};
/* From so many bytes each, of a stream that is not shorter. Anything is a guess. */
void coco_inflate_guess(enum coco_compression compression, const uint8_t *head, const uint8_t *tail,
                        struct coco_inflate_guess *ret);

/* At the end COCO_ERR_VERIFY unless what was written has the digest want. */
struct coco_verify_sink;
coco_status coco_verify_sink_new(const struct coco_digest *want, struct coco_verify_sink **ret,
                                 coco_error **err);
void coco_verify_sink_free(struct coco_verify_sink *verify);
COCO_DEFINE_CLEANUP(struct coco_verify_sink *, coco_verify_sink_free);
struct coco_sink coco_verify_sink_sink(struct coco_verify_sink *verify);

#endif
