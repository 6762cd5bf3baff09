/*
 * crypto/openpgp.c - keys of OpenPGP (RFC 4880), by RNP
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/openpgp_rnp.h"

#include "base/fail.h"
#include "base/json.h"

#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>
#include <time.h>

coco_status
coco_rnp_fail(coco_error **err, rnp_result_t result, coco_status status, const char *what)
{
    if (result == RNP_ERROR_OUT_OF_MEMORY)
        return coco_fail_nomem(err);
    return coco_fail(err, status, "%s: RNP says 0x%08x", what, (unsigned)result);
}

/* ---- handles ---- */

void
coco_pgp_key_done(struct coco_pgp_key *key)
{
    if (key->key)
        (void)key->ring->rnp.key_handle_destroy(key->key);
    key->key = NULL;
}

void
coco_pgp_input_done(struct coco_pgp_input *input)
{
    if (input->input)
        (void)input->ring->rnp.input_destroy(input->input);
}

/* What was opened may be a key. */
void
coco_pgp_output_done(struct coco_pgp_output *output)
{
    uint8_t *data = NULL;
    size_t len = 0;

    if (!output->output)
        return;
    const struct coco_rnp *rnp = &output->ring->rnp;
    if (rnp->output_memory_get_buf(output->output, &data, &len, false) == RNP_SUCCESS && data)
        OPENSSL_cleanse(data, len);
    (void)rnp->output_destroy(output->output);
}

coco_status
coco_pgp_open(const struct coco_pgp_ring *ring, const void *data, size_t len, size_t max,
              struct coco_pgp_input *input, struct coco_pgp_output *output, coco_error **err)
{
    if (len == 0)
        return coco_fail(err, COCO_ERR_INVALID, "nothing to make a message of");
    input->ring = ring;
    output->ring = ring;
    if (ring->rnp.input_from_memory(&input->input, data, len, false) != RNP_SUCCESS
        || ring->rnp.output_to_memory(&output->output, max) != RNP_SUCCESS)
        return coco_fail_nomem(err);
    return COCO_OK;
}

coco_status
coco_pgp_output_get(const struct coco_pgp_output *output, const uint8_t **data, size_t *len,
                    coco_error **err)
{
    uint8_t *lent = NULL;

    rnp_result_t result =
        output->ring->rnp.output_memory_get_buf(output->output, &lent, len, false);
    if (result != RNP_SUCCESS)
        return coco_rnp_fail(err, result, COCO_ERR_IO, "result");
    *data = lent;
    return COCO_OK;
}

/* Binary packets have their first bit set (section 4.2), which no armor has. */
coco_status
coco_pgp_dearmor(const struct coco_pgp_ring *ring, const void *message, size_t len,
                 struct coco_buf *dearmored, struct coco_reader *ret, coco_error **err)
{
    _cleanup_pgp_input_ struct coco_pgp_input input = {0};
    _cleanup_pgp_output_ struct coco_pgp_output output = {0};
    const uint8_t *data = message;

    if (len > COCO_PGP_MESSAGE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "OpenPGP message of more than %zu bytes",
                         COCO_PGP_MESSAGE_MAX);
    *ret = coco_reader_of(message, len);
    if (len == 0 || (data[0] & 0x80) != 0)
        return COCO_OK;
    coco_status status =
        coco_pgp_open(ring, message, len, COCO_PGP_MESSAGE_MAX, &input, &output, err);
    if (status != COCO_OK)
        return status;
    if (ring->rnp.dearmor(input.input, output.output) != RNP_SUCCESS)
        return coco_fail(err, COCO_ERR_PROTO, "not a message of OpenPGP");
    status = coco_pgp_output_get(&output, &data, &len, err);
    if (status == COCO_OK)
        status = coco_buf_append(dearmored, data, len, err);
    if (status == COCO_OK)
        *ret = coco_reader_of(dearmored->data, dearmored->len);
    return status;
}

/* ---- rings ---- */

/*
 * Messages to a password are none of ours (rnp_password_cb: "decrypt (symmetric)").
 */
static bool
give_password(rnp_ffi_t ffi, void *self, rnp_key_handle_t key, const char *context, char *buf,
              size_t size)
{
    const struct coco_pgp_ring *ring = self;

    (void)ffi;
    if (!key || !ring->password || ring->password->len >= size || strstr(context, "symmetric"))
        return false;
    memcpy(buf, ring->password->data, ring->password->len);
    buf[ring->password->len] = '\0';
    return true;
}

/*
 * What is weak is so whenever it was made: of data that is signed it is today that counts. Of keys
 * RNP has a date for each digest, since old ones may sign still.
 */
static bool
forbid(const struct coco_pgp_ring *ring, const char *digest)
{
    return ring->rnp.add_security_rule(ring->ffi, RNP_FEATURE_HASH_ALG, digest,
                                       RNP_SECURITY_OVERRIDE | RNP_SECURITY_VERIFY_DATA, 0,
                                       RNP_SECURITY_PROHIBITED)
           == RNP_SUCCESS;
}

