/*
 * verifier/known.c - what a verifier has found to be so before
 *
 * Each table keeps what was asked for last. They are short, and are walked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/known.h"

#include "base/fail.h"
#include "crypto/ecdsa.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SIZE ((size_t)32) /* of SHA-256 */

struct entry {
    uint8_t key[KEY_SIZE];
    uint64_t asked; /* when it was last asked for, in questions */
    X509 *cert;
    X509_CRL *crl;
    uint8_t issuer[KEY_SIZE]; /* the fingerprint of who signed crl */
};

struct table {
    struct entry *entries;
    size_t n;
    size_t max;
};

struct coco_known {
    pthread_mutex_t lock;
    uint64_t asked;
    struct table certs; /* by their fingerprints */
    struct table crls;  /* by their DER */
    struct table facts; /* by what they say, see fact_of() */
    struct entry entries[COCO_KNOWN_CERTS_MAX + COCO_KNOWN_CRLS_MAX + COCO_KNOWN_FACTS_MAX];
};

coco_status
coco_known_new(struct coco_known **ret, coco_error **err)
{
    struct coco_known *known = calloc(1, sizeof(*known));

    if (!known)
        return coco_fail_nomem(err);
    (void)pthread_mutex_init(&known->lock, NULL);
    known->certs = (struct table){known->entries, 0, COCO_KNOWN_CERTS_MAX};
    known->crls = (struct table){known->entries + COCO_KNOWN_CERTS_MAX, 0, COCO_KNOWN_CRLS_MAX};
    known->facts =
        (struct table){known->crls.entries + COCO_KNOWN_CRLS_MAX, 0, COCO_KNOWN_FACTS_MAX};
    *ret = known;
    return COCO_OK;
}

void
coco_known_free(struct coco_known *known)
{
    if (!known)
        return;
    for (size_t i = 0; i < sizeof(known->entries) / sizeof(known->entries[0]); i++) {
        X509_free(known->entries[i].cert);
        X509_CRL_free(known->entries[i].crl);
    }
    (void)pthread_mutex_destroy(&known->lock);
    free(known);
}

static void
lock(struct coco_known *known)
{
    (void)pthread_mutex_lock(&known->lock);
}

static void
unlock(struct coco_known *known)
{
    (void)pthread_mutex_unlock(&known->lock);
}

/* ---- tables; whoever calls these has the lock ---- */

static struct entry *
find(struct coco_known *known, const struct table *table, const struct coco_digest *digest)
{
    for (size_t i = 0; i < table->n; i++) {
        struct entry *entry = &table->entries[i];

        if (memcmp(entry->key, digest->bytes, KEY_SIZE) == 0) {
            entry->asked = ++known->asked;
            return entry;
        }
    }
    return NULL;
}

/* A new one, in place of what nobody has asked for the longest if there is no room. */
static struct entry *
take(struct table *table)
{
    struct entry *oldest = table->entries;

    if (table->n < table->max)
        return &table->entries[table->n++];
    for (size_t i = 1; i < table->max; i++)
        if (table->entries[i].asked < oldest->asked)
            oldest = &table->entries[i];
    X509_free(oldest->cert);
    X509_CRL_free(oldest->crl);
    return oldest;
}

/* digest must not be there. */
static struct entry *
add(struct coco_known *known, struct table *table, const struct coco_digest *digest)
{
    struct entry *entry = take(table);

    *entry = (struct entry){.asked = ++known->asked};
    memcpy(entry->key, digest->bytes, KEY_SIZE);
    return entry;
}

static size_t
count(struct coco_known *known, const struct table *table)
{
    lock(known);
    size_t n = table->n;
    unlock(known);
    return n;
}

size_t
coco_known_certs(struct coco_known *known)
{
    return count(known, &known->certs);
}

size_t
coco_known_crls(struct coco_known *known)
{
    return count(known, &known->crls);
}

size_t
coco_known_facts(struct coco_known *known)
{
    return count(known, &known->facts);
}

static bool
has(struct coco_known *known, const struct table *table, const struct coco_digest *digest)
{
    lock(known);
    bool found = find(known, table, digest) != NULL;
    unlock(known);
    return found;
}

/* ---- certificates ---- */

