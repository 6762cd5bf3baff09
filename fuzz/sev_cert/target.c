/*
 * fuzz/sev_cert/target.c - certificates of AMD SEV, in AMD's own format
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/sev_evidence.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
use_chain(const uint8_t *data, size_t len, const struct coco_sev_chain *chain)
{
    _cleanup_buf_ struct coco_buf back = {.limit = len + 1};
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    if (coco_sev_chain_format(chain, &back, NULL) != COCO_OK || back.len != len
        || memcmp(back.data, data, len) != 0)
        abort();
    if (coco_sev_cert_key(&chain->pek, &key, NULL) == COCO_OK)
        (void)coco_sev_cert_check(&chain->pdh, COCO_SEV_PEK, key, NULL);
    if (chain->has_cas)
        (void)coco_sev_ca_check(&chain->ask, &chain->ark, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct coco_sev_chain chain;
    struct coco_sev_cert cert;
    struct coco_sev_ca ca;
    size_t size = 0;

    if (coco_sev_chain_parse(data, len, &chain, NULL) == COCO_OK)
        use_chain(data, len, &chain);
    if (coco_sev_cert_parse(data, len, &cert, NULL) == COCO_OK) {
        uint8_t back[COCO_SEV_CERT_SIZE];

        coco_sev_cert_format(&cert, back);
        if (memcmp(back, data, sizeof(back)) != 0)
            abort();
    }
    if (coco_sev_ca_parse(data, len, &ca, &size, NULL) == COCO_OK) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;

        if (size > len)
            abort();
        (void)coco_sev_ca_key(&ca, &key, NULL);
    }
    return 0;
}
