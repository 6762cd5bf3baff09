/*
 * fuzz/snp_certs/target.c - the table of certificates that a host gives to a guest
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/snp_certs.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_snp_certs_ struct coco_snp_certs certs = {0};
    _cleanup_snp_certs_ struct coco_snp_certs again = {0};
    _cleanup_buf_ struct coco_buf bytes = {.limit = 2 * COCO_SNP_CERT_TABLE_MAX};

    if (coco_snp_certs_parse(data, len, &certs, NULL) != COCO_OK)
        return 0;
    /* Entries may share bytes, so what is written may be longer than what was read. */
    if (coco_snp_certs_format(&certs, &bytes, NULL) != COCO_OK)
        abort();
    if (bytes.len > COCO_SNP_CERT_TABLE_MAX)
        return 0;
    if (coco_snp_certs_parse(bytes.data, bytes.len, &again, NULL) != COCO_OK || again.n != certs.n)
        abort();
    for (size_t i = 0; i < certs.n; i++)
        if (again.list[i].kind != certs.list[i].kind
            || again.list[i].data.len != certs.list[i].data.len)
            abort();
    return 0;
}
