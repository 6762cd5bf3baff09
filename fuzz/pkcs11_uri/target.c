/*
 * fuzz/pkcs11_uri/target.c - a URI of PKCS#11 is read without harm
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/pkcs11_uri.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(const char *text, size_t size)
{
    size_t len = strnlen(text, size);

    if (len == size || !coco_utf8_valid(text, len))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_free_ char *text = strndup((const char *)data, len);
    struct coco_pkcs11_uri uri;

    if (!text)
        return 0;
    coco_status status = coco_pkcs11_uri_parse(text, &uri, NULL);
    if (status != COCO_OK) {
        if (status != COCO_ERR_INVALID)
            abort();
        return 0;
    }
    check(uri.token, sizeof(uri.token));
    check(uri.serial, sizeof(uri.serial));
    check(uri.manufacturer, sizeof(uri.manufacturer));
    check(uri.model, sizeof(uri.model));
    check(uri.pin_file, sizeof(uri.pin_file));
    check(uri.module_path, sizeof(uri.module_path));
    if (uri.module_path[0] != '/')
        abort();
    return 0;
}
