/*
 * image/pgp.h - keys of OpenPGP that a client opens layers with or encrypts them to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_PGP_H
#define COCO_IMAGE_PGP_H

#include "ocicrypt/pgp_keys.h"

struct coco_client_pgp {
    struct coco_pgp_ring *ring; /* made when the first keys come */
    char *recipients[COCO_PGP_RECIPIENTS_MAX];
    size_t n_recipients;
    bool opens; /* has a secret key */
};

void coco_client_pgp_done(struct coco_client_pgp *pgp);

/* A password for keys that are there or will be. */
coco_status coco_client_pgp_add_password(struct coco_client_pgp *pgp,
                                         const struct coco_secret *password, coco_error **err);

#endif
