/*
 * crypto/cert.h - X.509 certificates, chains of them, and what was revoked (RFC 5280)
 *
 * For evidence and collateral, not for TLS: roots are told by their fingerprint,
 * the time is the caller's, and each thing that may be wrong is asked for by
 * itself, so that a person can be told all of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_CERT_H
#define COCO_CRYPTO_CERT_H

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/digest.h"

#include <openssl/x509.h>

COCO_DEFINE_CLEANUP(X509 *, X509_free);
COCO_DEFINE_CLEANUP(X509_CRL *, X509_CRL_free);
#define _cleanup_cert_ _cleanup_(X509_freep)
#define _cleanup_crl_ _cleanup_(X509_CRL_freep)

#define COCO_CERT_CHAIN_MAX 6 /* T27 */
#define COCO_CERT_SIZE_MAX ((size_t)16 << 10)
#define COCO_CRL_SIZE_MAX ((size_t)1 << 20)

/* Certificates, leaf first; {0} is an empty one. */
struct coco_cert_chain {
    X509 *certs[COCO_CERT_CHAIN_MAX];
    size_t n;
};

void coco_cert_chain_done(struct coco_cert_chain *chain);
#define _cleanup_cert_chain_ _cleanup_(coco_cert_chain_done)

/*
 * Who has certificates that were read before: reading one costs as much as verifying
 * several signatures. find gives a reference to that of exactly this DER, or leaves
 * *ret where it has none.
 */
struct coco_cert_finder {
    coco_status (*find)(void *user, const void *der, size_t len, X509 **ret, coco_error **err);
    void *user;
};

/* One certificate, DER or PEM, and nothing behind it. COCO_ERR_PROTO or COCO_ERR_LIMIT. */
coco_status coco_cert_parse(const void *data, size_t len, X509 **ret, coco_error **err);

/*
 * Appends the certificates of a PEM text, at least one, to chain, as they come.
 * Zeros behind the last are passed over: quotes have one there.
 */
coco_status coco_cert_chain_parse(const void *text, size_t len, struct coco_cert_chain *chain,
                                  coco_error **err);

/* The same two; finder, or NULL, is asked before a certificate is read. */
coco_status coco_cert_parse_with(const void *data, size_t len,
                                 const struct coco_cert_finder *finder, X509 **ret,
                                 coco_error **err);
coco_status coco_cert_chain_parse_with(const void *text, size_t len,
                                       const struct coco_cert_finder *finder,
                                       struct coco_cert_chain *chain, coco_error **err);

/* Appends cert, which is taken on success: COCO_ERR_LIMIT. */
coco_status coco_cert_chain_add(struct coco_cert_chain *chain, X509 **cert, coco_error **err);

/* SHA-256 of the certificate's DER. */
coco_status coco_cert_fingerprint(X509 *cert, struct coco_digest *ret, coco_error **err);

/* Appends "CN=Name", or all of the subject where it has no such part. */
coco_status coco_cert_subject(X509 *cert, struct coco_buf *buf, coco_error **err);

/* The public key, checked as coco_key_check() does. */
coco_status coco_cert_key(X509 *cert, EVP_PKEY **ret, coco_error **err);

/*
 * The content of the extension with the dotted oid: COCO_ERR_NOTFOUND where
 * there is none. Lent by cert.
 */
coco_status coco_cert_extension(X509 *cert, const char *oid, const uint8_t **ret, size_t *len,
                                coco_error **err);

/* Both its dates, in seconds since 1970: COCO_ERR_PROTO where one is none. */
coco_status coco_cert_dates(X509 *cert, int64_t *from, int64_t *to, coco_error **err);

/* COCO_ERR_VERIFY unless now, seconds since 1970, is within its dates. */
coco_status coco_cert_check_dates(X509 *cert, int64_t now, coco_error **err);

/*
 * COCO_ERR_VERIFY unless each certificate is signed by the next, which is a CA
 * that may do so, and the last is its own issuer. Says nothing of dates, nor of
 * whether the last is to be trusted: whoever made it could sign it, so that what it
 * says of itself is not verified (RFC 5280 section 6.1), its fingerprint tells.
 */
coco_status coco_cert_chain_check_links(const struct coco_cert_chain *chain, coco_error **err);

/*
 * COCO_ERR_VERIFY unless chain, leaf first, leads to one of anchors, which are trusted as they
 * are and whichever of them it is, and each was valid at the time now, seconds since 1970. At
 * COCO_CERT_ANY_TIME their dates do not count.
 */
#define COCO_CERT_ANY_TIME INT64_MIN
coco_status coco_cert_chain_check_anchored(const struct coco_cert_chain *chain,
                                           const struct coco_cert_chain *anchors, int64_t now,
                                           coco_error **err);

/* Whether cert's key may sign data, or it does not say (RFC 5280 section 4.2.1.3). */
bool coco_cert_may_sign(X509 *cert);
/* Whether cert says that it is for signing code (RFC 5280 section 4.2.1.12). */
bool coco_cert_may_sign_code(X509 *cert);
/* Whether it says nothing of what its certificates are for, or that signing code is among it. */
bool coco_cert_may_issue_for_code(X509 *cert);
/* Whether it says what it is for at all. */
bool coco_cert_says_use(X509 *cert);

/* The one of the certificates that signed cert; NULL for none. Lent. */
X509 *coco_cert_issuer_in(X509 *cert, const struct coco_cert_chain *chain);

/* Whether cert is for an e-mail address, a host or its address, or a URI, exactly as it is spelled.
 */
enum coco_cert_name {
    COCO_CERT_EMAIL,
    COCO_CERT_HOST, /* or one for whose first label it has a wildcard */
    COCO_CERT_URI,
};
bool coco_cert_is_for(X509 *cert, enum coco_cert_name kind, const char *name);

/* coco_cert_check_dates() of each. */
coco_status coco_cert_chain_check_dates(const struct coco_cert_chain *chain, int64_t now,
                                        coco_error **err);

/* A list of revoked certificates, DER or PEM. COCO_ERR_PROTO or COCO_ERR_LIMIT. */
coco_status coco_crl_parse(const void *data, size_t len, X509_CRL **ret, coco_error **err);

/* Both its dates; INT64_MAX for one without an end. Errors of coco_cert_dates(). */
coco_status coco_crl_dates(X509_CRL *crl, int64_t *from, int64_t *to, coco_error **err);

/* The number of the list (RFC 5280 section 5.2.3): COCO_ERR_NOTFOUND, COCO_ERR_PROTO past 64 bits.
 */
coco_status coco_crl_number(X509_CRL *crl, uint64_t *ret, coco_error **err);

/* COCO_ERR_VERIFY unless issuer signed crl and may. */
coco_status coco_crl_check_issuer(X509_CRL *crl, X509 *issuer, coco_error **err);

/* COCO_ERR_VERIFY unless now is within its dates; one without an end has none. */
coco_status coco_crl_check_dates(X509_CRL *crl, int64_t now, coco_error **err);

/* COCO_ERR_VERIFY if crl, which must be of its issuer, has cert among the revoked. */
coco_status coco_crl_check_cert(X509_CRL *crl, X509 *cert, coco_error **err);

/* The same of a list whose signer has signed cert, too, whatever name each of them has for it. */
coco_status coco_crl_check_serial(X509_CRL *crl, X509 *cert, coco_error **err);

#endif
