/*
 * crypto/openpgp_sign.c - messages of OpenPGP that are signed within themselves
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/openpgp_rnp.h"

#include "base/fail.h"
#include "crypto/openpgp_frame.h"

#include <string.h>
#include <time.h>

/* What signing adds: packets, a header, and a signature of up to 16 kbit. */
#define SIGNATURE_ROOM ((size_t)8 << 10)
/* That a signer's clock may be ahead of ours, which in a guest is often its host's to set. */
#define CLOCKS_DIFFER_S 300

/* ---- verifying ---- */

/* A fingerprint of RNP's, which is freed. */
static coco_status
take_fingerprint(const struct coco_pgp_ring *ring, rnp_result_t result, char *fingerprint,
                 char ret[COCO_PGP_FINGERPRINT_SIZE], coco_error **err)
{
    if (result != RNP_SUCCESS)
        return coco_rnp_fail(err, result, COCO_ERR_IO, "fingerprint");
    size_t len = strlen(fingerprint);
    if (len < COCO_PGP_FINGERPRINT_SIZE)
        memcpy(ret, fingerprint, len + 1);
    ring->rnp.buffer_destroy(fingerprint);
    return len < COCO_PGP_FINGERPRINT_SIZE ? COCO_OK
                                           : coco_fail(err, COCO_ERR_IO, "fingerprint is too long");
}

/* Whose key it is that signed: of the subkey that may be, and of the key that has signed that. */
static coco_status
name_signer(const struct coco_pgp_key *key, struct coco_pgp_signature *ret, coco_error **err)
{
    const struct coco_rnp *rnp = &key->ring->rnp;
    bool primary = false;
    char *text = NULL;

    rnp_result_t result = rnp->key_get_fprint(key->key, &text);
    coco_status status = take_fingerprint(key->ring, result, text, ret->signer, err);
    if (status != COCO_OK)
        return status;
    result = rnp->key_is_primary(key->key, &primary);
    if (result == RNP_SUCCESS && primary)
        result = rnp->key_get_fprint(key->key, &text);
    else if (result == RNP_SUCCESS)
        result = rnp->key_get_primary_fprint(key->key, &text);
    return take_fingerprint(key->ring, result, text, ret->primary, err);
}

/*
 * Of keys RNP looks at what they were when the message was signed, which its signer says. One that
 * was stolen says what its thief likes.
 */
static coco_status
check_signer(const struct coco_pgp_key *key, uint64_t now, struct coco_pgp_signature *ret,
             coco_error **err)
{
    _cleanup_pgp_key_ struct coco_pgp_key primary = {.ring = key->ring};

    coco_status status = name_signer(key, ret, err);
    if (status != COCO_OK)
        return status;
    rnp_result_t result =
        key->ring->rnp.locate_key(key->ring->ffi, "fingerprint", ret->primary, &primary.key);
    if (result != RNP_SUCCESS)
        return coco_rnp_fail(err, result, COCO_ERR_IO, "key");
    if (!primary.key)
        return coco_fail(err, COCO_ERR_VERIFY, "signature is by a subkey without its key");
    if (!coco_pgp_key_is_usable(key, now) || !coco_pgp_key_is_usable(&primary, now))
        return coco_fail(err, COCO_ERR_VERIFY,
                         "signature is by key %s, which has expired or is revoked", ret->signer);
    /* Those that decrypt or authenticate are often shared, and what they make looks the same. */
    bool signs = false;
    if (key->ring->rnp.key_allows_usage(key->key, "sign", &signs) != RNP_SUCCESS || !signs)
        return coco_fail(err, COCO_ERR_VERIFY, "signature is by key %s, which is not for signing",
                         ret->signer);
    return COCO_OK;
}

