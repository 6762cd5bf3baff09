/*
 * fuzz/certificates/target.c - a client certificate goes with its own key alone
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/peer.h"

#include "crypto/key.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Certificates, and behind a NUL the key that is said to be the first's. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(coco_certificates_freep) STACK_OF(X509) *certs = NULL;
    _cleanup_peer_ struct coco_peer peer = {0};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    const uint8_t *end = len > 0 ? memchr(data, '\0', len) : NULL;
    size_t n = end ? (size_t)(end - data) : len;

    ERR_clear_error();
    coco_status status = coco_certificates_parse(data, n, &certs, NULL);
    if ((status == COCO_OK) != (certs != NULL) || ERR_peek_error() != 0)
        abort();
    if (coco_peer_add_roots(&peer, data, n, NULL) != status
        || sk_X509_num(peer.roots) != sk_X509_num(certs))
        abort();
    if (!end || coco_key_parse_private(end + 1, len - n - 1, &key, NULL) != COCO_OK)
        return 0;
    status = coco_peer_add_pair(&peer, data, n, key, NULL);
    if ((status == COCO_OK) != (peer.n_pairs == 1) || ERR_peek_error() != 0)
        abort();
    if (status != COCO_OK)
        return 0;
    if (EVP_PKEY_eq(X509_get0_pubkey(sk_X509_value(certs, 0)), key) != 1
        || sk_X509_num(peer.pairs[0].chain) != sk_X509_num(certs) - 1)
        abort();
    return 0;
}
