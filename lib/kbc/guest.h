/*
 * kbc/guest.h - a guest that attests to a KBS (RCAR: kbs-protocol A)
 *
 *     Request -> Challenge -> fresh key, evidence bound to both -> token
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_GUEST_H
#define COCO_KBC_GUEST_H

#include "kbc/broker.h"
#include "kbc/session.h"

#include <coco/attester.h>

/* What a guest is and has to say. One thread at a time. */
struct coco_guest {
    struct coco_broker *broker;
    coco_attester *attester; /* NULL until it is detected */
    coco_attester *devices[COCO_RCAR_DEVICES_MAX];
    size_t n_devices;
    char *init_data;  /* or NULL */
    bool kind_chosen; /* by the owner, not by us */
    enum coco_key_kind kind;
    enum coco_rcar_version version; /* that the KBS spoke last */
};

coco_status coco_guest_init(struct coco_guest *guest, const char *url, coco_error **err);
void coco_guest_done(struct coco_guest *guest);

/*
 * A handshake, in the newest version of the protocol that the KBS speaks and that
 * can carry what the guest has to say. With an audience, not NULL, the token is for that:
 * COCO_ERR_NOTSUP if the KBS overlooked it, as upstream's do.
 */
coco_status coco_guest_attest(struct coco_guest *guest, coco_ctx *ctx, const char *audience,
                              struct coco_session **ret, coco_error **err);

#endif
