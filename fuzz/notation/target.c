/*
 * fuzz/notation/target.c - an envelope of Notation whose certificate is another is never accepted
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/notation.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(struct coco_notation *notation)
{
    static EVP_PKEY *key;
    static X509 *other;
    struct coco_digest digest = {0};
    bool is = false;

    if (!key) {
        other = X509_new();
        if (!other || coco_key_generate(COCO_KEY_P256, &key, NULL) != COCO_OK
            || X509_set_pubkey(other, key) != 1)
            abort();
    }
    if (notation->signer.cert
        && coco_notation_is_identity(notation->signer.cert, "x509.subject: C=AQ, ST=x, O=nobody",
                                     &is, NULL)
               == COCO_OK
        && is)
        abort();
    (void)coco_notation_target(notation, &digest, NULL);
    X509_free(notation->signer.cert);
    notation->signer.cert = other;
    if (X509_up_ref(other) != 1 || coco_notation_check_signature(notation, NULL) == COCO_OK)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_notation_ struct coco_notation jws = {0};
    _cleanup_notation_ struct coco_notation cose = {0};

    if (coco_notation_parse_jws(data, len, &jws, NULL) == COCO_OK)
        check(&jws);
    if (coco_notation_parse_cose(data, len, &cose, NULL) == COCO_OK)
        check(&cose);
    return 0;
}
