/*
 * kbs/guest.h - who has attested
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_GUEST_H
#define COCO_KBS_GUEST_H

#include "base/digest.h"
#include "base/json.h"
#include "kbs/keyring.h"
#include "rcar/version.h"

#include <stdatomic.h>

/* What a guest's cookie or token says. Reference counted, and not changed once it is made. */
struct coco_kbs_guest {
    atomic_uint refs;
    cJSON *claims;
    enum coco_rcar_version version; /* that it speaks */
    EVP_PKEY *key;                  /* that its secrets are encrypted to */
    char id[COCO_KBS_KID_SIZE];     /* thumbprint of the key (RFC 7638) */
};

/*
 * Takes claims, in any case. key is theirs, or NULL: it is read from them. COCO_ERR_PROTO if
 * they hold none.
 */
coco_status coco_kbs_guest_new(cJSON *claims, EVP_PKEY *key, struct coco_kbs_guest **ret,
                               coco_error **err);
struct coco_kbs_guest *coco_kbs_guest_ref(struct coco_kbs_guest *guest);
void coco_kbs_guest_unref(struct coco_kbs_guest *guest);
COCO_DEFINE_CLEANUP(struct coco_kbs_guest *, coco_kbs_guest_unref);
#define _cleanup_guest_ _cleanup_(coco_kbs_guest_unrefp)

/*
 * Guests that showed what was opened or verified lately, by the hash of it: what says the
 * same bytes again says the same. A guest fetches its secrets one after the other; who is
 * not known here is opened or verified again. They are some, of bounded size, and the one
 * that was longest not heard of is forgotten first. Nothing in here is secret: of a cookie
 * or token, which would be, it has the hash. Any thread.
 */
struct coco_kbs_guests;

#define COCO_KBS_GUESTS_MAX 128
#define COCO_KBS_GUESTS_SIZE ((size_t)2 << 20) /* of all of them, about */

coco_status coco_kbs_guests_new(struct coco_kbs_guests **ret, coco_error **err);
void coco_kbs_guests_free(struct coco_kbs_guests *guests);
COCO_DEFINE_CLEANUP(struct coco_kbs_guests *, coco_kbs_guests_free);

/*
 * Keys that came or went since are another epoch (coco_kbs_sessions_epoch()): what was
 * opened in one before it is opened again. A reference, or NULL; when the claims end is for
 * the caller to look at.
 */
struct coco_kbs_guest *coco_kbs_guests_find(struct coco_kbs_guests *guests,
                                            const struct coco_digest *shown, uint64_t epoch,
                                            int64_t now);

/* Remembers guest until then, or does not: a guest that is too large is opened each time. */
void coco_kbs_guests_keep(struct coco_kbs_guests *guests, const struct coco_digest *shown,
                          uint64_t epoch, int64_t until, struct coco_kbs_guest *guest);

#endif
