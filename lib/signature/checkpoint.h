/*
 * signature/checkpoint.h - what a log signs of its tree
 *
 *     origin LF size LF root LF LF
 *     EM-DASH SP name SP base64 LF    the key's id, of 4 bytes, and the signature
 *
 * There are two kinds. That of Rekor 1 has the tree's number behind its origin, "host - 4711", and
 * its keys are named by the SHA-256 of their SubjectPublicKeyInfo alone. That of Rekor 2 has the
 * log's name in both places, and the name is part of the key's id but for ECDSA.
 *
 * Sources: C2SP, signed-note.md and tlog-checkpoint.md; rekor, pkg/util/signed_note.go;
 * rekor-tiles, pkg/note; sigstore-go, pkg/verify/tlog.go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_CHECKPOINT_H
#define COCO_SIGNATURE_CHECKPOINT_H

#include "signature/log.h"

/* Whether it is of Rekor 2, or another log that C2SP describes. */
bool coco_checkpoint_is_tiled(const char *note);

/* The id, in full, that the log's key has in such a checkpoint, or in one of Rekor 1. */
coco_status coco_checkpoint_key_id(const struct coco_log *log, bool is_tiled,
                                   struct coco_digest *ret, coco_error **err);

/*
 * COCO_ERR_VERIFY unless the log has signed that its tree of that size has that root; others may
 * have signed it, too. COCO_ERR_PROTO for what is no checkpoint, COCO_ERR_NOTSUP for one of a log
 * whose name nobody told.
 */
coco_status coco_checkpoint_check(const char *note, const struct coco_log *log, uint64_t size,
                                  const struct coco_digest *root, coco_error **err);

#endif