/* What OpenSSL read of these bytes, or of others that it writes as these. */
static coco_status
find_cert(void *user, const void *der, size_t len, X509 **ret, coco_error **err)
{
    struct coco_known *known = user;
    struct coco_digest digest = {0};

    coco_status status = coco_digest_of(COCO_SHA256, der, len, &digest, err);
    if (status != COCO_OK)
        return status;
    lock(known);
    const struct entry *entry = find(known, &known->certs, &digest);
    if (entry && X509_up_ref(entry->cert) == 1)
        *ret = entry->cert;
    unlock(known);
    return COCO_OK;
}

coco_status
coco_known_cert_parse(struct coco_known *known, const void *data, size_t len, X509 **ret,
                      coco_error **err)
{
    const struct coco_cert_finder finder = {find_cert, known};

    return coco_cert_parse_with(data, len, &finder, ret, err);
}

coco_status
coco_known_chain_parse(struct coco_known *known, const void *text, size_t len,
                       struct coco_cert_chain *chain, coco_error **err)
{
    const struct coco_cert_finder finder = {find_cert, known};

    return coco_cert_chain_parse_with(text, len, &finder, chain, err);
}

/* The fingerprint of cert: while it is kept, none is where it is. */
static coco_status
identify(struct coco_known *known, X509 *cert, struct coco_digest *ret, coco_error **err)
{
    const struct entry *found = NULL;

    lock(known);
    for (size_t i = 0; i < known->certs.n && !found; i++)
        if (known->certs.entries[i].cert == cert)
            found = &known->certs.entries[i];
    if (found) {
        *ret = (struct coco_digest){.alg = COCO_SHA256};
        memcpy(ret->bytes, found->key, KEY_SIZE);
    }
    unlock(known);
    return found ? COCO_OK : coco_cert_fingerprint(cert, ret, err);
}

static coco_status
keep_cert(struct coco_known *known, X509 *cert, coco_error **err)
{
    struct coco_digest digest = {0};

    coco_status status = identify(known, cert, &digest, err);
    if (status != COCO_OK)
        return status;
    lock(known);
    if (!find(known, &known->certs, &digest) && X509_up_ref(cert) == 1)
        add(known, &known->certs, &digest)->cert = cert;
    unlock(known);
    return COCO_OK;
}

/* ---- facts ---- */

/* Each part with its length: no two sequences of parts give the same bytes. */
static coco_status
add_part(struct coco_hash *hash, const void *data, size_t len, coco_error **err)
{
    const uint64_t size = len;

    coco_status status = coco_hash_add(hash, &size, sizeof(size), err);
    return status == COCO_OK ? coco_hash_add(hash, data, len, err) : status;
}

/* That the links of chain hold. */
static coco_status
links_fact(struct coco_known *known, const struct coco_cert_chain *chain, struct coco_digest *ret,
           coco_error **err)
{
    _cleanup_hash_ struct coco_hash hash = {0};

    coco_status status = coco_hash_begin(&hash, COCO_SHA256, err);
    if (status == COCO_OK)
        status = add_part(&hash, "links", 5, err);
    for (size_t i = 0; i < chain->n && status == COCO_OK; i++) {
        struct coco_digest digest = {0};

        status = identify(known, chain->certs[i], &digest, err);
        if (status == COCO_OK)
            status = add_part(&hash, digest.bytes, KEY_SIZE, err);
    }
    if (status == COCO_OK)
        status = coco_hash_end(&hash, ret, err);
    return status;
}

/* That sig is the signature of data by the key of signer, a certificate's fingerprint. */
static coco_status
signature_fact(const struct coco_digest *signer, const void *data, size_t len, const uint8_t *sig,
               size_t sig_len, struct coco_digest *ret, coco_error **err)
{
    _cleanup_hash_ struct coco_hash hash = {0};

    coco_status status = coco_hash_begin(&hash, COCO_SHA256, err);
    if (status == COCO_OK)
        status = add_part(&hash, "signature", 9, err);
    if (status == COCO_OK)
        status = add_part(&hash, signer->bytes, KEY_SIZE, err);
    if (status == COCO_OK)
        status = add_part(&hash, data, len, err);
    if (status == COCO_OK)
        status = add_part(&hash, sig, sig_len, err);
    if (status == COCO_OK)
        status = coco_hash_end(&hash, ret, err);
    return status;
}

static void
keep_fact(struct coco_known *known, const struct coco_digest *fact)
{
    lock(known);
    if (!find(known, &known->facts, fact))
        (void)add(known, &known->facts, fact);
    unlock(known);
}

