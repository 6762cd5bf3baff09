/*
 * crypto/openpgp_crypt.c - messages of OpenPGP that are encrypted to keys
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/openpgp_rnp.h"

#include "base/fail.h"
#include "crypto/openpgp_frame.h"

#include <string.h>

/* What encryption adds: for each key a packet of up to 16 kbit, and some headers. */
#define PACKETS_ROOM ((size_t)64 << 10)

#define CANNOT_DECRYPT "cannot decrypt with this key"

/* ---- encrypting ---- */

/* Adding the keys of one recipient. */
struct adding {
    const char *who;
    rnp_op_encrypt_t op; /* NULL to look only */
    size_t total;        /* keys of all recipients */
    size_t found;        /* of this one */
};

/* The key that is encrypted to for a primary key: its newest subkey for that, or itself. */
static coco_status
add(void *self, const struct coco_pgp_key *primary, coco_error **err)
{
    struct adding *adding = self;
    const struct coco_rnp *rnp = &primary->ring->rnp;
    _cleanup_pgp_key_ struct coco_pgp_key key = {.ring = primary->ring};

    if (!coco_pgp_key_is(primary, adding->who))
        return COCO_OK;
    adding->found++;
    if (!coco_pgp_key_is_usable(primary, 0)
        || rnp->key_get_default_key(primary->key, "encrypt", 0, &key.key) != RNP_SUCCESS || !key.key
        || !coco_pgp_key_is_usable(&key, 0))
        return coco_fail(err, COCO_ERR_DENIED,
                         "the key of %s has expired, is revoked, or is not to encrypt to",
                         adding->who);
    if (++adding->total > COCO_PGP_RECIPIENTS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "more than %d keys to encrypt to",
                         COCO_PGP_RECIPIENTS_MAX);
    if (!adding->op)
        return COCO_OK;
    rnp_result_t result = rnp->op_encrypt_add_recipient(adding->op, key.key);
    return result == RNP_SUCCESS ? COCO_OK : coco_rnp_fail(err, result, COCO_ERR_IO, "recipient");
}

static coco_status
add_recipient(const struct coco_pgp_ring *ring, const char *who, struct adding *adding,
              coco_error **err)
{
    adding->who = who;
    adding->found = 0;
    coco_status status = coco_pgp_each(ring, add, adding, err);
    if (status == COCO_OK && adding->found == 0)
        status = coco_fail(err, COCO_ERR_NOTFOUND, "no key of OpenPGP is %s", who);
    return status;
}

coco_status
coco_pgp_check_recipient(const struct coco_pgp_ring *ring, const char *who, coco_error **err)
{
    struct adding adding = {0};

    return add_recipient(ring, who, &adding, err);
}

/* No AEAD: readers of ocicrypt's know the code of section 5.13 alone. */
static coco_status
encrypt_to(const struct coco_pgp_ring *ring, rnp_op_encrypt_t op, const char *const *who, size_t n,
           coco_error **err)
{
    struct adding adding = {.op = op};
    coco_status status = COCO_OK;

    rnp_result_t result = ring->rnp.op_encrypt_set_cipher(op, RNP_ALGNAME_AES_256);
    if (result == RNP_SUCCESS)
        result = ring->rnp.op_encrypt_set_compression(op, "Uncompressed", 0);
    if (result != RNP_SUCCESS)
        return coco_rnp_fail(err, result, COCO_ERR_IO, "encryption");
    for (size_t i = 0; i < n && status == COCO_OK; i++)
        status = add_recipient(ring, who[i], &adding, err);
    if (status != COCO_OK)
        return status;
    if (adding.total == 0)
        return coco_fail(err, COCO_ERR_INVALID, "no key to encrypt to");
    result = ring->rnp.op_encrypt_execute(op);
    return result == RNP_SUCCESS ? COCO_OK : coco_rnp_fail(err, result, COCO_ERR_IO, "encryption");
}

