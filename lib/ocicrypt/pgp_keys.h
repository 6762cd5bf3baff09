/*
 * ocicrypt/pgp_keys.h - wrapping by OpenPGP: annotation "keys.pgp"
 *
 * Source: containers/ocicrypt keywrap/pgp (guest-protocols 5.3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_OCICRYPT_PGP_KEYS_H
#define COCO_OCICRYPT_PGP_KEYS_H

#include "crypto/openpgp.h"
#include "ocicrypt/wrapper.h"

/* A ring with the recipients' public keys, or with secret keys that open. */
struct coco_pgp_keys {
    struct coco_pgp_ring *ring; /* lent */
    const char *const *who;     /* recipients, lent */
    size_t n;
};

/* One message for all of them. To wrap: what coco_pgp_encrypt() fails with. */
struct coco_wrapper coco_pgp_wrapper(const struct coco_pgp_keys *keys);

#endif
