/*
 * crypto/cert.c - X.509 certificates, chains of them, and what was revoked (RFC 5280)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/cert.h"

#include "base/fail.h"
#include "base/text.h"
#include "crypto/key.h"
#include "crypto/ossl.h"
#include "crypto/pem.h"

#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define SECURITY_LEVEL 2 /* 112 bits: no SHA-1, no RSA below 2048 bits */
#define SUBJECT_MAX ((size_t)256)

COCO_DEFINE_CLEANUP(ASN1_INTEGER *, ASN1_INTEGER_free);
COCO_DEFINE_CLEANUP(ASN1_OBJECT *, ASN1_OBJECT_free);
COCO_DEFINE_CLEANUP(X509_STORE *, X509_STORE_free);
COCO_DEFINE_CLEANUP(X509_STORE_CTX *, X509_STORE_CTX_free);

static inline void
stack_freep(STACK_OF(X509) * *stack)
{
    sk_X509_free(*stack);
}

void
coco_cert_chain_done(struct coco_cert_chain *chain)
{
    for (size_t i = 0; i < chain->n; i++)
        X509_free(chain->certs[i]);
    *chain = (struct coco_cert_chain){0};
}

coco_status
coco_cert_chain_add(struct coco_cert_chain *chain, X509 **cert, coco_error **err)
{
    if (chain->n == COCO_CERT_CHAIN_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "chain of more than %d certificates",
                         COCO_CERT_CHAIN_MAX);
    chain->certs[chain->n++] = coco_steal(cert);
    return COCO_OK;
}

static bool
is_pem(const void *data, size_t len)
{
    /* memmem() may not be given NULL, which is what empty data is. */
    return len > 0 && memmem(data, len, "-----BEGIN ", 11) != NULL;
}

/* Extensions are read when they are first asked for; a broken one shows only then. */
static coco_status
check_extensions(X509 *cert, coco_error **err)
{
    if (X509_check_purpose(cert, -1, 0) != 1 || (X509_get_extension_flags(cert) & EXFLAG_INVALID))
        return coco_fail(err, COCO_ERR_PROTO, "certificate has extensions that are malformed");
    return COCO_OK;
}

static coco_status
parse_der(const uint8_t *der, size_t len, X509 **ret, coco_error **err)
{
    const uint8_t *p = der;
    _cleanup_cert_ X509 *cert = NULL;

    if (len > COCO_CERT_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "certificate of more than %zu bytes",
                         COCO_CERT_SIZE_MAX);
    cert = d2i_X509(NULL, &p, (long)len);
    if (!cert || p != der + len)
        return coco_fail(err, COCO_ERR_PROTO, "not a certificate");
    coco_status status = check_extensions(cert, err);
    if (status == COCO_OK)
        *ret = coco_steal(&cert);
    return status;
}

/* Behind the last block there may be nothing but what editors, and quotes, put there. */
static coco_status
check_rest(const char *text, size_t len, coco_error **err)
{
    static const char end[] = "-----END " PEM_STRING_X509 "-----";
    const char *found;

    while ((found = memmem(text, len, end, strlen(end))) != NULL) {
        len -= (size_t)(found - text) + strlen(end);
        text = found + strlen(end);
    }
    for (size_t i = 0; i < len; i++)
        if (!memchr("\0\r\n\t ", text[i], 5))
            return coco_fail(err, COCO_ERR_PROTO, "more than certificates in the PEM text");
    return COCO_OK;
}

/* As finder has it, or read. */
static coco_status
find_or_parse(const struct coco_cert_finder *finder, const uint8_t *der, size_t len, X509 **ret,
              coco_error **err)
{
    _cleanup_cert_ X509 *cert = NULL;

    coco_status status = finder ? finder->find(finder->user, der, len, &cert, err) : COCO_OK;
    if (status == COCO_OK && !cert)
        status = parse_der(der, len, &cert, err);
    if (status == COCO_OK)
        *ret = coco_steal(&cert);
    return status;
}

/* Appends the certificate of the next block, or says that there is none. */
static coco_status
read_block(struct coco_pem_reader *reader, const struct coco_cert_finder *finder,
           struct coco_cert_chain *chain, bool *more, coco_error **err)
{
    _cleanup_pem_block_ struct coco_pem_block block = {0};
    _cleanup_cert_ X509 *cert = NULL;

