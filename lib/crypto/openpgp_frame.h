/*
 * crypto/openpgp_frame.h - the packets that a message of OpenPGP consists of (RFC 4880 section 4)
 *
 * RNP reads what it knows and passes over the rest, so that what it says of a message would hold of
 * many messages. Here is what there may be, before it is asked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_OPENPGP_FRAME_H
#define COCO_CRYPTO_OPENPGP_FRAME_H

#include "base/reader.h"

#include <stdbool.h>

/* Each key that a message is for costs an attempt. */
#define COCO_PGP_KEYS_OF_MESSAGE_MAX 64

/* Section 4.3, and for AEAD draft-koch-openpgp-2015-rfc4880bis section 5.16, which gpg makes. */
enum coco_pgp_tag {
    COCO_PGP_SESSION_KEY = 1,
    COCO_PGP_SIGNATURE = 2,
    COCO_PGP_ONE_PASS = 4,
    COCO_PGP_COMPRESSED = 8,
    COCO_PGP_LITERAL = 11,
    COCO_PGP_ENCRYPTED = 18,
    COCO_PGP_AEAD = 20,
};

/* Whether it is one message that is signed within itself, or compressed, and nothing else. */
bool coco_pgp_frame_is_signed(struct coco_reader message);

/* Whether it is one message for some public keys, protected against changes, and nothing else. */
bool coco_pgp_frame_is_encrypted(struct coco_reader message);

#endif
