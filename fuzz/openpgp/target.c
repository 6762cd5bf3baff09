/*
 * fuzz/openpgp/target.c - keys and messages of OpenPGP, whatever they are
 *
 * The first byte says what the rest is: keys, a message to verify or one to open. With keys of its
 * own only the corpus could have a message that holds, and none is in it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/openpgp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is read as keys is asked for all that is asked of keys. */
static void
read_keys(const uint8_t *data, size_t len)
{
    _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *ring = NULL;
    _cleanup_buf_ struct coco_buf message = {.limit = COCO_PGP_MESSAGE_MAX};
    const char *const who = "a@example.org";
    struct coco_pgp_count count;

    if (coco_pgp_ring_new(&ring, NULL) != COCO_OK)
        abort();
    coco_status status = coco_pgp_ring_add(ring, data, len, NULL);
    if (coco_pgp_ring_count(ring, &count, NULL) != COCO_OK)
        abort();
    if (status == COCO_OK && count.keys == 0)
        return; /* a subkey without its key */
    (void)coco_pgp_encrypt(ring, &who, 1, "x", 1, &message, NULL);
    (void)coco_pgp_sign(ring, NULL, "x", 1, &message, NULL);
}

static void
read_message(const uint8_t *data, size_t len)
{
    _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *ring = NULL;
    _cleanup_buf_ struct coco_buf payload = {.limit = 4096};
    struct coco_pgp_signature signature;

    if (coco_pgp_ring_new(&ring, NULL) != COCO_OK)
        abort();
    if (coco_pgp_verify(ring, data, len, 0, &payload, &signature, NULL) == COCO_OK
        || payload.len > 0)
        abort();
}

static void
open_message(const uint8_t *data, size_t len)
{
    _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *ring = NULL;
    _cleanup_secret_ struct coco_secret secret = {0};

    if (coco_pgp_ring_new(&ring, NULL) != COCO_OK)
        abort();
    if (coco_pgp_decrypt(ring, data, len, &secret, NULL) != COCO_ERR_VERIFY || secret.data)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    if (data[0] == 'k')
        read_keys(data + 1, len - 1);
    else if (data[0] == 's')
        read_message(data + 1, len - 1);
    else
        open_message(data + 1, len - 1);
    return 0;
}
