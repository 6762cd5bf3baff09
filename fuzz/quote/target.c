/*
 * fuzz/quote/target.c - quotes of Intel SGX and TDX, and TDREPORTs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/quote.h"
#include "tee/tdreport.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is read is written as it was. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_buf_ struct coco_buf again = {.limit = 2 * COCO_QUOTE_SIZE_MAX};
    struct coco_tdreport report;
    struct coco_quote quote = {0};
    uint8_t hash[32];

    (void)coco_tdreport_parse(data, len, &report, NULL);
    if (coco_quote_parse(data, len, &quote, NULL) != COCO_OK)
        return 0;
    if (quote.len > len || coco_quote_key_hash(&quote, hash, NULL) != COCO_OK
        || coco_quote_format(&quote, &again, NULL) != COCO_OK || again.len != quote.len
        || memcmp(again.data, data, again.len) != 0)
        abort();
    return 0;
}
