/*
 * signature/certificate.c - certificates of those who sign, as Fulcio and others make them
 *
 * Sources: fulcio docs/oid-info.md; containers/image, signature/fulcio_cert.go, pki_cert.go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/signer.h"

#include "base/fail.h"
#include "crypto/der.h"
#include "crypto/sct.h"

#include <string.h>

#define OID_ISSUER "1.3.6.1.4.1.57264.1.1"    /* the text itself */
#define OID_ISSUER_V2 "1.3.6.1.4.1.57264.1.8" /* a UTF8String */
#define DER_UTF8 0x0c

/* Whether an extension, if there is one, says issuer; *there says that it is. */
static coco_status
check_issuer_in(X509 *cert, const char *oid, bool is_der, const char *issuer, bool *there,
                coco_error **err)
{
    coco_error *cause = NULL;
    const uint8_t *data = NULL;
    size_t len = 0;
    bool missing = false;

    coco_status status = coco_cert_extension(cert, oid, &data, &len, &cause);
    if (status != COCO_OK)
        return coco_forgive(cause, COCO_ERR_NOTFOUND, &missing, err);
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_reader text = is_der ? coco_der_read(&r, DER_UTF8) : r;
    if (is_der) {
        status = coco_reader_finish(&r, "issuer", err);
        if (status != COCO_OK)
            return status;
    }
    *there = true;
    if (coco_der_is(&text, issuer, strlen(issuer)))
        return COCO_OK;
    return coco_fail(err, COCO_ERR_VERIFY, "the identity is of the issuer '%.*s', not '%s'",
                     (int)(text.len < 200 ? text.len : 200), (const char *)text.data, issuer);
}

/* Both forms, where there are both: they must agree. */
static coco_status
check_issuer(X509 *cert, const char *issuer, coco_error **err)
{
    bool there = false;

    coco_status status = check_issuer_in(cert, OID_ISSUER, false, issuer, &there, err);
    if (status == COCO_OK)
        status = check_issuer_in(cert, OID_ISSUER_V2, true, issuer, &there, err);
    if (status == COCO_OK && !there)
        status = coco_fail(err, COCO_ERR_VERIFY, "the certificate says no issuer of the identity");
    return status;
}

static coco_status
check_subject(X509 *cert, const struct coco_trust *trust, coco_error **err)
{
    const struct {
        enum coco_cert_name kind;
        const char *name;
    } wanted[] = {
        {COCO_CERT_EMAIL, trust->email},
        {COCO_CERT_URI, trust->uri},
        {COCO_CERT_HOST, trust->host},
    };
    bool any = false;

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (!wanted[i].name)
            continue;
        any = true;
        if (!coco_cert_is_for(cert, wanted[i].kind, wanted[i].name))
            return coco_fail(err, COCO_ERR_VERIFY, "the certificate is not for '%.200s'",
                             wanted[i].name);
    }
    return any ? COCO_OK : coco_fail(err, COCO_ERR_INVALID, "nobody is named who may sign");
}

/*
 * What may stand between the leaf and its authority, with the leaf in front. Of those between, one
 * that says what it issues for and not for signing code is left out if for_code: the authority of
 * somebody's servers is not that of their images. OpenSSL looks at that of the leaf alone.
 */
static coco_status
make_chain(const struct coco_signer *signer, const struct coco_trust *trust, bool for_code,
           struct coco_cert_chain *ret, coco_error **err)
{
    const struct coco_cert_chain leaf = {{signer->cert}, 1};
    const struct coco_cert_chain *const parts[] = {&leaf, &signer->chain, &trust->between};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        for (size_t j = 0; j < parts[i]->n; j++) {
            X509 *cert = parts[i]->certs[j];

            if (for_code && i > 0 && !coco_cert_may_issue_for_code(cert))
                continue;
            if (ret->n == COCO_CERT_CHAIN_MAX)
                return coco_fail(err, COCO_ERR_LIMIT, "chain of more than %d certificates",
                                 COCO_CERT_CHAIN_MAX);
            if (X509_up_ref(cert) != 1)
                return coco_fail_nomem(err);
            coco_status status = coco_cert_chain_add(ret, &cert, err);
            if (status != COCO_OK)
                return status;
        }
    return COCO_OK;
}