/* RNP calls all of that invalid, and whoever has to mend it wants to know which. */
static coco_status
fail_invalid(const struct coco_pgp_ring *ring, rnp_op_verify_signature_t signature, uint64_t now,
             coco_error **err)
{
    static const char *const weak[] = {RNP_ALGNAME_MD5, RNP_ALGNAME_SHA1, RNP_ALGNAME_RIPEMD160};
    _cleanup_pgp_key_ struct coco_pgp_key key = {.ring = ring};
    struct coco_pgp_signature by = {0};
    const char *found = NULL;
    char *hash = NULL;
    coco_status status = COCO_OK;

    if (ring->rnp.op_verify_signature_get_key(signature, &key.key) == RNP_SUCCESS && key.key)
        status = check_signer(&key, now, &by, err);
    if (status != COCO_OK)
        return status;
    if (ring->rnp.op_verify_signature_get_hash(signature, &hash) != RNP_SUCCESS)
        hash = NULL;
    for (size_t i = 0; hash && i < sizeof(weak) / sizeof(weak[0]); i++)
        if (strcmp(hash, weak[i]) == 0)
            found = weak[i];
    if (hash)
        ring->rnp.buffer_destroy(hash);
    return found ? coco_fail(err, COCO_ERR_VERIFY, "signature is over %s, which is weak", found)
                 : coco_fail(err, COCO_ERR_VERIFY, "signature does not hold");
}

static coco_status
check_status(const struct coco_pgp_ring *ring, rnp_op_verify_signature_t signature,
             rnp_result_t result, uint64_t now, coco_error **err)
{
    if (result == RNP_SUCCESS)
        return COCO_OK;
    if (result == RNP_ERROR_KEY_NOT_FOUND)
        return coco_fail(err, COCO_ERR_VERIFY, "signature is by no key that is trusted");
    if (result == RNP_ERROR_SIGNATURE_EXPIRED)
        return coco_fail(err, COCO_ERR_VERIFY, "signature has expired, or is of the future");
    return fail_invalid(ring, signature, now, err);
}

/* The one signature that there has to be. */
static coco_status
check_signature(const struct coco_pgp_ring *ring, rnp_op_verify_t op, uint64_t now,
                struct coco_pgp_signature *ret, coco_error **err)
{
    _cleanup_pgp_key_ struct coco_pgp_key key = {.ring = ring};
    rnp_op_verify_signature_t signature = NULL;
    uint32_t created = 0;
    uint32_t lasts = 0;
    size_t n = 0;

    if (ring->rnp.op_verify_get_signature_count(op, &n) != RNP_SUCCESS || n != 1)
        return coco_fail(err, COCO_ERR_VERIFY, "message has %zu signatures, not one", n);
    rnp_result_t result = ring->rnp.op_verify_get_signature_at(op, 0, &signature);
    if (result == RNP_SUCCESS)
        result = ring->rnp.op_verify_signature_get_status(signature);
    coco_status status = check_status(ring, signature, result, now, err);
    if (status != COCO_OK)
        return status;
    result = ring->rnp.op_verify_signature_get_key(signature, &key.key);
    if (result == RNP_SUCCESS)
        result = ring->rnp.op_verify_signature_get_times(signature, &created, &lasts);
    if (result != RNP_SUCCESS || !key.key)
        return coco_rnp_fail(err, result, COCO_ERR_VERIFY, "signature");
    ret->created = created;
    ret->expires = lasts == 0 ? 0 : (uint64_t)created + lasts;
    return check_signer(&key, now, ret, err);
}

/* RNP's own time is the machine's again afterwards, since keys are used by it as well. */
static coco_status
execute(const struct coco_pgp_ring *ring, rnp_op_verify_t op, uint64_t now,
        struct coco_pgp_signature *ret, coco_error **err)
{
    rnp_result_t result = ring->rnp.op_verify_set_flags(op, RNP_VERIFY_REQUIRE_ALL_SIGS);
    if (result == RNP_SUCCESS)
        result = ring->rnp.set_timestamp(ring->ffi,
                                         (now ? now : (uint64_t)time(NULL)) + CLOCKS_DIFFER_S);
    if (result != RNP_SUCCESS)
        return coco_rnp_fail(err, result, COCO_ERR_IO, "verification");
    result = ring->rnp.op_verify_execute(op);
    (void)ring->rnp.set_timestamp(ring->ffi, 0);
    /* What the output takes has no end that it would tell of otherwise. */
    if (result == RNP_ERROR_OUT_OF_MEMORY || result == RNP_ERROR_WRITE)
        return coco_fail(err, COCO_ERR_LIMIT, "signed message holds more than is read");
    coco_status status = check_signature(ring, op, now, ret, err);
    if (status == COCO_OK && result != RNP_SUCCESS)
        status = coco_fail(err, COCO_ERR_VERIFY, "signature does not hold");
    return status;
}

