/*
 * image/pgp.c - keys of OpenPGP that a client opens layers with or encrypts them to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/pgp.h"

#include "base/fail.h"
#include "image/client.h"

#include <string.h>

void
coco_client_pgp_done(struct coco_client_pgp *pgp)
{
    for (size_t i = 0; i < pgp->n_recipients; i++)
        free(pgp->recipients[i]);
    coco_pgp_ring_free(pgp->ring);
}

coco_status
coco_client_pgp_add_password(struct coco_client_pgp *pgp, const struct coco_secret *password,
                             coco_error **err)
{
    if (!pgp->ring)
        return COCO_OK;
    return coco_pgp_ring_add_password(pgp->ring, password->data, password->len, err);
}

static coco_status
make_ring(coco_image_client *client, coco_error **err)
{
    _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *ring = NULL;

    coco_status status = coco_pgp_ring_new(&ring, err);
    for (size_t i = 0; i < client->n_passwords && status == COCO_OK; i++)
        status = coco_pgp_ring_add_password(ring, client->passwords[i].data,
                                            client->passwords[i].len, err);
    if (status == COCO_OK)
        client->pgp.ring = coco_steal(&ring);
    return status;
}

coco_status
coco_image_client_add_pgp_keys(coco_image_client *client, const uint8_t *keys, size_t len,
                               coco_error **err)
{
    struct coco_pgp_count count = {0};
    coco_status status = COCO_OK;

    if (!client->pgp.ring)
        status = make_ring(client, err);
    if (status == COCO_OK)
        status = coco_pgp_ring_add(client->pgp.ring, keys, len, err);
    if (status == COCO_OK)
        status = coco_pgp_ring_count(client->pgp.ring, &count, err);
    if (status == COCO_OK)
        client->pgp.opens = count.secret > 0;
    return status;
}

coco_status
coco_image_client_add_pgp_recipient(coco_image_client *client, const char *who, coco_error **err)
{
    struct coco_client_pgp *pgp = &client->pgp;

    if (!pgp->ring)
        return coco_fail(err, COCO_ERR_NOTFOUND, "there are no keys of OpenPGP, nor one of %s",
                         who);
    if (pgp->n_recipients == COCO_PGP_RECIPIENTS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d recipients by OpenPGP",
                         COCO_PGP_RECIPIENTS_MAX);
    coco_status status = coco_pgp_check_recipient(pgp->ring, who, err);
    if (status != COCO_OK)
        return status;
    char *copy = strdup(who);
    if (!copy)
        return coco_fail_nomem(err);
    pgp->recipients[pgp->n_recipients++] = copy;
    return COCO_OK;
}