coco_status
coco_known_check_links(struct coco_known *known, const struct coco_cert_chain *chain,
                       coco_error **err)
{
    struct coco_digest fact = {0};

    coco_status status = links_fact(known, chain, &fact, err);
    if (status != COCO_OK || has(known, &known->facts, &fact))
        return status;
    return coco_cert_chain_check_links(chain, err);
}

coco_status
coco_known_keep(struct coco_known *known, const struct coco_cert_chain *chain, coco_error **err)
{
    struct coco_digest fact = {0};

    coco_status status = links_fact(known, chain, &fact, err);
    for (size_t i = 0; i < chain->n && status == COCO_OK; i++)
        status = keep_cert(known, chain->certs[i], err);
    if (status == COCO_OK)
        keep_fact(known, &fact);
    return status;
}

static coco_status
verify(X509 *cert, const void *data, size_t len, const uint8_t *sig, size_t sig_len,
       coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    coco_status status = coco_cert_key(cert, &key, err);
    return status == COCO_OK ? coco_ecdsa_verify(key, data, len, sig, sig_len, err) : status;
}

coco_status
coco_known_verify(struct coco_known *known, X509 *cert, const void *data, size_t len,
                  const uint8_t *sig, size_t sig_len, coco_error **err)
{
    struct coco_digest signer = {0};
    struct coco_digest fact = {0};

    coco_status status = identify(known, cert, &signer, err);
    if (status == COCO_OK)
        status = signature_fact(&signer, data, len, sig, sig_len, &fact, err);
    if (status != COCO_OK || has(known, &known->facts, &fact))
        return status;
    status = verify(cert, data, len, sig, sig_len, err);
    if (status == COCO_OK && has(known, &known->certs, &signer))
        keep_fact(known, &fact);
    return status;
}

/* ---- lists of revoked certificates ---- */

coco_status
coco_known_crl_parse(struct coco_known *known, const void *data, size_t len, X509_CRL **ret,
                     coco_error **err)
{
    struct coco_digest digest = {0};
    X509_CRL *crl = NULL;

    if (len > COCO_KNOWN_CRL_SIZE_MAX)
        return coco_crl_parse(data, len, ret, err);
    coco_status status = coco_digest_of(COCO_SHA256, data, len, &digest, err);
    if (status != COCO_OK)
        return status;
    lock(known);
    const struct entry *entry = find(known, &known->crls, &digest);
    if (entry && X509_CRL_up_ref(entry->crl) == 1)
        crl = entry->crl;
    unlock(known);
    if (!crl)
        return coco_crl_parse(data, len, ret, err);
    *ret = crl;
    return COCO_OK;
}

/* Whether crl is one of those kept, and issuer is who signed it. */
static bool
is_kept(struct coco_known *known, const X509_CRL *crl, const struct coco_digest *issuer)
{
    bool found = false;

    lock(known);
    for (size_t i = 0; i < known->crls.n && !found; i++)
        found = known->crls.entries[i].crl == crl
                && memcmp(known->crls.entries[i].issuer, issuer->bytes, KEY_SIZE) == 0;
    unlock(known);
    return found;
}

static coco_status
keep_crl(struct coco_known *known, X509_CRL *crl, const struct coco_digest *issuer,
         coco_error **err)
{
    struct coco_digest digest = {0};
    uint8_t *der = NULL;
    int len = i2d_X509_CRL(crl, &der);

    if (len < 0)
        return coco_fail_nomem(err);
    coco_status status = coco_digest_of(COCO_SHA256, der, (size_t)len, &digest, err);
    OPENSSL_free(der);
    if (status != COCO_OK || (size_t)len > COCO_KNOWN_CRL_SIZE_MAX)
        return status;
    lock(known);
    if (!find(known, &known->crls, &digest) && X509_CRL_up_ref(crl) == 1) {
        struct entry *entry = add(known, &known->crls, &digest);

        entry->crl = crl;
        memcpy(entry->issuer, issuer->bytes, KEY_SIZE);
    }
    unlock(known);
    return COCO_OK;
}

coco_status
coco_known_check_crl_issuer(struct coco_known *known, X509_CRL *crl, X509 *issuer, coco_error **err)
{
    struct coco_digest digest = {0};

    coco_status status = identify(known, issuer, &digest, err);
    if (status != COCO_OK || is_kept(known, crl, &digest))
        return status;
    status = coco_crl_check_issuer(crl, issuer, err);
    if (status == COCO_OK && has(known, &known->certs, &digest))
        status = keep_crl(known, crl, &digest, err);
    return status;
}