/* At one time, by any of the authorities that were in use. */
static coco_status
check_at(const struct coco_cert_chain *chain, const struct coco_trust *trust, int64_t time,
         const struct coco_authority **ret, coco_error **err)
{
    coco_error *kept = NULL;
    coco_status status = COCO_OK;

    for (size_t i = 0; i < trust->n_authorities; i++) {
        const struct coco_authority *authority = &trust->authorities[i];

        if (time != COCO_CERT_ANY_TIME && (time < authority->from || time > authority->to))
            continue;
        coco_error_free(kept);
        kept = NULL;
        status = coco_cert_chain_check_anchored(chain, &authority->chain, time, &kept);
        *ret = authority;
        if (status == COCO_OK || status == COCO_ERR_NOMEM) {
            coco_error_give(err, kept);
            return status;
        }
    }
    if (!kept)
        return coco_fail(err, COCO_ERR_VERIFY, "no certificate authority was in use then");
    coco_error_give(err, kept);
    return status;
}

static coco_status
check_promise(const struct coco_cert_chain *chain, const struct coco_authority *authority,
              const struct coco_trust *trust, coco_error **err)
{
    struct coco_ct_log logs[COCO_TRUST_MAX];
    X509 *issuer = coco_cert_issuer_in(chain->certs[0], &authority->chain);
    int64_t time = 0;

    for (size_t i = 0; i < trust->n_ct_logs; i++) {
        logs[i].key = trust->ct_logs[i].key;
        memcpy(logs[i].id, trust->ct_logs[i].id, sizeof(logs[i].id));
    }
    if (!issuer)
        issuer = coco_cert_issuer_in(chain->certs[0], chain);
    if (!issuer)
        return coco_fail(err, COCO_ERR_VERIFY, "the certificate's issuer is not there");
    coco_status status =
        coco_sct_check(chain->certs[0], issuer, logs, trust->n_ct_logs, &time, err);
    /* No promise is no reason to look elsewhere: it is a refusal. */
    if (status == COCO_ERR_NOTFOUND)
        return coco_wrap(err, status, "no log of certificates promised to keep it");
    return status;
}

/* Fulcio says what its certificates are for; those of a PKI may be for anything. */
static bool
may_sign(X509 *cert, bool is_pki)
{
    return coco_cert_may_sign_code(cert) || (is_pki && !coco_cert_says_use(cert));
}

coco_status
coco_signer_check_certificate(const struct coco_signer *signer, const struct coco_trust *trust,
                              int64_t now, struct coco_buf *detail, coco_error **err)
{
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    const struct coco_authority *authority = NULL;
    const int64_t *times = trust->is_pki ? &now : signer->times;
    size_t n = trust->is_pki ? 1 : signer->n_times;

    if (n == 0)
        return coco_fail(err, COCO_ERR_VERIFY, "nothing proves when it was used");
    coco_status status = make_chain(signer, trust, true, &chain, err);
    for (size_t i = 0; status == COCO_OK && i < n; i++)
        status = check_at(&chain, trust, times[i], &authority, err);
    if (status == COCO_ERR_VERIFY && chain.n < 1 + signer->chain.n + trust->between.n)
        return coco_wrap(err, status, "without those between that are not for signing code");
    if (status == COCO_OK && !may_sign(signer->cert, trust->is_pki))
        status = coco_fail(err, COCO_ERR_VERIFY, "the certificate is not for signing code");
    if (status == COCO_OK && trust->n_ct_logs > 0)
        status = check_promise(&chain, authority, trust, err);
    if (status == COCO_OK && trust->issuer)
        status = check_issuer(signer->cert, trust->issuer, err);
    if (status == COCO_OK)
        status = check_subject(signer->cert, trust, err);
    if (status != COCO_OK)
        return status;
    return coco_buf_printf(detail, err, "%.200s",
                           trust->email ? trust->email : (trust->uri ? trust->uri : trust->host));
}

coco_status
coco_signer_check_chain(const struct coco_signer *signer, const struct coco_trust *trust,
                        struct coco_buf *detail, coco_error **err)
{
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    const struct coco_authority *authority = NULL;

    coco_status status = make_chain(signer, trust, false, &chain, err);
    if (status == COCO_OK)
        status = check_at(&chain, trust, COCO_CERT_ANY_TIME, &authority, err);
    if (status == COCO_OK && !may_sign(signer->cert, true))
        status = coco_fail(err, COCO_ERR_VERIFY, "the certificate is not for signing code");
    return status == COCO_OK ? coco_cert_subject(signer->cert, detail, err) : status;
}

coco_status
coco_signer_check_times(const struct coco_signer *signer, const struct coco_trust *trust,
                        coco_error **err)
{
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    const struct coco_authority *authority = NULL;

    if (signer->n_times == 0)
        return coco_fail(err, COCO_ERR_VERIFY, "nothing proves when it was used");
    coco_status status = make_chain(signer, trust, false, &chain, err);
    for (size_t i = 0; status == COCO_OK && i < signer->n_times; i++) {
        status = check_at(&chain, trust, signer->times[i], &authority, err);
        if (status == COCO_OK)
            status = coco_cert_chain_check_dates(&chain, signer->times[i], err);
    }
    return status;
}