    *more = coco_pem_next(reader, &block);
    if (!*more)
        return COCO_OK;
    if (strcmp(block.label, PEM_STRING_X509) != 0)
        return coco_fail(err, COCO_ERR_PROTO, "more than certificates in the PEM text");
    coco_status status = find_or_parse(finder, block.der, block.len, &cert, err);
    return status == COCO_OK ? coco_cert_chain_add(chain, &cert, err) : status;
}

coco_status
coco_cert_chain_parse_with(const void *text, size_t len, const struct coco_cert_finder *finder,
                           struct coco_cert_chain *chain, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_pem_reader_ struct coco_pem_reader reader = {0};
    size_t before = chain->n;
    bool more = true;

    if (len > COCO_CERT_CHAIN_MAX * COCO_CERT_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "PEM text of %zu bytes", len);
    coco_status status = coco_pem_begin(text, len, &reader, err);
    while (status == COCO_OK && more)
        status = read_block(&reader, finder, chain, &more, err);
    if (status != COCO_OK)
        return status;
    if (chain->n == before)
        return coco_fail(err, COCO_ERR_PROTO, "no certificate in the PEM text");
    return check_rest(text, len, err);
}

coco_status
coco_cert_chain_parse(const void *text, size_t len, struct coco_cert_chain *chain, coco_error **err)
{
    return coco_cert_chain_parse_with(text, len, NULL, chain, err);
}

coco_status
coco_cert_parse_with(const void *data, size_t len, const struct coco_cert_finder *finder,
                     X509 **ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};

    if (!is_pem(data, len))
        return find_or_parse(finder, data, len, ret, err);
    coco_status status = coco_cert_chain_parse_with(data, len, finder, &chain, err);
    if (status == COCO_OK && chain.n > 1)
        status = coco_fail(err, COCO_ERR_PROTO, "more than one certificate");
    if (status == COCO_OK)
        *ret = coco_steal(&chain.certs[0]);
    return status;
}

coco_status
coco_cert_parse(const void *data, size_t len, X509 **ret, coco_error **err)
{
    return coco_cert_parse_with(data, len, NULL, ret, err);
}

coco_status
coco_cert_fingerprint(X509 *cert, struct coco_digest *ret, coco_error **err)
{
    unsigned len = 0;
    struct coco_digest digest = {.alg = COCO_SHA256};

    if (X509_digest(cert, EVP_sha256(), digest.bytes, &len) != 1)
        return coco_fail_nomem(err);
    *ret = digest;
    return COCO_OK;
}

coco_status
coco_cert_subject(X509 *cert, struct coco_buf *buf, coco_error **err)
{
    X509_NAME *name = X509_get_subject_name(cert);
    char text[SUBJECT_MAX] = "";
    char escaped[SUBJECT_MAX];

    if (X509_NAME_get_text_by_NID(name, NID_commonName, text, sizeof(text)) >= 0) {
        coco_text_escape(text, strlen(text), escaped, sizeof(escaped));
        return coco_buf_printf(buf, err, "CN=%s", escaped);
    }
    if (!X509_NAME_oneline(name, text, sizeof(text)))
        return coco_fail_nomem(err);
    coco_text_escape(text, strlen(text), escaped, sizeof(escaped));
    return coco_buf_append_text(buf, escaped, err);
}

coco_status
coco_cert_key(X509 *cert, EVP_PKEY **ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_pkey_ EVP_PKEY *key = X509_get_pubkey(cert);

    if (!key)
        return coco_fail(err, COCO_ERR_PROTO, "certificate has no public key");
    coco_status status = coco_key_check(key, false, err);
    if (status == COCO_OK)
        *ret = coco_steal(&key);
    return status;
}

coco_status
coco_cert_extension(X509 *cert, const char *oid, const uint8_t **ret, size_t *len, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(ASN1_OBJECT_freep) ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);

    if (!object)
        return coco_fail_nomem(err);
    int at = X509_get_ext_by_OBJ(cert, object, -1);
    if (at < 0)
        return coco_fail(err, COCO_ERR_NOTFOUND, "certificate has no extension %s", oid);
    if (X509_get_ext_by_OBJ(cert, object, at) >= 0)
        return coco_fail(err, COCO_ERR_PROTO, "certificate has extension %s twice", oid);

    const ASN1_OCTET_STRING *content = X509_EXTENSION_get_data(X509_get_ext(cert, at));
    *ret = ASN1_STRING_get0_data(content);
    *len = (size_t)ASN1_STRING_length(content);
    return COCO_OK;
}

