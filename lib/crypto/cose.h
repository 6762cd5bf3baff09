/*
 * crypto/cose.h - COSE_Sign1 and COSE_Key (RFC 9052, RFC 9053)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_COSE_H
#define COCO_CRYPTO_COSE_H

#include "base/cbor.h"
#include "crypto/key.h"

/* RFC 9052 section 3.1; RFC 9360 for the certificates */
#define COCO_COSE_ALG 1
#define COCO_COSE_CRIT 2
#define COCO_COSE_CONTENT_TYPE 3
#define COCO_COSE_KID 4
#define COCO_COSE_X5CHAIN 33

/* RFC 9053 section 2 */
#define COCO_COSE_ES256 (-7)
#define COCO_COSE_EDDSA (-8)
#define COCO_COSE_ES384 (-35)
#define COCO_COSE_ES512 (-36)

/* The tag of a COSE_Sign1; those that hold one in a field of its own leave it away. */
#define COCO_COSE_SIGN1_TAG 18

/* A COSE_Sign1 taken apart, not yet verified: all of it is hostile. Lends what it was read of. */
struct coco_cose_sign1 {
    struct coco_cbor_string headers; /* the protected ones as they were signed */
    struct coco_cbor protected;      /* the map in them */
    struct coco_cbor unprotected;    /* nobody signed these */
    struct coco_cbor_string payload;
    struct coco_cbor_string signature;
    int64_t alg;
};

/*
 * Reads a COSE_Sign1, tagged or not, and nothing behind it.
 *
 * COCO_ERR_PROTO for a payload that is elsewhere, an alg that is missing from the
 * protected headers or found among the others, a label in both; COCO_ERR_NOTSUP for
 * an alg that is a text, and for "crit" with anything but alg, content type and kid.
 */
coco_status coco_cose_sign1_parse(const void *data, size_t len, struct coco_cose_sign1 *ret,
                                  coco_error **err);

/* The same, of a format that has critical headers of its own: texts, which a NULL ends. */
coco_status coco_cose_sign1_parse_with(const void *data, size_t len, const char *const *known,
                                       struct coco_cose_sign1 *ret, coco_error **err);

/* Appends what is signed (RFC 9052 section 4.4): for algorithms that are not known here. */
coco_status coco_cose_sign1_signed(const struct coco_cose_sign1 *message,
                                   const struct coco_cbor_string *aad, struct coco_buf *buf,
                                   coco_error **err);

/*
 * COCO_ERR_VERIFY unless key signed it, and aad with it (NULL for none). The key
 * says which alg it must be: that of the message is only compared with it.
 * COCO_ERR_NOTSUP for a key that is not P-256, P-384, P-521 or Ed25519.
 */
coco_status coco_cose_sign1_verify(const struct coco_cose_sign1 *message, EVP_PKEY *key,
                                   const struct coco_cbor_string *aad, coco_error **err);

/* What is signed, besides the alg. */
struct coco_cose_content {
    struct coco_cbor protected; /* a map of further headers; none if it has no bytes */
    struct coco_cbor_string payload;
    struct coco_cbor_string aad;
    bool tagged;
};

/* Appends a COSE_Sign1 of content by key, in the protected headers alg and then those of content.
 */
coco_status coco_cose_sign1_sign(EVP_PKEY *key, const struct coco_cose_content *content,
                                 struct coco_buf *buf, coco_error **err);

/* The alg that key signs with: COCO_ERR_NOTSUP for a key with none. */
coco_status coco_cose_alg_of(const EVP_PKEY *key, int64_t *ret, coco_error **err);

/*
 * Reads the COSE_Key of an EC public key, and nothing behind it. COCO_ERR_PROTO for
 * a point that is not on its curve, a private half, an alg that is not its curve's or
 * operations without "verify"; COCO_ERR_NOTSUP for other kinds and compressed points.
 */
coco_status coco_cose_key_parse(const void *data, size_t len, EVP_PKEY **ret, coco_error **err);

/* Appends the COSE_Key of an EC public key. */
coco_status coco_cose_key_format(const EVP_PKEY *key, struct coco_buf *buf, coco_error **err);

#endif
