/*
 * fuzz/cookies/target.c - what a server wants sent back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/cookies.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* One Set-Cookie a line; what goes back is one header line. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct coco_cookie_scope scope = {"/kbs/v0/auth", len % 2 != 0};
    const struct coco_cookie_scope other = {"/kbs/v0/resource/a/b/c?d", false};
    _cleanup_cookies_ struct coco_cookies cookies = {0};
    _cleanup_free_ char *text = strndup((const char *)data, len);
    char *rest = text;

    if (!text)
        abort();
    for (char *line = NULL; (line = strsep(&rest, "\n"));)
        (void)coco_cookies_store(&cookies, &scope, line, NULL);
    if (cookies.n > COCO_COOKIES_MAX)
        abort();

    _cleanup_buf_ struct coco_buf sent = {.limit = COCO_COOKIES_MAX * (COCO_COOKIE_SIZE_MAX + 3)};
    if (coco_cookies_header(&cookies, &scope, &sent, NULL) != COCO_OK)
        abort();
    for (size_t i = 0; i < sent.len; i++)
        if (sent.data[i] < ' ' || sent.data[i] == 0x7f)
            abort();
    coco_buf_reset(&sent);
    if (coco_cookies_header(&cookies, &other, &sent, NULL) != COCO_OK)
        abort();
    return 0;
}