/* X509_cmp_time() says 0 for what is no time at all. */
static coco_status
check_dates(const ASN1_TIME *from, const ASN1_TIME *to, const char *what, int64_t now,
            coco_error **err)
{
    coco_ossl_errors_are_ours();
    time_t at = (time_t)now;
    int begun = X509_cmp_time(from, &at);
    int ended = to ? X509_cmp_time(to, &at) : 1;

    if (begun == 0 || ended == 0)
        return coco_fail(err, COCO_ERR_VERIFY, "%s has a date that is none", what);
    if (begun > 0)
        return coco_fail(err, COCO_ERR_VERIFY, "%s is not valid yet", what);
    if (ended < 0)
        return coco_fail(err, COCO_ERR_VERIFY, "%s has expired", what);
    return COCO_OK;
}

static coco_status
seconds_of(const ASN1_TIME *time, int64_t *ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    struct tm tm = {0};

    if (ASN1_TIME_to_tm(time, &tm) != 1)
        return coco_fail(err, COCO_ERR_PROTO, "a date that is none");
    *ret = (int64_t)timegm(&tm);
    return COCO_OK;
}

coco_status
coco_cert_dates(X509 *cert, int64_t *from, int64_t *to, coco_error **err)
{
    coco_status status = seconds_of(X509_get0_notBefore(cert), from, err);

    return status == COCO_OK ? seconds_of(X509_get0_notAfter(cert), to, err) : status;
}

coco_status
coco_crl_dates(X509_CRL *crl, int64_t *from, int64_t *to, coco_error **err)
{
    const ASN1_TIME *end = X509_CRL_get0_nextUpdate(crl);

    coco_status status = seconds_of(X509_CRL_get0_lastUpdate(crl), from, err);
    if (status != COCO_OK || end)
        return status == COCO_OK ? seconds_of(end, to, err) : status;
    *to = INT64_MAX;
    return COCO_OK;
}

coco_status
coco_crl_number(X509_CRL *crl, uint64_t *ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    int critical = 0;
    _cleanup_(ASN1_INTEGER_freep) ASN1_INTEGER *number =
        X509_CRL_get_ext_d2i(crl, NID_crl_number, &critical, NULL);

    if (!number && critical == -1)
        return coco_fail(err, COCO_ERR_NOTFOUND, "revocation list has no number");
    if (!number || ASN1_INTEGER_get_uint64(ret, number) != 1)
        return coco_fail(err, COCO_ERR_PROTO, "revocation list has a number that is none");
    return COCO_OK;
}

coco_status
coco_cert_check_dates(X509 *cert, int64_t now, coco_error **err)
{
    _cleanup_buf_ struct coco_buf subject = {.limit = 2 * SUBJECT_MAX};

    coco_status status = coco_cert_subject(cert, &subject, err);
    if (status == COCO_OK)
        status = check_dates(X509_get0_notBefore(cert), X509_get0_notAfter(cert),
                             coco_buf_text(&subject), now, err);
    return status;
}

coco_status
coco_cert_chain_check_dates(const struct coco_cert_chain *chain, int64_t now, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < chain->n && status == COCO_OK; i++)
        status = coco_cert_check_dates(chain->certs[i], now, err);
    return status;
}

/* All but the leaf, lent. */
static STACK_OF(X509) * issuers_of(const struct coco_cert_chain *chain)
{
    _cleanup_(stack_freep) STACK_OF(X509) *issuers = sk_X509_new_null();

    for (size_t i = 1; issuers && i < chain->n; i++)
        if (sk_X509_push(issuers, chain->certs[i]) == 0)
            return NULL;
    return coco_steal(&issuers);
}

static coco_status
verify_links(X509_STORE_CTX *ctx, const struct coco_cert_chain *chain, coco_error **err)
{
    _cleanup_buf_ struct coco_buf subject = {.limit = 2 * SUBJECT_MAX};

    if (X509_verify_cert(ctx) == 1) {
        /* It looks for a way of its own, which must be the one that was given. */
        if ((size_t)sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) == chain->n)
            return COCO_OK;
        return coco_fail(err, COCO_ERR_VERIFY, "chain has certificates that are not part of it");
    }
    int code = X509_STORE_CTX_get_error(ctx);
    if (code == X509_V_ERR_OUT_OF_MEM)
        return coco_fail_nomem(err);
    X509 *at = X509_STORE_CTX_get_current_cert(ctx);
    coco_status status = coco_cert_subject(at ? at : chain->certs[0], &subject, err);
    if (status != COCO_OK)
        return status;
    return coco_fail(err, COCO_ERR_VERIFY, "%s: %s", coco_buf_text(&subject),
                     X509_verify_cert_error_string(code));
}

