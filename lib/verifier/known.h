/*
 * verifier/known.h - what a verifier has found to be so before
 *
 * Makers' certificates, lists and documents come again with every piece of evidence:
 * reading them, and verifying who signed them, costs more than all that is new. Only
 * what depends on nothing but bytes is kept, under the SHA-256 of them: what was
 * read of them, and that one key signed them. Dates, revocation, whom to trust and
 * which machine it is of are looked at each time. What does not hold is never kept,
 * nor what did not lead to a root that is trusted, so that nobody else can fill this
 * up. Any thread may call all of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_KNOWN_H
#define COCO_VERIFIER_KNOWN_H

#include "crypto/cert.h"

#define COCO_KNOWN_CERTS_MAX ((size_t)256)
#define COCO_KNOWN_CRLS_MAX ((size_t)16)
#define COCO_KNOWN_FACTS_MAX ((size_t)512)
/* Longer lists are read each time, rather than kept. */
#define COCO_KNOWN_CRL_SIZE_MAX ((size_t)256 << 10)

struct coco_known;

coco_status coco_known_new(struct coco_known **ret, coco_error **err);
void coco_known_free(struct coco_known *known);

COCO_DEFINE_CLEANUP(struct coco_known *, coco_known_free);
#define _cleanup_known_ _cleanup_(coco_known_freep)

/* ---- what crypto/cert.h has, shared with who asked before ---- */

coco_status coco_known_cert_parse(struct coco_known *known, const void *data, size_t len,
                                  X509 **ret, coco_error **err);
coco_status coco_known_chain_parse(struct coco_known *known, const void *text, size_t len,
                                   struct coco_cert_chain *chain, coco_error **err);
coco_status coco_known_crl_parse(struct coco_known *known, const void *data, size_t len,
                                 X509_CRL **ret, coco_error **err);
coco_status coco_known_check_links(struct coco_known *known, const struct coco_cert_chain *chain,
                                   coco_error **err);
coco_status coco_known_check_crl_issuer(struct coco_known *known, X509_CRL *crl, X509 *issuer,
                                        coco_error **err);

/* coco_ecdsa_verify() with the key of cert. */
coco_status coco_known_verify(struct coco_known *known, X509 *cert, const void *data, size_t len,
                              const uint8_t *sig, size_t sig_len, coco_error **err);

/*
 * Keeps the certificates of chain, whose links hold and whose last is a root that is
 * trusted. What one of them has signed is kept from then on.
 */
coco_status coco_known_keep(struct coco_known *known, const struct coco_cert_chain *chain,
                            coco_error **err);

/* ---- for tests ---- */

size_t coco_known_certs(struct coco_known *known);
size_t coco_known_crls(struct coco_known *known);
size_t coco_known_facts(struct coco_known *known);

#endif
