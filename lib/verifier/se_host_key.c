/*
 * verifier/se_host_key.c - whether a host key is that of a machine of IBM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/se_host_key.h"

#include "base/fail.h"
#include "crypto/ossl.h"
#include "verifier/checks.h"

#include <openssl/objects.h>
#include <string.h>

#define PEM_MAX ((size_t)64 << 10)
#define NAME_PART_MAX 128
#define IBM "International Business Machines Corporation"
#define SIGNING_SERVICE "IBM Z Host Key Signing Service"
#define STRENGTH_MIN 112 /* bits, as for chains */

enum { SIGNING_KEY, INTERMEDIATE_CA, ROOT_CA, CERTS };

/* The list of what each of them has issued. */
static const char *const lists[CERTS] = {
    "ibm/signing-key.crl",
    "ibm/intermediate-ca.crl",
    "ibm/root-ca.crl",
};

static bool
is_allowed(const coco_verifier *verifier, const char *check)
{
    size_t kind = 0;

    return coco_check_kind_find(check, &kind) && coco_verifier_allows(verifier, kind);
}

/* ---- names ---- */

static bool
has_part(const X509_NAME *name, int nid, const char *want)
{
    char got[NAME_PART_MAX];
    int len = X509_NAME_get_text_by_NID((X509_NAME *)(uintptr_t)name, nid, got, sizeof(got));

    return len >= 0 && (size_t)len == strlen(want) && strcmp(got, want) == 0;
}

/* All but the locality: documents and lists name the one that their issuer had before it moved. */
static bool
is_same_name(const X509_NAME *a, const X509_NAME *b)
{
    static const int parts[] = {NID_countryName, NID_organizationName, NID_commonName,
                                NID_stateOrProvinceName, NID_organizationalUnitName};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        char text[NAME_PART_MAX];
        int len =
            X509_NAME_get_text_by_NID((X509_NAME *)(uintptr_t)a, parts[i], text, sizeof(text));

        if (len < 0 || (size_t)len != strlen(text) || !has_part(b, parts[i], text))
            return false;
    }
    return true;
}

static coco_status
check_signing_key(X509 *cert, coco_error **err)
{
    const X509_NAME *name = X509_get_subject_name(cert);

    if (!has_part(name, NID_countryName, "US") || !has_part(name, NID_organizationName, IBM)
        || !has_part(name, NID_commonName, IBM)
        || !has_part(name, NID_organizationalUnitName, SIGNING_SERVICE))
        return coco_fail(err, COCO_ERR_VERIFY, "key that signs host keys is not IBM's for that");
    return COCO_OK;
}

/* ---- the chain above ---- */

static coco_status
fetch_chain(const coco_verifier *verifier, struct coco_cert_chain *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = PEM_MAX};

    coco_status status =
        coco_collateral_read(coco_verifier_collateral(verifier), &pem, err, "ibm/chain.pem");
    if (status == COCO_OK)
        status = coco_known_chain_parse(coco_verifier_known(verifier), pem.data, pem.len, ret, err);
    if (status == COCO_OK && ret->n != CERTS)
        status = coco_fail(err, COCO_ERR_PROTO, "chain of IBM has %zu certificates, not %d", ret->n,
                           CERTS);
    return status;
}

static coco_status
check_chain(const coco_verifier *verifier, const struct coco_cert_chain *chain, coco_error **err)
{
    struct coco_digest fingerprint;
    char text[COCO_DIGEST_TEXT_SIZE];

    coco_status status = coco_cert_fingerprint(chain->certs[ROOT_CA], &fingerprint, err);
    if (status != COCO_OK)
        return status;
    coco_digest_format(&fingerprint, text);
    if (!coco_verifier_trusts_root(verifier, "ibm", &fingerprint))
        return coco_fail(err, COCO_ERR_VERIFY, "%s is not trusted as a root of ibm", text);
    status = coco_known_check_links(coco_verifier_known(verifier), chain, err);
    if (status == COCO_OK)
        status = coco_known_keep(coco_verifier_known(verifier), chain, err);
    if (status == COCO_OK && !is_allowed(verifier, "certificate-dates"))
        status = coco_cert_chain_check_dates(chain, coco_verifier_now(verifier), err);
    if (status == COCO_OK)
        status = check_signing_key(chain->certs[SIGNING_KEY], err);
    return status;
}

