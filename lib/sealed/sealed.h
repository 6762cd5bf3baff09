/*
 * sealed/sealed.h - a sealed secret: what is signed, and by whom
 *
 *     sealed.<header>.<payload>.<signature>
 *
 * Behind the first dot it is a compact JWS (RFC 7515); the payload says what it
 * is a secret of (guest-protocols 3.5). It comes from whoever may write what a
 * workload is started with: the host.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SEALED_SEALED_H
#define COCO_SEALED_SEALED_H

#include "crypto/jws.h"

#define COCO_SEALED_MAX COCO_JSON_SIZE_MAX
#define COCO_SEALED_VERSION "0.1.0"
#define COCO_SEALED_NAME_MAX ((size_t)1024) /* of a key, of a secret */

enum coco_sealed_type {
    COCO_SEALED_VAULT,    /* name says where the secret is */
    COCO_SEALED_ENVELOPE, /* it is here, its key wrapped by the key name */
};

/* One, taken apart. Nothing of it is verified; the texts are lent by it. */
struct coco_sealed {
    struct coco_jws jws; /* without a header and a signature: nobody signed it */
    const char *kid;     /* or NULL */
    enum coco_sealed_type type;
    const char *provider; /* in lower case */
    const char *name;
};

void coco_sealed_done(struct coco_sealed *sealed);
#define _cleanup_sealed_ _cleanup_(coco_sealed_done)

/*
 * COCO_ERR_PROTO for anything else, COCO_ERR_NOTSUP for another alg, version, type, or
 * a payload that was not signed as base64url (RFC 7797).
 */
coco_status coco_sealed_parse(const char *text, size_t len, struct coco_sealed *ret,
                              coco_error **err);

/* "vault" and "envelope" */
const char *coco_sealed_type_name(enum coco_sealed_type type);

/* COCO_ERR_VERIFY unless key, which must be on P-256, signed it. */
coco_status coco_sealed_verify(const struct coco_sealed *sealed, EVP_PKEY *key, coco_error **err);

/* COCO_ERR_NOTSUP for a key that signs no sealed secrets. */
coco_status coco_sealed_check_key(const EVP_PKEY *key, coco_error **err);

/* COCO_ERR_INVALID unless name is 1 to 32 of a-z, 0-9, '_' and '-'. */
coco_status coco_sealed_check_provider(const char *name, coco_error **err);

/*
 * COCO_ERR_INVALID unless kid names a key: a resource if it looks like one, or
 * printable text without spaces.
 */
coco_status coco_sealed_check_kid(const char *kid, coco_error **err);

/* Whether a name is a URI of a broker, rather than any other. */
bool coco_sealed_is_uri(const char *name);

/* Appends payload as a sealed secret that key signs and that calls it kid. */
coco_status coco_sealed_write(EVP_PKEY *key, const char *kid, const cJSON *payload,
                              struct coco_buf *buf, coco_error **err);

#endif
