/*
 * verifier/chain.c - whether certificates lead to a root, and none of them is revoked
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"
#include "verifier/driver.h"

#include <stdio.h>

const struct coco_chain_checks coco_evidence_chain = {
    .root = "root",
    .links = "certificates",
    .dates = "certificate-dates",
};

/* Whether it is trusted goes to *ret, too. */
static coco_status
check_root(const struct coco_verification *verification, coco_verdict *verdict, const char *name,
           const char *maker, X509 *root, bool *ret, coco_error **err)
{
    struct coco_digest fingerprint = {0};
    char got[COCO_DIGEST_TEXT_SIZE];
    char want[80];

    coco_status status = coco_cert_fingerprint(root, &fingerprint, err);
    if (status != COCO_OK)
        return status;
    coco_digest_format(&fingerprint, got);
    (void)snprintf(want, sizeof(want), "a root of %s", maker);
    *ret = coco_verifier_trusts_root(verification->verifier, maker, &fingerprint);
    return coco_verdict_add(verdict, name, *ret, want, got, err);
}

coco_status
coco_check_chain(const struct coco_verification *verification, coco_verdict *verdict,
                 const struct coco_chain_checks *names, const char *maker,
                 const struct coco_cert_chain *chain, coco_error **err)
{
    struct coco_known *known = coco_verifier_known(verification->verifier);
    coco_error *why = NULL;
    bool trusted = false;

    if (chain->n == 0)
        return coco_verdict_add(verdict, names->links, false, "a chain of certificates", "none",
                                err);
    coco_status status = check_root(verification, verdict, names->root, maker,
                                    chain->certs[chain->n - 1], &trusted, err);
    if (status != COCO_OK)
        return status;
    coco_status linked = coco_known_check_links(known, chain, &why);
    status = coco_verdict_add_outcome(verdict, names->links, "each signed by the next", linked,
                                      &why, err);
    if (status == COCO_OK && linked == COCO_OK && trusted)
        status = coco_known_keep(known, chain, err);
    if (status != COCO_OK)
        return status;
    return coco_verdict_add_outcome(verdict, names->dates, "all valid now",
                                    coco_cert_chain_check_dates(chain, verification->now, &why),
                                    &why, err);
}

coco_status
coco_check_revoked(const struct coco_verification *verification, coco_verdict *verdict,
                   X509_CRL *crl, coco_error **why, X509 *issuer, X509 *cert, coco_error **err)
{
    static const char list[] = "a list of its issuer, up to date";

    if (!crl)
        return coco_verdict_add_outcome(verdict, "revocation-list", list,
                                        *why ? coco_error_status(*why) : COCO_ERR_NOTFOUND, why,
                                        err);
    coco_status status =
        coco_known_check_crl_issuer(coco_verifier_known(verification->verifier), crl, issuer, why);
    if (status == COCO_OK)
        status = coco_crl_check_dates(crl, verification->now, why);
    status = coco_verdict_add_outcome(verdict, "revocation-list", list, status, why, err);
    if (status != COCO_OK)
        return status;
    return coco_verdict_add_outcome(verdict, "revoked", "not revoked",
                                    coco_crl_check_cert(crl, cert, why), why, err);
}
