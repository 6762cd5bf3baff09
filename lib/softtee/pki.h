/*
 * softtee/pki.h - certificates of a maker of hardware who has none
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SOFTTEE_PKI_H
#define COCO_SOFTTEE_PKI_H

#include "base/buf.h"
#include "crypto/key.h"

#include <openssl/x509.h>

struct coco_pki {
    EVP_PKEY *key;
    X509 *cert;
};

void coco_pki_done(struct coco_pki *pki);

struct coco_pki_extension {
    const char *oid;
    const uint8_t *data; /* its content, DER where it should be */
    size_t len;
};

/* What is to be certified. */
struct coco_pki_want {
    const char *name;              /* CN */
    enum coco_key_kind kind;       /* of the key; RSA signs with PSS and SHA-384, as AMD does */
    const struct coco_pki *issuer; /* NULL for itself */
    bool is_ca;
    const struct coco_pki_extension *extensions;
    size_t n_extensions;
};

/* Makes the directory dir, and waits until no other process has it locked; *ret is to be closed. */
coco_status coco_pki_lock(const char *dir, int *ret, coco_error **err);

/*
 * The certificate and key that dir has in the file name, PEM, or else new ones that are
 * kept there: for ten years, so that what was pinned stays right.
 */
coco_status coco_pki_keep(const char *dir, const char *name, const struct coco_pki_want *want,
                          struct coco_pki *ret, coco_error **err);

/* Appends the certificate. */
coco_status coco_pki_pem(const struct coco_pki *pki, struct coco_buf *buf, coco_error **err);
coco_status coco_pki_der(const struct coco_pki *pki, struct coco_buf *buf, coco_error **err);

/* Appends a list of nobody whom by has revoked, DER, for a month from now. */
coco_status coco_pki_crl(const struct coco_pki *by, struct coco_buf *buf, coco_error **err);

/* Makes the file name in dir, and the directories above it; nobody else may read it. */
coco_status coco_pki_write(const char *dir, const char *name, const void *data, size_t len,
                           coco_error **err);

#endif