coco_status
coco_pgp_ring_new(struct coco_pgp_ring **ret, coco_error **err)
{
    _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *ring = calloc(1, sizeof(*ring));

    if (!ring)
        return coco_fail_nomem(err);
    coco_status status = coco_rnp_load(&ring->rnp, err);
    if (status != COCO_OK)
        return status;
    rnp_result_t result = ring->rnp.ffi_create(&ring->ffi, RNP_KEYSTORE_GPG, RNP_KEYSTORE_GPG);
    if (result == RNP_SUCCESS)
        result = ring->rnp.ffi_set_pass_provider(ring->ffi, give_password, ring);
    if (result != RNP_SUCCESS)
        return coco_rnp_fail(err, result, COCO_ERR_IO, "OpenPGP");
    if (!forbid(ring, RNP_ALGNAME_MD5) || !forbid(ring, RNP_ALGNAME_SHA1)
        || !forbid(ring, RNP_ALGNAME_RIPEMD160))
        return coco_fail(err, COCO_ERR_NOTSUP, "RNP does not know what to forbid");
    *ret = coco_steal(&ring);
    return COCO_OK;
}

void
coco_pgp_ring_free(struct coco_pgp_ring *ring)
{
    if (!ring)
        return;
    if (ring->ffi)
        (void)ring->rnp.ffi_destroy(ring->ffi);
    for (size_t i = 0; i < ring->n_passwords; i++)
        coco_secret_done(&ring->passwords[i]);
    free(ring);
}

/* Whether RNP's list of what it has taken holds anything. */
static coco_status
check_imported(const char *json, coco_error **err)
{
    _cleanup_json_ cJSON *list = NULL;
    const cJSON *keys = NULL;

    coco_status status = coco_json_parse_object(json, strlen(json), &list, err);
    if (status == COCO_OK)
        status = coco_json_get_array(list, "keys", &keys, err);
    if (status == COCO_OK && cJSON_GetArraySize(keys) == 0)
        status = coco_fail(err, COCO_ERR_PROTO, "no keys of OpenPGP");
    return status;
}

coco_status
coco_pgp_ring_add(struct coco_pgp_ring *ring, const void *keys, size_t len, coco_error **err)
{
    _cleanup_pgp_input_ struct coco_pgp_input input = {.ring = ring};
    char *imported = NULL;

    if (len > COCO_PGP_KEYS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "keys of OpenPGP of more than %zu bytes",
                         COCO_PGP_KEYS_MAX);
    if (len == 0)
        return coco_fail(err, COCO_ERR_PROTO, "no keys of OpenPGP");
    if (ring->rnp.input_from_memory(&input.input, keys, len, false) != RNP_SUCCESS)
        return coco_fail_nomem(err);
    rnp_result_t result = ring->rnp.import_keys(
        ring->ffi, input.input,
        RNP_LOAD_SAVE_PUBLIC_KEYS | RNP_LOAD_SAVE_SECRET_KEYS | RNP_LOAD_SAVE_PERMISSIVE,
        &imported);
    if (result == RNP_ERROR_OUT_OF_MEMORY)
        return coco_fail_nomem(err);
    if (result != RNP_SUCCESS)
        return coco_fail(err, COCO_ERR_PROTO, "no keys of OpenPGP");
    coco_status status = check_imported(imported, err);
    ring->rnp.buffer_destroy(imported);
    return status;
}

