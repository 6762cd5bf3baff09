/*
 * kbc/passport.h - a token, with the key that it is for, to be shown elsewhere
 *
 *     {"token": "<JWT>", "tee_keypair": "<PEM>"}
 *
 * The form of upstream's attestation-agent (guest-protocols 2.2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_PASSPORT_H
#define COCO_KBC_PASSPORT_H

#include "base/buf.h"
#include "kbc/session.h"
#include "rcar/messages.h"

#define COCO_PASSPORT_MAX (2 * COCO_RCAR_TOKEN_MAX)

/*
 * COCO_ERR_VERIFY if the session's token says that its time is over. Who made it, and
 * whether, is for those who are shown it.
 */
coco_status coco_passport_check(const struct coco_session *session, coco_error **err);

/* Appends the session's. */
coco_status coco_passport_write(const struct coco_session *session, struct coco_buf *buf,
                                coco_error **err);

/*
 * A session that is nothing but its passport. COCO_ERR_NOTSUP for a key that nobody
 * encrypts to, COCO_ERR_VERIFY as above.
 */
coco_status coco_passport_read(const uint8_t *text, size_t len, struct coco_session **ret,
                               coco_error **err);

#endif
