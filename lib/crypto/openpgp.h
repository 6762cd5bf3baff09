/*
 * crypto/openpgp.h - keys and messages of OpenPGP (RFC 4880), by RNP
 *
 * RNP is loaded when the first ring is made. Without it, or in a build without its header, that is
 * COCO_ERR_NOTSUP, and there is nothing that the other functions could be called with.
 *
 * There are no messages of nothing: to make one is COCO_ERR_INVALID.
 *
 * Some builds of RNP, Debian's among them, write to stderr what they find wrong with a message or a
 * key; nobody can have them not do that.
 *
 * A ring belongs to one thread at a time, whatever it is used for.
 *
 * Fingerprints are hex in upper case, as gpg prints them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_OPENPGP_H
#define COCO_CRYPTO_OPENPGP_H

#include "base/secret.h"

#include <stdbool.h>
#include <stdint.h>

/* What is added to a ring at once, and what is read as a message. */
#define COCO_PGP_KEYS_MAX ((size_t)4 << 20)
#define COCO_PGP_MESSAGE_MAX ((size_t)4 << 20)
#define COCO_PGP_PASSWORD_MAX ((size_t)255)
#define COCO_PGP_RECIPIENTS_MAX 16
/* 32 bytes in versions to come, as hex, and a NUL. */
#define COCO_PGP_FINGERPRINT_SIZE 65

/* Keys, public and secret ones. */
struct coco_pgp_ring;

coco_status coco_pgp_ring_new(struct coco_pgp_ring **ret, coco_error **err);
void coco_pgp_ring_free(struct coco_pgp_ring *ring);
COCO_DEFINE_CLEANUP(struct coco_pgp_ring *, coco_pgp_ring_free);

/*
 * Adds the keys of a keyring or of an export, binary or armored; what is there already becomes
 * more complete. Of keys of kinds that RNP does not know it takes none. COCO_ERR_PROTO where there
 * is none at all, COCO_ERR_LIMIT for more than 4 MiB.
 */
coco_status coco_pgp_ring_add(struct coco_pgp_ring *ring, const void *keys, size_t len,
                              coco_error **err);

/*
 * A password that protected secret keys are tried with; copied. COCO_ERR_LIMIT for the 17th of a
 * ring and for more than 255 bytes, COCO_ERR_INVALID for one with a NUL.
 */
coco_status coco_pgp_ring_add_password(struct coco_pgp_ring *ring, const void *password, size_t len,
                                       coco_error **err);

/* How many primary keys the ring has, and how many of them with their secret part. */
struct coco_pgp_count {
    size_t keys;
    size_t secret;
};

coco_status coco_pgp_ring_count(const struct coco_pgp_ring *ring, struct coco_pgp_count *ret,
                                coco_error **err);

/* Whether a primary key of this fingerprint is in the ring. */
bool coco_pgp_ring_has(const struct coco_pgp_ring *ring, const char *fingerprint);

/* Who signed a message, and when. */
struct coco_pgp_signature {
    char primary[COCO_PGP_FINGERPRINT_SIZE]; /* of the primary key, which stands for its owner */
    char signer[COCO_PGP_FINGERPRINT_SIZE];  /* of the key that signed: the same, or a subkey */
    uint64_t created;                        /* Unix time */
    uint64_t expires;                        /* Unix time; 0 for never */
};

/*
 * Verifies a message that is signed within itself, binary or armored, as `gpg --sign` makes it, and
 * appends what was signed to payload, whose limit bounds it. now is a Unix time, 0 for the
 * system's.
 *
 * COCO_ERR_PROTO for what is no such message: one that is not signed, that is encrypted, signed in
 * clear text, a signature that was detached, with anything before or after it; COCO_ERR_VERIFY for
 * other than one signature, one that does not hold, is not by a key of the ring, has expired or is
 * of the future by more than five minutes, made by a key that is expired or revoked now or is not
 * for signing, or over a digest that is weak (MD5, SHA-1, RIPEMD-160). COCO_ERR_LIMIT for more than
 * 4 MiB, and for what becomes more than payload takes. Whatever fails leaves payload as it was.
 */
coco_status coco_pgp_verify(const struct coco_pgp_ring *ring, const void *message, size_t len,
                            uint64_t now, struct coco_buf *payload, struct coco_pgp_signature *ret,
                            coco_error **err);

/*
 * Appends data as a binary message that is signed within itself, over SHA-256 or better and without
 * compression, by the secret key who: a fingerprint, an e-mail address or a name; NULL for the only
 * one there is. COCO_ERR_NOTFOUND without such a key, COCO_ERR_INVALID for several,
 * COCO_ERR_DENIED where it has expired, is revoked, or no password opens it.
 */
coco_status coco_pgp_sign(struct coco_pgp_ring *ring, const char *who, const void *data, size_t len,
                          struct coco_buf *message, coco_error **err);

/*
 * Appends data as a binary message for the n keys who, each a fingerprint, an e-mail address or a
 * name, and every key that has it: AES-256, with a code against changes, not compressed.
 * COCO_ERR_NOTFOUND for one that no key has, COCO_ERR_DENIED for a key that has expired, is revoked
 * or cannot be encrypted to, COCO_ERR_INVALID for none and for more than 16 keys.
 */
coco_status coco_pgp_encrypt(const struct coco_pgp_ring *ring, const char *const *who, size_t n,
                             const void *data, size_t len, struct coco_buf *message,
                             coco_error **err);

/* Whether coco_pgp_encrypt() finds keys for who, and why not. */
coco_status coco_pgp_check_recipient(const struct coco_pgp_ring *ring, const char *who,
                                     coco_error **err);

/*
 * Opens a message with a secret key of the ring; of signatures inside nothing is said. What does
 * not open, whatever the reason, is COCO_ERR_VERIFY "cannot decrypt with this key": a message for
 * others or for whom it does not say, one that was changed, one without a code against changes, one
 * that is not encrypted.
 */
coco_status coco_pgp_decrypt(struct coco_pgp_ring *ring, const void *message, size_t len,
                             struct coco_secret *ret, coco_error **err);

#endif