coco_status
coco_cert_chain_check_links(const struct coco_cert_chain *chain, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(stack_freep) STACK_OF(X509) *issuers = issuers_of(chain);
    _cleanup_(X509_STORE_freep) X509_STORE *store = X509_STORE_new();
    _cleanup_(X509_STORE_CTX_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();

    if (chain->n == 0)
        return coco_fail(err, COCO_ERR_VERIFY, "chain of no certificate");
    if (!issuers || !store || !ctx || X509_STORE_add_cert(store, chain->certs[chain->n - 1]) != 1
        || X509_STORE_CTX_init(ctx, store, chain->certs[0], issuers) != 1)
        return coco_fail_nomem(err);

    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    /* Not strictly: makers of chips leave out identifiers of keys, and count from serial 0. */
    if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME) != 1)
        return coco_fail_nomem(err);
    X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
    return verify_links(ctx, chain, err);
}

static coco_status
set_anchors(X509_STORE *store, const struct coco_cert_chain *anchors, coco_error **err)
{
    for (size_t i = 0; i < anchors->n; i++)
        if (X509_STORE_add_cert(store, anchors->certs[i]) != 1)
            return coco_fail_nomem(err);
    return COCO_OK;
}

coco_status
coco_cert_chain_check_anchored(const struct coco_cert_chain *chain,
                               const struct coco_cert_chain *anchors, int64_t now, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(stack_freep) STACK_OF(X509) *issuers = issuers_of(chain);
    _cleanup_(X509_STORE_freep) X509_STORE *store = X509_STORE_new();
    _cleanup_(X509_STORE_CTX_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    _cleanup_buf_ struct coco_buf subject = {.limit = 2 * SUBJECT_MAX};

    if (chain->n == 0)
        return coco_fail(err, COCO_ERR_VERIFY, "chain of no certificate");
    if (!issuers || !store || !ctx)
        return coco_fail_nomem(err);
    coco_status status = set_anchors(store, anchors, err);
    if (status != COCO_OK)
        return status;
    if (X509_STORE_CTX_init(ctx, store, chain->certs[0], issuers) != 1)
        return coco_fail_nomem(err);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
    if (now == COCO_CERT_ANY_TIME)
        flags |= X509_V_FLAG_NO_CHECK_TIME;
    else
        X509_VERIFY_PARAM_set_time(param, (time_t)now);
    if (X509_VERIFY_PARAM_set_flags(param, flags) != 1)
        return coco_fail_nomem(err);
    X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
    if (X509_verify_cert(ctx) == 1)
        return COCO_OK;
    int code = X509_STORE_CTX_get_error(ctx);
    if (code == X509_V_ERR_OUT_OF_MEM)
        return coco_fail_nomem(err);
    X509 *at = X509_STORE_CTX_get_current_cert(ctx);
    status = coco_cert_subject(at ? at : chain->certs[0], &subject, err);
    if (status != COCO_OK)
        return status;
    return coco_fail(err, COCO_ERR_VERIFY, "certificate '%s': %s", coco_buf_text(&subject),
                     X509_verify_cert_error_string(code));
}

bool
coco_cert_may_sign(X509 *cert)
{
    return (X509_get_key_usage(cert) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
}

bool
coco_cert_may_sign_code(X509 *cert)
{
    return (X509_get_extension_flags(cert) & EXFLAG_XKUSAGE)
           && (X509_get_extended_key_usage(cert) & XKU_CODE_SIGN);
}

bool
coco_cert_may_issue_for_code(X509 *cert)
{
    return !coco_cert_says_use(cert)
           || (X509_get_extended_key_usage(cert) & (XKU_CODE_SIGN | XKU_ANYEKU)) != 0;
}

bool
coco_cert_says_use(X509 *cert)
{
    return (X509_get_extension_flags(cert) & EXFLAG_XKUSAGE) != 0;
}

X509 *
coco_cert_issuer_in(X509 *cert, const struct coco_cert_chain *chain)
{
    coco_ossl_errors_are_ours();

    for (size_t i = 0; i < chain->n; i++)
        if (X509_check_issued(chain->certs[i], cert) == X509_V_OK
            && X509_verify(cert, X509_get0_pubkey(chain->certs[i])) == 1)
            return chain->certs[i];
    return NULL;
}

static const ASN1_IA5STRING *
text_of(const GENERAL_NAME *name, int type)
{
    if (name->type != type)
        return NULL;
    return type == GEN_URI ? name->d.uniformResourceIdentifier : name->d.rfc822Name;
}

static bool
has_name(X509 *cert, int type, const char *wanted)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    size_t len = strlen(wanted);
    bool found = false;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const ASN1_IA5STRING *text = text_of(sk_GENERAL_NAME_value(names, i), type);

        found = found
                || (text && (size_t)ASN1_STRING_length(text) == len
                    && strncmp((const char *)ASN1_STRING_get0_data(text), wanted, len) == 0);
    }
    GENERAL_NAMES_free(names);
    return found;
}

