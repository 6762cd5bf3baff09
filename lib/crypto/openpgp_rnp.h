/*
 * crypto/openpgp_rnp.h - the inside of crypto/openpgp.h: RNP, and a ring of keys in it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_OPENPGP_RNP_H
#define COCO_CRYPTO_OPENPGP_RNP_H

#include "base/reader.h"
#include "crypto/openpgp.h"

#include <rnp/rnp.h>
#include <rnp/rnp_err.h>

#define COCO_PGP_PASSWORDS_MAX 16

/* All functions of RNP's that are called; each is a member of struct coco_rnp. */
#define COCO_RNP_FUNCTIONS(F)                                                                      \
    F(add_security_rule)                                                                           \
    F(buffer_destroy)                                                                              \
    F(dearmor)                                                                                     \
    F(ffi_create)                                                                                  \
    F(ffi_destroy)                                                                                 \
    F(ffi_set_pass_provider)                                                                       \
    F(identifier_iterator_create)                                                                  \
    F(identifier_iterator_destroy)                                                                 \
    F(identifier_iterator_next)                                                                    \
    F(import_keys)                                                                                 \
    F(input_destroy)                                                                               \
    F(input_from_memory)                                                                           \
    F(key_allows_usage)                                                                            \
    F(key_get_default_key)                                                                         \
    F(key_get_fprint)                                                                              \
    F(key_get_primary_fprint)                                                                      \
    F(key_get_uid_at)                                                                              \
    F(key_get_uid_count)                                                                           \
    F(key_get_uid_handle_at)                                                                       \
    F(key_handle_destroy)                                                                          \
    F(key_have_secret)                                                                             \
    F(key_is_primary)                                                                              \
    F(key_is_revoked)                                                                              \
    F(key_valid_till64)                                                                            \
    F(locate_key)                                                                                  \
    F(op_encrypt_add_recipient)                                                                    \
    F(op_encrypt_create)                                                                           \
    F(op_encrypt_destroy)                                                                          \
    F(op_encrypt_execute)                                                                          \
    F(op_encrypt_set_cipher)                                                                       \
    F(op_encrypt_set_compression)                                                                  \
    F(op_sign_add_signature)                                                                       \
    F(op_sign_create)                                                                              \
    F(op_sign_destroy)                                                                             \
    F(op_sign_execute)                                                                             \
    F(op_sign_set_compression)                                                                     \
    F(op_sign_set_hash)                                                                            \
    F(op_verify_create)                                                                            \
    F(op_verify_destroy)                                                                           \
    F(op_verify_execute)                                                                           \
    F(op_verify_get_protection_info)                                                               \
    F(op_verify_get_signature_at)                                                                  \
    F(op_verify_get_signature_count)                                                               \
    F(op_verify_set_flags)                                                                         \
    F(op_verify_signature_get_hash)                                                                \
    F(op_verify_signature_get_key)                                                                 \
    F(op_verify_signature_get_status)                                                              \
    F(op_verify_signature_get_times)                                                               \
    F(output_destroy)                                                                              \
    F(output_memory_get_buf)                                                                       \
    F(output_to_memory)                                                                            \
    F(set_timestamp)                                                                               \
    F(uid_handle_destroy)                                                                          \
    F(uid_is_valid)

/* NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration has none */
#define COCO_RNP_MEMBER(name) __typeof__(&rnp_##name) name;

struct coco_rnp {
    COCO_RNP_FUNCTIONS(COCO_RNP_MEMBER)
};

/* COCO_ERR_NOTSUP without the library, or with one that lacks something. */
coco_status coco_rnp_load(struct coco_rnp *ret, coco_error **err);

/* Handles of RNP's go with the functions that free them. */
struct coco_pgp_ring {
    struct coco_rnp rnp;
    rnp_ffi_t ffi;
    struct coco_secret passwords[COCO_PGP_PASSWORDS_MAX];
    size_t n_passwords;
    const struct coco_secret *password; /* that is tried now, or NULL */
};

/* A handle of a key, an input or an output, with the ring whose functions free it. */
struct coco_pgp_key {
    const struct coco_pgp_ring *ring;
    rnp_key_handle_t key;
};

struct coco_pgp_input {
    const struct coco_pgp_ring *ring;
    rnp_input_t input;
};

struct coco_pgp_output {
    const struct coco_pgp_ring *ring;
    rnp_output_t output;
};

void coco_pgp_key_done(struct coco_pgp_key *key);
void coco_pgp_input_done(struct coco_pgp_input *input);
void coco_pgp_output_done(struct coco_pgp_output *output);
#define _cleanup_pgp_key_ _cleanup_(coco_pgp_key_done)
#define _cleanup_pgp_input_ _cleanup_(coco_pgp_input_done)
#define _cleanup_pgp_output_ _cleanup_(coco_pgp_output_done)

/* An input of data, which is lent, and an output for it of up to max bytes. */
coco_status coco_pgp_open(const struct coco_pgp_ring *ring, const void *data, size_t len,
                          size_t max, struct coco_pgp_input *input, struct coco_pgp_output *output,
                          coco_error **err);

/* What is in an output, lent by it. */
coco_status coco_pgp_output_get(const struct coco_pgp_output *output, const uint8_t **data,
                                size_t *len, coco_error **err);

/* A message without its armor, if it had one: what is lent by it or by *dearmored. */
coco_status coco_pgp_dearmor(const struct coco_pgp_ring *ring, const void *message, size_t len,
                             struct coco_buf *dearmored, struct coco_reader *ret, coco_error **err);

/* Calls each with every primary key of the ring; a failure of it ends that. */
typedef coco_status coco_pgp_each_key(void *self, const struct coco_pgp_key *key, coco_error **err);
coco_status coco_pgp_each(const struct coco_pgp_ring *ring, coco_pgp_each_key *each, void *self,
                          coco_error **err);

/* Whether a primary key has this fingerprint, or a valid user ID with this e-mail or name. */
bool coco_pgp_key_is(const struct coco_pgp_key *key, const char *who);
/* Whether the key has not expired, nor been revoked, as of now; 0 is the system's time. */
bool coco_pgp_key_is_usable(const struct coco_pgp_key *key, uint64_t now);

/*
 * Calls attempt without a password and then with each of the ring's, until it does not fail with
 * again; what it failed with last is told.
 */
coco_status coco_pgp_try(struct coco_pgp_ring *ring,
                         coco_status (*attempt)(void *self, coco_error **err), void *self,
                         coco_status again, coco_error **err);

/* Out of memory is that; all else is told as what it was about. */
coco_status coco_rnp_fail(coco_error **err, rnp_result_t result, coco_status status,
                          const char *what);

#endif