/* Verifies what is a message without armor. */
static coco_status
verify(const struct coco_pgp_ring *ring, const struct coco_reader *message, uint64_t now,
       struct coco_buf *payload, struct coco_pgp_signature *ret, coco_error **err)
{
    _cleanup_pgp_input_ struct coco_pgp_input input = {0};
    _cleanup_pgp_output_ struct coco_pgp_output output = {0};
    struct coco_pgp_signature signature = {0};
    rnp_op_verify_t op = NULL;
    const uint8_t *data = NULL;
    size_t len = 0;

    /* A limit of none would be no limit. */
    size_t room = payload->limit - payload->len;
    if (room == 0)
        return coco_fail(err, COCO_ERR_LIMIT, "signed message holds more than is read");
    coco_status status =
        coco_pgp_open(ring, message->data, message->len, room, &input, &output, err);
    if (status != COCO_OK)
        return status;
    rnp_result_t result = ring->rnp.op_verify_create(&op, ring->ffi, input.input, output.output);
    if (result != RNP_SUCCESS)
        return coco_rnp_fail(err, result, COCO_ERR_IO, "verification");
    status = execute(ring, op, now, &signature, err);
    (void)ring->rnp.op_verify_destroy(op);
    if (status == COCO_OK)
        status = coco_pgp_output_get(&output, &data, &len, err);
    if (status == COCO_OK)
        status = coco_buf_append(payload, data, len, err);
    if (status == COCO_OK)
        *ret = signature;
    return status;
}

coco_status
coco_pgp_verify(const struct coco_pgp_ring *ring, const void *message, size_t len, uint64_t now,
                struct coco_buf *payload, struct coco_pgp_signature *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf dearmored = {.limit = COCO_PGP_MESSAGE_MAX};
    struct coco_reader packets;

    coco_status status = coco_pgp_dearmor(ring, message, len, &dearmored, &packets, err);
    if (status != COCO_OK)
        return status;
    if (!coco_pgp_frame_is_signed(packets))
        return coco_fail(err, COCO_ERR_PROTO, "not a message of OpenPGP that is signed in itself");
    return verify(ring, &packets, now, payload, ret, err);
}

/* ---- signing ---- */

/* The one secret key that is meant. */
struct search {
    const char *who; /* NULL for any */
    struct coco_pgp_key found;
    size_t n;
};

static coco_status
look_at(void *self, const struct coco_pgp_key *key, coco_error **err)
{
    struct search *search = self;
    const struct coco_pgp_ring *ring = key->ring;
    char *fingerprint = NULL;
    bool secret = false;

    if (ring->rnp.key_have_secret(key->key, &secret) != RNP_SUCCESS || !secret
        || (search->who && !coco_pgp_key_is(key, search->who)))
        return COCO_OK;
    if (search->n++ > 0)
        return COCO_OK;
    search->found.ring = ring;
    rnp_result_t result = ring->rnp.key_get_fprint(key->key, &fingerprint);
    if (result == RNP_SUCCESS) {
        result = ring->rnp.locate_key(ring->ffi, "fingerprint", fingerprint, &search->found.key);
        ring->rnp.buffer_destroy(fingerprint);
    }
    return result == RNP_SUCCESS ? COCO_OK : coco_rnp_fail(err, result, COCO_ERR_IO, "key");
}

static bool
may_sign(const struct coco_pgp_key *primary, uint32_t which, struct coco_pgp_key *ret)
{
    const struct coco_rnp *rnp = &primary->ring->rnp;
    bool secret = false;

    coco_pgp_key_done(ret);
    ret->ring = primary->ring;
    return rnp->key_get_default_key(primary->key, "sign", which, &ret->key) == RNP_SUCCESS
           && ret->key && coco_pgp_key_is_usable(ret, 0)
           && rnp->key_have_secret(ret->key, &secret) == RNP_SUCCESS && secret;
}