coco_status
coco_pgp_encrypt(const struct coco_pgp_ring *ring, const char *const *who, size_t n,
                 const void *data, size_t len, struct coco_buf *message, coco_error **err)
{
    _cleanup_pgp_input_ struct coco_pgp_input input = {0};
    _cleanup_pgp_output_ struct coco_pgp_output output = {0};
    rnp_op_encrypt_t op = NULL;
    const uint8_t *made = NULL;

    if (len > COCO_PGP_MESSAGE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %zu bytes to encrypt",
                         COCO_PGP_MESSAGE_MAX);
    coco_status status = coco_pgp_open(ring, data, len, len + PACKETS_ROOM, &input, &output, err);
    if (status != COCO_OK)
        return status;
    rnp_result_t result = ring->rnp.op_encrypt_create(&op, ring->ffi, input.input, output.output);
    if (result != RNP_SUCCESS)
        return coco_rnp_fail(err, result, COCO_ERR_IO, "encryption");
    status = encrypt_to(ring, op, who, n, err);
    (void)ring->rnp.op_encrypt_destroy(op);
    if (status == COCO_OK)
        status = coco_pgp_output_get(&output, &made, &len, err);
    if (status == COCO_OK)
        status = coco_buf_append(message, made, len, err);
    return status;
}

/* ---- decrypting ---- */

/* Whether it was decrypted, and found to be unchanged: by RNP's own word, for it reads much else.
 */
static bool
was_protected(const struct coco_pgp_ring *ring, rnp_op_verify_t op)
{
    char *mode = NULL;
    bool valid = false;

    if (ring->rnp.op_verify_get_protection_info(op, &mode, NULL, &valid) != RNP_SUCCESS)
        return false;
    valid = valid && (strcmp(mode, "cfb-mdc") == 0 || strncmp(mode, "aead-", 5) == 0);
    ring->rnp.buffer_destroy(mode);
    return valid;
}

/* One attempt, with the password that the ring tries. */
static bool
decrypt(const struct coco_pgp_ring *ring, const struct coco_pgp_input *input,
        const struct coco_pgp_output *output)
{
    rnp_op_verify_t op = NULL;

    bool open =
        ring->rnp.op_verify_create(&op, ring->ffi, input->input, output->output) == RNP_SUCCESS
        && ring->rnp.op_verify_set_flags(op, RNP_VERIFY_IGNORE_SIGS_ON_DECRYPT) == RNP_SUCCESS
        && ring->rnp.op_verify_execute(op) == RNP_SUCCESS && was_protected(ring, op);
    if (op)
        (void)ring->rnp.op_verify_destroy(op);
    return open;
}

struct opening {
    const struct coco_pgp_ring *ring;
    const struct coco_reader *message;
    struct coco_secret *ret;
};

static coco_status
attempt(void *self, coco_error **err)
{
    const struct opening *o = self;
    _cleanup_pgp_input_ struct coco_pgp_input input = {0};
    _cleanup_pgp_output_ struct coco_pgp_output output = {0};
    const uint8_t *data = NULL;
    size_t len = 0;

    coco_status status = coco_pgp_open(o->ring, o->message->data, o->message->len,
                                       COCO_PGP_MESSAGE_MAX, &input, &output, err);
    if (status != COCO_OK)
        return status;
    if (!decrypt(o->ring, &input, &output))
        return coco_fail(err, COCO_ERR_VERIFY, CANNOT_DECRYPT);
    status = coco_pgp_output_get(&output, &data, &len, err);
    if (status == COCO_OK)
        status = coco_secret_copy(data, len, o->ret, err);
    return status;
}

coco_status
coco_pgp_decrypt(struct coco_pgp_ring *ring, const void *message, size_t len,
                 struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf dearmored = {.limit = COCO_PGP_MESSAGE_MAX};
    struct coco_reader packets;
    struct opening opening = {.ring = ring, .message = &packets, .ret = ret};
    coco_error *why = NULL;

    coco_status status = coco_pgp_dearmor(ring, message, len, &dearmored, &packets, &why);
    if (status == COCO_ERR_NOMEM) {
        coco_error_give(err, why);
        return status;
    }
    coco_error_free(why);
    if (status != COCO_OK || !coco_pgp_frame_is_encrypted(packets))
        return coco_fail(err, COCO_ERR_VERIFY, CANNOT_DECRYPT);
    return coco_pgp_try(ring, attempt, &opening, COCO_ERR_VERIFY, err);
}
