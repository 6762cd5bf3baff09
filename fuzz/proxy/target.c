/*
 * fuzz/proxy/target.c - a proxy's URL gives user and password away to nobody
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/proxy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
is_text(const struct coco_secret *secret)
{
    return !secret->data
           || (!memchr(secret->data, '\0', secret->len) && secret->data[secret->len] == '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_proxies_ struct coco_proxies proxies = {0};
    _cleanup_proxies_ struct coco_proxies again = {0};
    _cleanup_free_ char *text = strndup((const char *)data, len);
    const struct coco_proxy *proxy = &proxies.secure;

    if (!text)
        abort();
    coco_status status = coco_proxies_set(text, text, &proxies, NULL);
    if (status != COCO_OK || !proxy->url) {
        if (proxy->user.data || proxy->password.data || (status == COCO_OK && *text))
            abort();
        return 0;
    }
    if (strchr(proxy->url, '@') || !is_text(&proxy->user) || !is_text(&proxy->password)
        || strcmp(proxies.except, text) != 0)
        abort();
    /* What libcurl will be given means the same again, and no more. */
    if (coco_proxies_set(proxy->url, NULL, &again, NULL) != COCO_OK
        || strcmp(again.plain.url, proxy->url) != 0 || again.plain.user.data)
        abort();
    return 0;
}
