/*
 * fuzz/collateral_answer/target.c - answers of the makers' services become items or nothing
 *
 * The first byte says what was asked, the first line behind it is the header, and the
 * rest the body.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/answer.h"

#include "collateral/expiry.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const names[] = {
    "intel/root-ca.crl",
    "intel/tdx/tcb-info/00a06d080000.json",
    "intel/sgx/qe-identity.json",
    "amd/Milan/vcek/chain.pem",
    "amd/Turin/vcek/0011223344556677/bl01_tee01_snp01_ucode70_fmc03.der",
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_items_ struct coco_items items = {0};
    struct coco_request request;

    if (len == 0)
        return 0;
    if (coco_request_for(names[data[0] % (sizeof(names) / sizeof(names[0]))], false, &request, NULL)
        != COCO_OK)
        abort();
    const uint8_t *line = data + 1;
    const uint8_t *end = memchr(line, '\n', len - 1);
    _cleanup_free_ char *header = end ? strndup((const char *)line, (size_t)(end - line)) : NULL;
    const uint8_t *body = end ? end + 1 : line;
    if (coco_answer_parse(&request, header, body, (size_t)(data + len - body), &items, NULL)
        != COCO_OK) {
        if (items.n > 0)
            abort();
        return 0;
    }
    if (items.n != (request.chain_header ? 2 : 1))
        abort();
    for (size_t i = 0; i < items.n; i++) {
        const struct coco_item *item = &items.list[i];
        int64_t expires = 0;

        if (coco_collateral_expiry(item->name, item->data.data, item->data.len, &expires, NULL)
                != COCO_OK
            || expires != item->expires)
            abort();
    }
    return 0;
}