/* ---- lists of revoked ones ---- */

/* The signing key's certificate does not say that it may sign lists, but it does. */
static coco_status
check_list_of_signing_key(X509_CRL *crl, X509 *issuer, coco_error **err)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);

    if (!key || !is_same_name(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)))
        return coco_fail(err, COCO_ERR_VERIFY, "revocation list is of another issuer");
    if (X509_CRL_verify(crl, key) != 1)
        return coco_fail(err, COCO_ERR_VERIFY, "revocation list is not signed by its issuer");
    return COCO_OK;
}

static coco_status
check_revoked(const coco_verifier *verifier, const struct coco_cert_chain *chain, size_t issuer,
              X509 *cert, coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = COCO_CRL_SIZE_MAX};
    struct coco_known *known = coco_verifier_known(verifier);
    _cleanup_crl_ X509_CRL *crl = NULL;
    bool lenient = is_allowed(verifier, "revocation-list");
    coco_error *why = NULL;

    coco_status status =
        coco_collateral_read(coco_verifier_collateral(verifier), &bytes, &why, "%s", lists[issuer]);
    if (lenient && (status == COCO_ERR_NOTFOUND || coco_is_unreached(why))) {
        coco_error_free(why);
        return COCO_OK;
    }
    if (status != COCO_OK)
        coco_error_give(err, why);
    if (status == COCO_OK)
        status = coco_known_crl_parse(known, bytes.data, bytes.len, &crl, err);
    if (status == COCO_OK)
        status = issuer == SIGNING_KEY
                     ? check_list_of_signing_key(crl, chain->certs[issuer], err)
                     : coco_known_check_crl_issuer(known, crl, chain->certs[issuer], err);
    if (status == COCO_OK && !lenient)
        status = coco_crl_check_dates(crl, coco_verifier_now(verifier), err);
    if (status == COCO_OK)
        status = coco_crl_check_serial(crl, cert, err);
    return status;
}

/* ---- the document ---- */

static coco_status
check_document(const coco_verifier *verifier, X509 *document, X509 *signer, coco_error **err)
{
    EVP_PKEY *key = X509_get0_pubkey(signer);
    int strength = 0;

    if (!key || !is_same_name(X509_get_issuer_name(document), X509_get_subject_name(signer)))
        return coco_fail(err, COCO_ERR_VERIFY, "host key document is of another issuer");
    if (X509_get_signature_info(document, NULL, NULL, &strength, NULL) != 1
        || strength < STRENGTH_MIN)
        return coco_fail(err, COCO_ERR_VERIFY, "host key document is signed too weakly");
    if (X509_verify(document, key) != 1)
        return coco_fail(err, COCO_ERR_VERIFY, "host key document is not signed by its issuer");
    if (is_allowed(verifier, "certificate-dates"))
        return COCO_OK;
    return coco_cert_check_dates(document, coco_verifier_now(verifier), err);
}

static coco_status
get_key(X509 *document, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    enum coco_key_kind kind = 0;

    coco_status status = coco_cert_key(document, &key, err);
    if (status == COCO_OK)
        status = coco_key_kind_of(key, &kind, err);
    if (status != COCO_OK)
        return status;
    if (kind != COCO_KEY_P521)
        return coco_fail(err, COCO_ERR_PROTO, "host key is not on P-521");
    *ret = coco_steal(&key);
    return COCO_OK;
}

coco_status
coco_se_host_key_check(const coco_verifier *verifier, X509 *document, EVP_PKEY **ret,
                       coco_error **err)
{
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};

    coco_ossl_errors_are_ours();
    coco_status status = fetch_chain(verifier, &chain, err);
    if (status == COCO_OK)
        status = check_chain(verifier, &chain, err);
    if (status == COCO_OK)
        status = check_document(verifier, document, chain.certs[SIGNING_KEY], err);
    if (status == COCO_OK)
        status = check_revoked(verifier, &chain, SIGNING_KEY, document, err);
    for (size_t i = INTERMEDIATE_CA; i < CERTS && status == COCO_OK; i++)
        status = check_revoked(verifier, &chain, i, chain.certs[i - 1], err);
    if (status == COCO_OK)
        status = get_key(document, ret, err);
    return status;
}