/* The key that signs for who: a subkey that is there for that, as gpg has it, or the key itself. */
static coco_status
find_signer(const struct coco_pgp_ring *ring, const char *who, struct coco_pgp_key *ret,
            coco_error **err)
{
    struct search search = {.who = who};

    coco_status status = coco_pgp_each(ring, look_at, &search, err);
    if (status == COCO_OK && search.n == 0)
        status = coco_fail(err, COCO_ERR_NOTFOUND, "no secret key of OpenPGP%s%s",
                           who ? " of " : "", who ? who : "");
    if (status == COCO_OK && search.n > 1)
        status =
            coco_fail(err, COCO_ERR_INVALID, "%zu secret keys of OpenPGP could sign", search.n);
    if (status == COCO_OK
        && (!coco_pgp_key_is_usable(&search.found, 0)
            || (!may_sign(&search.found, RNP_KEY_SUBKEYS_ONLY, ret)
                && !may_sign(&search.found, 0, ret))))
        status = coco_fail(err, COCO_ERR_DENIED,
                           "the key cannot sign: it has expired, is revoked, or is not for that");
    coco_pgp_key_done(&search.found);
    return status;
}

/* One attempt, with the password that the ring tries. */
static rnp_result_t
sign(const struct coco_pgp_key *key, const struct coco_pgp_input *input,
     const struct coco_pgp_output *output)
{
    const struct coco_rnp *rnp = &key->ring->rnp;
    rnp_op_sign_t op = NULL;

    rnp_result_t result = rnp->op_sign_create(&op, key->ring->ffi, input->input, output->output);
    if (result == RNP_SUCCESS)
        result = rnp->op_sign_set_compression(op, "Uncompressed", 0);
    if (result == RNP_SUCCESS)
        result = rnp->op_sign_set_hash(op, RNP_ALGNAME_SHA256);
    if (result == RNP_SUCCESS)
        result = rnp->op_sign_add_signature(op, key->key, NULL);
    if (result == RNP_SUCCESS)
        result = rnp->op_sign_execute(op);
    if (op)
        (void)rnp->op_sign_destroy(op);
    return result;
}

struct signing {
    const struct coco_pgp_key *key;
    const void *data;
    size_t len;
    struct coco_buf *message;
};

static coco_status
attempt(void *self, coco_error **err)
{
    const struct signing *s = self;
    _cleanup_pgp_input_ struct coco_pgp_input input = {0};
    _cleanup_pgp_output_ struct coco_pgp_output output = {0};
    const uint8_t *made = NULL;
    size_t len = 0;

    coco_status status =
        coco_pgp_open(s->key->ring, s->data, s->len, s->len + SIGNATURE_ROOM, &input, &output, err);
    if (status != COCO_OK)
        return status;
    rnp_result_t result = sign(s->key, &input, &output);
    if (result == RNP_ERROR_OUT_OF_MEMORY)
        return coco_fail_nomem(err);
    if (result != RNP_SUCCESS)
        return coco_fail(err, COCO_ERR_DENIED, "no password at hand opens the key");
    status = coco_pgp_output_get(&output, &made, &len, err);
    if (status == COCO_OK)
        status = coco_buf_append(s->message, made, len, err);
    return status;
}

coco_status
coco_pgp_sign(struct coco_pgp_ring *ring, const char *who, const void *data, size_t len,
              struct coco_buf *message, coco_error **err)
{
    _cleanup_pgp_key_ struct coco_pgp_key key = {.ring = ring};
    struct signing signing = {.key = &key, .data = data, .len = len, .message = message};

    if (len > COCO_PGP_MESSAGE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %zu bytes to sign", COCO_PGP_MESSAGE_MAX);
    coco_status status = find_signer(ring, who, &key, err);
    if (status == COCO_OK)
        status = coco_pgp_try(ring, attempt, &signing, COCO_ERR_DENIED, err);
    return status;
}
