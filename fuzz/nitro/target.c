/*
 * fuzz/nitro/target.c - attestation documents of AWS Nitro Enclaves
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/nitro.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What was read can be written, and that is read again: it is the same but for open lengths. */
static void
write_again(const struct coco_nitro_document *document)
{
    _cleanup_buf_ struct coco_buf payload = {.limit = COCO_CBOR_SIZE_MAX};
    struct coco_cbor map;

    if (coco_nitro_payload_format(document, &payload, NULL) != COCO_OK
        || coco_cbor_parse(payload.data, payload.len, "payload", &map, NULL) != COCO_OK)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    struct coco_nitro_document document;

    if (coco_nitro_document_parse(data, len, &document, NULL) != COCO_OK)
        return 0;
    if (document.pcrs[0].len != COCO_NITRO_PCR_SIZE || document.n_cabundle == 0
        || document.nonce.len > COCO_NITRO_FIELD_MAX)
        abort();
    write_again(&document);
    (void)coco_nitro_chain(&document, &chain, NULL);
    return 0;
}
