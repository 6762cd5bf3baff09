/*
 * fuzz/cms/target.c - an envelope opens for the holder of its key only, whatever its form
 *
 * The certificate that a corpus is for is always called the same; its key is another in
 * each run, so that nothing may open.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/cms.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static X509 *
make_cert(EVP_PKEY *key)
{
    X509 *cert = X509_new();

    if (!cert || ASN1_INTEGER_set(X509_get_serialNumber(cert), 7) != 1
        || X509_set_pubkey(cert, key) != 1
        || X509_NAME_add_entry_by_txt(X509_get_issuer_name(cert), "CN", MBSTRING_UTF8,
                                      (const unsigned char *)"a", -1, -1, 0)
               != 1)
        abort();
    return cert;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static EVP_PKEY *key;
    static X509 *cert;
    _cleanup_secret_ struct coco_secret secret = {0};
    coco_error *err = NULL;

    if (!key) {
        key = EVP_RSA_gen(2048);
        if (!key)
            abort();
        cert = make_cert(key);
    }
    if (coco_cms_decrypt(data, len, cert, key, &secret, &err) == COCO_OK || secret.data)
        abort();
    coco_error_free(err);
    return 0;
}
