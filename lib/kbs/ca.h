/*
 * kbs/ca.h - a CA that gives short-lived certificates (X.509-SVID)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_CA_H
#define COCO_KBS_CA_H

#include "crypto/cert.h"
#include "crypto/key.h"

#include <stdint.h>

#define COCO_CA_SERIAL_SIZE 16

/*
 * Extension of what a guest has proven: DiceTcbInfoSeq, tcg-dice-MultiTcbInfo (TCG DICE
 * Attestation Architecture 1.1, section 6.1.2), with one entry for each digest.
 */
#define COCO_CA_EVIDENCE_OID "2.23.133.5.4.5"

struct coco_ca {
    struct coco_cert_chain chain; /* its own certificate first, the root last */
    EVP_PKEY *key;
};

/*
 * Reads a CA: PEM of its certificate with all above it, and of its key. COCO_ERR_PROTO or
 * COCO_ERR_VERIFY if the chain is broken or it may sign no certificates, or the key is another's.
 * Says nothing of dates.
 */
coco_status coco_ca_read(const char *certificates, const char *key, struct coco_ca *ret,
                         coco_error **err);
void coco_ca_done(struct coco_ca *ca);
#define _cleanup_ca_ _cleanup_(coco_ca_done)

/* What is to be signed. */
struct coco_ca_order {
    EVP_PKEY *key;           /* of whom the certificate is; lent */
    const char *uri;         /* the one name that it has */
    const uint8_t *evidence; /* SHA-256 each, of what was proven, */
    const uint8_t *tee_key;  /* and of the key that it is bound to (RFC 7638) */
    int64_t now;             /* seconds since 1970 */
    int64_t lifetime;        /* seconds, at most; no certificate outlives those above it */
};

/* COCO_ERR_IO if the CA's own time is over. serial is that of the certificate. */
coco_status coco_ca_issue(const struct coco_ca *ca, const struct coco_ca_order *order, X509 **ret,
                          uint8_t serial[COCO_CA_SERIAL_SIZE], coco_error **err);

/* Appends PEM: cert, and what is between it and the root. */
coco_status coco_ca_append_chain(const struct coco_ca *ca, X509 *cert, struct coco_buf *buf,
                                 coco_error **err);

/* Appends PEM of the root: what relying parties trust. */
coco_status coco_ca_append_root(const struct coco_ca *ca, struct coco_buf *buf, coco_error **err);

#endif
