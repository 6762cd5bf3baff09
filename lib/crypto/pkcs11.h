/*
 * crypto/pkcs11.h - a token of PKCS#11: keys that stay in it, and data
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_PKCS11_H
#define COCO_CRYPTO_PKCS11_H

#include "base/cleanup.h"
#include "base/secret.h"
#include "crypto/key.h"
#include "crypto/pkcs11_uri.h"

#include <p11-kit/pkcs11.h>

#define COCO_PKCS11_LABEL_MAX 1024

/*
 * One token, with whoever has its PIN logged in. Any number of threads may use it.
 *
 * Its module is code that is loaded, and stays loaded and initialized: another user of it
 * in this process would notice if it went.
 */
struct coco_pkcs11 {
    CK_FUNCTION_LIST *functions;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session; /* that keeps the login; each use has one of its own */
};

/*
 * COCO_ERR_NOTFOUND for a module or a token that is not there, COCO_ERR_INVALID if several
 * tokens are meant, COCO_ERR_DENIED for a wrong PIN.
 */
coco_status coco_pkcs11_open(const struct coco_pkcs11_uri *uri, struct coco_pkcs11 *ret,
                             coco_error **err);
/* The same for the token that is in the slot of this index, of those with a token. */
coco_status coco_pkcs11_open_slot(const char *module, uint64_t index, const struct coco_secret *pin,
                                  struct coco_pkcs11 *ret, coco_error **err);
/* The same as the first with this PIN, whose length may be 0 for none. */
coco_status coco_pkcs11_open_with(const struct coco_pkcs11_uri *uri, const char *pin, size_t len,
                                  struct coco_pkcs11 *ret, coco_error **err);
void coco_pkcs11_close(struct coco_pkcs11 *token);

/* How an object is found: by its label, its id, or both. */
struct coco_pkcs11_object {
    const char *label; /* NULL or "" for any */
    const uint8_t *id;
    size_t id_len; /* 0 for any */
};

/* The token of a key's URI with its PIN, from a file or in it, and which object the key is; lent by
 * uri. */
coco_status coco_pkcs11_open_key(const struct coco_pkcs11_key_uri *uri, struct coco_pkcs11 *ret,
                                 struct coco_pkcs11_object *key, coco_error **err);

/* The value of the data object label; COCO_ERR_NOTFOUND. */
coco_status coco_pkcs11_read(const struct coco_pkcs11 *token, const char *label,
                             struct coco_secret *ret, coco_error **err);

/*
 * Appends data, encrypted by the AES key label: IV, ciphertext and tag of AES-GCM.
 * COCO_ERR_NOTFOUND without such a key.
 */
coco_status coco_pkcs11_wrap(const struct coco_pkcs11 *token, const char *label, const void *data,
                             size_t len, struct coco_buf *buf, coco_error **err);

/* COCO_ERR_VERIFY for what the key label has not encrypted. */
coco_status coco_pkcs11_unwrap(const struct coco_pkcs11 *token, const char *label, const void *data,
                               size_t len, struct coco_secret *ret, coco_error **err);

/* ---- secrets (pkcs11_secret.c) ---- */

/*
 * The value of the secret key label, of whatever kind; COCO_ERR_DENIED if the token does not
 * give it, as it does none of keys that are sensitive.
 */
coco_status coco_pkcs11_secret_get(const struct coco_pkcs11 *token, const char *label,
                                   struct coco_secret *ret, coco_error **err);
/* Makes a generic secret that lasts, instead of all of this label that there were. */
coco_status coco_pkcs11_secret_put(const struct coco_pkcs11 *token, const char *label,
                                   const void *data, size_t len, coco_error **err);
/* Destroys all of this label; COCO_ERR_NOTFOUND. */
coco_status coco_pkcs11_secret_delete(const struct coco_pkcs11 *token, const char *label,
                                      coco_error **err);

/* ---- RSA (pkcs11_rsa.c) ---- */

/*
 * Appends data, encrypted by the public key label: RSA-OAEP (RFC 8017 section 7.1) with MGF1 of
 * the same hash, SHA-256, or SHA-1 for tokens that have no other. COCO_ERR_LIMIT for more than the
 * key takes.
 */
coco_status coco_pkcs11_rsa_wrap(const struct coco_pkcs11 *token,
                                 const struct coco_pkcs11_object *key, bool by_sha1,
                                 const void *data, size_t len, struct coco_buf *buf,
                                 coco_error **err);
/* COCO_ERR_VERIFY for what was not encrypted so. */
coco_status coco_pkcs11_rsa_unwrap(const struct coco_pkcs11 *token,
                                   const struct coco_pkcs11_object *key, bool by_sha1,
                                   const void *data, size_t len, struct coco_secret *ret,
                                   coco_error **err);

/* ---- signatures (pkcs11_sign.c) ---- */

/*
 * The public half of a key: an object of the token, or that of a certificate there. COCO_ERR_NOTSUP
 * for keys other than RSA and EC on P-256, P-384 and P-521.
 */
coco_status coco_pkcs11_public_key(const struct coco_pkcs11 *token,
                                   const struct coco_pkcs11_object *key, EVP_PKEY **ret,
                                   coco_error **err);

/*
 * Appends the private key's signature of data with SHA-256: ECDSA (DER) or RSASSA-PKCS1-v1_5. Its
 * URI also has the PIN for keys that want it for each signature. public is its other half, by which
 * what the token made is verified: COCO_ERR_VERIFY.
 */
coco_status coco_pkcs11_sign(const struct coco_pkcs11 *token, const struct coco_pkcs11_key_uri *uri,
                             EVP_PKEY *public, const void *data, size_t len, struct coco_buf *buf,
                             coco_error **err);

#endif
