/*
 * fuzz/cert_chain/target.c - certificates and lists of revoked ones, as evidence brings them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/cert.h"
#include "crypto/key.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define NOW 1767225600 /* 2026-01-01 */

static void
use_cert(X509 *cert)
{
    _cleanup_buf_ struct coco_buf subject = {.limit = 1024};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    struct coco_digest fingerprint;
    const uint8_t *content = NULL;
    size_t content_len = 0;

    if (coco_cert_fingerprint(cert, &fingerprint, NULL) != COCO_OK
        || coco_cert_subject(cert, &subject, NULL) != COCO_OK)
        abort();
    (void)coco_cert_key(cert, &key, NULL);
    (void)coco_cert_extension(cert, "2.5.29.19", &content, &content_len, NULL);
    (void)coco_cert_check_dates(cert, NOW, NULL);
}

/* What has links is signed to its end: then a chain without its leaf has them, too. */
static void
use_chain(struct coco_cert_chain *chain)
{
    if (chain->n == 0 || coco_cert_chain_check_links(chain, NULL) != COCO_OK)
        return;
    struct coco_cert_chain shorter = {.n = chain->n - 1};
    for (size_t i = 0; i < shorter.n; i++)
        shorter.certs[i] = chain->certs[i + 1];
    if (shorter.n > 0 && coco_cert_chain_check_links(&shorter, NULL) != COCO_OK)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    _cleanup_cert_ X509 *cert = NULL;
    _cleanup_crl_ X509_CRL *crl = NULL;

    (void)coco_cert_chain_parse(data, len, &chain, NULL);
    for (size_t i = 0; i < chain.n; i++)
        use_cert(chain.certs[i]);
    use_chain(&chain);
    if (coco_cert_parse(data, len, &cert, NULL) == COCO_OK)
        use_cert(cert);
    if (coco_crl_parse(data, len, &crl, NULL) == COCO_OK) {
        (void)coco_crl_check_dates(crl, NOW, NULL);
        if (cert)
            (void)coco_crl_check_cert(crl, cert, NULL);
    }
    return 0;
}
