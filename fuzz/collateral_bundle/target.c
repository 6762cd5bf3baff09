/*
 * fuzz/collateral_bundle/target.c - what a bundle gives is what was signed, byte by byte
 *
 * The input is an index, a line's end, and the items: the target signs the index, for
 * the signature is looked at before anything else. Without one, nothing is taken.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/bundle.h"

#include "base/base64.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static EVP_PKEY *key;

static void
sign(const uint8_t *data, size_t len, struct coco_buf *bundle)
{
    _cleanup_buf_ struct coco_buf sig = {.limit = 64};
    const uint8_t *end = memchr(data, '\n', len);
    size_t index = end ? (size_t)(end - data) : len;

    if (coco_key_sign(key, data, index, &sig, NULL) != COCO_OK
        || coco_buf_append(bundle, data, index, NULL) != COCO_OK
        || coco_buf_append_text(bundle, "\n", NULL) != COCO_OK
        || coco_base64_encode(COCO_BASE64URL, sig.data, sig.len, bundle, NULL) != COCO_OK
        || coco_buf_append_text(bundle, "\n", NULL) != COCO_OK
        || (end && coco_buf_append(bundle, end + 1, len - index - 1, NULL) != COCO_OK))
        abort();
}

/* What was taken, written again, is taken again. */
static void
check(const struct coco_items *items, int64_t created)
{
    _cleanup_buf_ struct coco_buf again = {.limit = COCO_BUNDLE_MAX};
    _cleanup_items_ struct coco_items back = {0};
    int64_t when = 0;

    if (coco_bundle_write(items, key, created, &again, NULL) != COCO_OK
        || coco_bundle_parse(again.data, again.len, key, &back, &when, NULL) != COCO_OK
        || back.n != items->n || when != created)
        abort();
    for (size_t i = 0; i < items->n; i++)
        if (strcmp(back.list[i].name, items->list[i].name) != 0
            || back.list[i].fetched != items->list[i].fetched
            || back.list[i].data.len != items->list[i].data.len)
            abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_buf_ struct coco_buf bundle = {.limit = COCO_BUNDLE_MAX};
    _cleanup_items_ struct coco_items items = {0};
    _cleanup_items_ struct coco_items none = {0};
    int64_t created = 0;

    if (!key && coco_key_generate(COCO_KEY_ED25519, &key, NULL) != COCO_OK)
        abort();
    if (coco_bundle_parse(data, len, key, &none, NULL, NULL) == COCO_OK)
        abort();
    sign(data, len, &bundle);
    if (coco_bundle_parse(bundle.data, bundle.len, key, &items, &created, NULL) == COCO_OK)
        check(&items, created);
    return 0;
}