coco_status
coco_pgp_ring_add_password(struct coco_pgp_ring *ring, const void *password, size_t len,
                           coco_error **err)
{
    if (ring->n_passwords == COCO_PGP_PASSWORDS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d passwords", COCO_PGP_PASSWORDS_MAX);
    if (len > COCO_PGP_PASSWORD_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "password of more than %zu bytes",
                         COCO_PGP_PASSWORD_MAX);
    if (memchr(password, '\0', len))
        return coco_fail(err, COCO_ERR_INVALID, "password has a NUL in it");
    coco_status status = coco_secret_copy(password, len, &ring->passwords[ring->n_passwords], err);
    if (status == COCO_OK)
        ring->n_passwords++;
    return status;
}

coco_status
coco_pgp_try(struct coco_pgp_ring *ring, coco_status (*attempt)(void *self, coco_error **err),
             void *self, coco_status again, coco_error **err)
{
    coco_error *why = NULL;
    coco_status status = attempt(self, &why);

    for (size_t i = 0; i < ring->n_passwords && status == again; i++) {
        coco_error_free(why);
        why = NULL;
        ring->password = &ring->passwords[i];
        status = attempt(self, &why);
    }
    ring->password = NULL;
    if (status != COCO_OK)
        coco_error_give(err, why);
    return status;
}

/* ---- keys ---- */

static coco_status
visit(const struct coco_pgp_ring *ring, const char *fingerprint, coco_pgp_each_key *each,
      void *self, coco_error **err)
{
    _cleanup_pgp_key_ struct coco_pgp_key key = {.ring = ring};
    bool primary = false;

    rnp_result_t result = ring->rnp.locate_key(ring->ffi, "fingerprint", fingerprint, &key.key);
    if (result != RNP_SUCCESS)
        return coco_rnp_fail(err, result, COCO_ERR_IO, "key");
    if (!key.key || ring->rnp.key_is_primary(key.key, &primary) != RNP_SUCCESS || !primary)
        return COCO_OK;
    return each(self, &key, err);
}

coco_status
coco_pgp_each(const struct coco_pgp_ring *ring, coco_pgp_each_key *each, void *self,
              coco_error **err)
{
    rnp_identifier_iterator_t it = NULL;
    const char *fingerprint = NULL;
    coco_status status = COCO_OK;

    rnp_result_t result = ring->rnp.identifier_iterator_create(ring->ffi, &it, "fingerprint");
    while (result == RNP_SUCCESS && status == COCO_OK) {
        result = ring->rnp.identifier_iterator_next(it, &fingerprint);
        if (result != RNP_SUCCESS || !fingerprint)
            break;
        status = visit(ring, fingerprint, each, self, err);
    }
    if (it)
        (void)ring->rnp.identifier_iterator_destroy(it);
    if (status == COCO_OK && result != RNP_SUCCESS && result != RNP_ERROR_EOF)
        status = coco_rnp_fail(err, result, COCO_ERR_IO, "keys");
    return status;
}

static coco_status
count(void *self, const struct coco_pgp_key *key, coco_error **err)
{
    struct coco_pgp_count *total = self;
    bool secret = false;

    (void)err;
    (void)key->ring->rnp.key_have_secret(key->key, &secret);
    total->keys++;
    total->secret += secret ? 1 : 0;
    return COCO_OK;
}

coco_status
coco_pgp_ring_count(const struct coco_pgp_ring *ring, struct coco_pgp_count *ret, coco_error **err)
{
    *ret = (struct coco_pgp_count){0};
    return coco_pgp_each(ring, count, ret, err);
}

bool
coco_pgp_ring_has(const struct coco_pgp_ring *ring, const char *fingerprint)
{
    _cleanup_pgp_key_ struct coco_pgp_key key = {.ring = ring};
    bool primary = false;

    return ring->rnp.locate_key(ring->ffi, "fingerprint", fingerprint, &key.key) == RNP_SUCCESS
           && key.key && ring->rnp.key_is_primary(key.key, &primary) == RNP_SUCCESS && primary;
}

/* Whether the len bytes of text, without blanks at their end, are who. */
static bool
part_is(const char *text, size_t len, const char *who)
{
    while (len > 0 && text[len - 1] == ' ')
        len--;
    return len == strlen(who) && memcmp(text, who, len) == 0;
}

/*
 * "Name (comment) <address>", or an address alone, as they are by custom and as ocicrypt reads
 * them: the address or the name, exactly.
 */
static bool
user_id_is(const char *id, const char *who)
{
    size_t len = strlen(id);
    const char *open = strrchr(id, '<');
    const char *comment = strchr(id, '(');

    if (!open || len == 0 || id[len - 1] != '>')
        return part_is(id, len, who);
    if (part_is(open + 1, (size_t)(id + len - 1 - (open + 1)), who))
        return true;
    return part_is(id, (size_t)(open - id), who)
           || (comment && comment < open && part_is(id, (size_t)(comment - id), who));
}

/* Whether one user ID, which the key has signed, is who. */
static bool
has_user_id(const struct coco_pgp_key *key, size_t i, const char *who)
{
    const struct coco_rnp *rnp = &key->ring->rnp;
    rnp_uid_handle_t uid = NULL;
    char *text = NULL;
    bool valid = false;

    if (rnp->key_get_uid_handle_at(key->key, i, &uid) == RNP_SUCCESS)
        valid = rnp->uid_is_valid(uid, &valid) == RNP_SUCCESS && valid;
    if (uid)
        (void)rnp->uid_handle_destroy(uid);
    if (!valid || rnp->key_get_uid_at(key->key, i, &text) != RNP_SUCCESS)
        return false;
    bool is = user_id_is(text, who);
    rnp->buffer_destroy(text);
    return is;
}

bool
coco_pgp_key_is(const struct coco_pgp_key *key, const char *who)
{
    const struct coco_rnp *rnp = &key->ring->rnp;
    char *fingerprint = NULL;
    size_t n = 0;

    if (who[0] == '\0')
        return false;
    if (rnp->key_get_fprint(key->key, &fingerprint) == RNP_SUCCESS) {
        bool is = strcasecmp(fingerprint, who) == 0;

        rnp->buffer_destroy(fingerprint);
        if (is)
            return true;
    }
    if (rnp->key_get_uid_count(key->key, &n) != RNP_SUCCESS)
        return false;
    for (size_t i = 0; i < n; i++)
        if (has_user_id(key, i, who))
            return true;
    return false;
}

bool
coco_pgp_key_is_usable(const struct coco_pgp_key *key, uint64_t now)
{
    const struct coco_rnp *rnp = &key->ring->rnp;
    uint64_t until = 0;
    bool revoked = true;

    return rnp->key_valid_till64(key->key, &until) == RNP_SUCCESS
           && rnp->key_is_revoked(key->key, &revoked) == RNP_SUCCESS && !revoked
           && until > (now > 0 ? now : (uint64_t)time(NULL));
}
