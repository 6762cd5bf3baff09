/*
 * fuzz/sigstore_bundle/target.c - no bundle is accepted by a key that is not its signer's
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/bundle.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct coco_trust trust;
    static EVP_PKEY *key;
    _cleanup_sigstore_bundle_ struct coco_sigstore_bundle bundle = {0};
    _cleanup_statement_ struct coco_statement statement = {0};
    coco_error *err = NULL;

    if (!key) {
        if (coco_key_generate(COCO_KEY_P256, &key, NULL) != COCO_OK)
            abort();
        trust.keys.list[0] = key;
        trust.keys.n = 1;
    }
    if (coco_sigstore_bundle_parse((const char *)data, len, &bundle, &err) != COCO_OK) {
        if (bundle.signer.cert || bundle.envelope.payload.data || bundle.message.signature.data)
            abort();
        coco_error_free(err);
        return 0;
    }
    if (bundle.is_message) {
        if (coco_blob_signature_check(&bundle.message, &bundle.signer, &trust, NULL, NULL)
            == COCO_OK)
            abort();
        return 0;
    }
    const struct coco_dsse *dsse = &bundle.envelope;
    if (coco_signer_check_signature(&bundle.signer, &trust, &dsse->signed_data, &dsse->signature,
                                    NULL, NULL)
        == COCO_OK)
        abort();
    (void)coco_statement_parse(coco_buf_text(&dsse->payload), dsse->payload.len, &statement, NULL);
    return 0;
}
