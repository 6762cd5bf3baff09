/*
 * fuzz/url/target.c - where URLs and redirects lead
 *
 * Input: two lines, a URL and a reference that is found there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/url.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static coco_status
parse(const struct coco_url *base, const char *text, struct coco_url *ret)
{
    coco_error *err = NULL;

    coco_status status =
        base ? coco_url_resolve(base, text, ret, &err) : coco_url_parse(text, ret, &err);
    coco_error_free(err);
    if ((status == COCO_OK) != (ret->text != NULL)
        || (status != COCO_OK && status != (base ? COCO_ERR_PROTO : COCO_ERR_INVALID)))
        abort();
    return status;
}

static void
check_same(const struct coco_url *a, const struct coco_url *b)
{
    if (strcmp(a->text, b->text) != 0 || strcmp(a->origin, b->origin) != 0
        || strcmp(a->shown, b->shown) != 0 || a->https != b->https)
        abort();
}

/* Nothing in it that is read differently in a header, a log or by who is asked. */
static void
check_texts(const struct coco_url *url)
{
    const char *scheme = url->https ? "https://" : "http://";
    const char *host = url->origin + strlen(scheme);

    for (const char *p = url->text; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '#')
            abort();
    if (strncmp(url->origin, scheme, strlen(scheme)) != 0
        || strncmp(url->text, scheme, strlen(scheme)) != 0 || strpbrk(host, "/\\?#@") || !*host
        || *host == ':' || !strrchr(host, ':')
        || strpbrk(url->origin, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        abort();
    if (strpbrk(url->shown, "?#@") && !strpbrk(url->text, "@"))
        abort();
    if (strchr(url->shown, '?'))
        abort();
}

/* It means the same when it is read again, by itself and where it leads to. */
static void
check(const struct coco_url *url)
{
    _cleanup_url_ struct coco_url again = {0};
    _cleanup_url_ struct coco_url here = {0};
    _cleanup_url_ struct coco_url shown = {0};
    _cleanup_url_ struct coco_url root = {0};

    check_texts(url);
    if (parse(NULL, url->text, &again) != COCO_OK || parse(url, url->text, &here) != COCO_OK
        || parse(NULL, url->shown, &shown) != COCO_OK || parse(url, "/x", &root) != COCO_OK)
        abort();
    check_same(&again, url);
    check_same(&here, url);
    if (strcmp(shown.origin, url->origin) != 0 || strcmp(root.origin, url->origin) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_url_ struct coco_url url = {0};
    _cleanup_url_ struct coco_url target = {0};
    _cleanup_free_ char *text = strndup((const char *)data, len);
    char *reference = text ? strchr(text, '\n') : NULL;

    if (!text)
        return 0;
    if (reference)
        *reference++ = '\0';
    if (parse(NULL, text, &url) != COCO_OK)
        return 0;
    check(&url);
    if (!reference || parse(&url, reference, &target) != COCO_OK)
        return 0;
    check(&target);
    /* Only "//" and a scheme lead to somebody else. */
    if (*reference == '/' && reference[1] != '/' && strcmp(url.origin, target.origin) != 0)
        abort();
    return 0;
}