bool
coco_cert_is_for(X509 *cert, enum coco_cert_name kind, const char *name)
{
    coco_ossl_errors_are_ours();

    if (!*name)
        return false;
    if (kind != COCO_CERT_HOST)
        return has_name(cert, kind == COCO_CERT_URI ? GEN_URI : GEN_EMAIL, name);
    /* An address is no name of a host, and a name that begins with a dot would be any below it. */
    if (X509_check_ip_asc(cert, name, 0) == 1)
        return true;
    if (name[0] == '.' || name[strspn(name, "0123456789.")] == '\0')
        return false;
    return X509_check_host(
               cert, name, strlen(name),
               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL)
           == 1;
}

/* RFC 5280 section 5.2: a list of changes, or of some reasons only, says so there. */
static coco_status
check_crl_extensions(X509_CRL *crl, coco_error **err)
{
    for (int i = 0; i < X509_CRL_get_ext_count(crl); i++)
        if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i)))
            return coco_fail(err, COCO_ERR_PROTO,
                             "revocation list has an extension that is not known here");
    return COCO_OK;
}

coco_status
coco_crl_parse(const void *data, size_t len, X509_CRL **ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    const uint8_t *p = data;
    _cleanup_crl_ X509_CRL *crl = NULL;
    _cleanup_(BIO_free_allp) BIO *bio = NULL;

    if (len > COCO_CRL_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "revocation list of more than %zu bytes",
                         COCO_CRL_SIZE_MAX);
    if (is_pem(data, len)) {
        bio = BIO_new_mem_buf(data, (int)len);
        if (!bio)
            return coco_fail_nomem(err);
        crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
    } else {
        crl = d2i_X509_CRL(NULL, &p, (long)len);
        if (p != (const uint8_t *)data + len) {
            X509_CRL_free(crl);
            crl = NULL;
        }
    }
    if (!crl)
        return coco_fail(err, COCO_ERR_PROTO, "not a list of revoked certificates");
    coco_status status = check_crl_extensions(crl, err);
    if (status == COCO_OK)
        *ret = coco_steal(&crl);
    return status;
}

coco_status
coco_crl_check_issuer(X509_CRL *crl, X509 *issuer, coco_error **err)
{
    coco_ossl_errors_are_ours();
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    uint32_t usage = X509_get_key_usage(issuer);

    if (!key || X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "revocation list is of another issuer");
    if (!(usage & KU_CRL_SIGN))
        return coco_fail(err, COCO_ERR_VERIFY, "issuer may not sign revocation lists");
    if (X509_CRL_verify(crl, key) != 1)
        return coco_fail(err, COCO_ERR_VERIFY, "revocation list is not signed by its issuer");
    return COCO_OK;
}

coco_status
coco_crl_check_dates(X509_CRL *crl, int64_t now, coco_error **err)
{
    return check_dates(X509_CRL_get0_lastUpdate(crl), X509_CRL_get0_nextUpdate(crl),
                       "revocation list", now, err);
}

static coco_status
fail_revoked(X509 *cert, coco_error **err)
{
    _cleanup_buf_ struct coco_buf subject = {.limit = 2 * SUBJECT_MAX};

    coco_status status = coco_cert_subject(cert, &subject, err);
    if (status != COCO_OK)
        return status;
    return coco_fail(err, COCO_ERR_VERIFY, "%s is revoked", coco_buf_text(&subject));
}

coco_status
coco_crl_check_cert(X509_CRL *crl, X509 *cert, coco_error **err)
{
    coco_ossl_errors_are_ours();
    X509_REVOKED *revoked = NULL;

    return X509_CRL_get0_by_cert(crl, &revoked, cert) == 0 ? COCO_OK : fail_revoked(cert, err);
}

coco_status
coco_crl_check_serial(X509_CRL *crl, X509 *cert, coco_error **err)
{
    coco_ossl_errors_are_ours();
    X509_REVOKED *revoked = NULL;

    if (X509_CRL_get0_by_serial(crl, &revoked, X509_get_serialNumber(cert)) == 0)
        return COCO_OK;
    return fail_revoked(cert, err);
}
