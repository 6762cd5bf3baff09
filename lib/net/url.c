/*
 * net/url.c - URLs of http and https, and where they lead
 *
 * The parser is libcurl's, the one that will also make the connection: two
 * parsers that disagree about the host would be a way around every check here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/url.h"

#include "base/fail.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

/* Of names and of IPv4 addresses; what stands in brackets libcurl has looked at. */
#define HOST_CHARS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._"

COCO_DEFINE_CLEANUP(CURLU *, curl_url_cleanup);
COCO_DEFINE_CLEANUP(char *, curl_free);

static void
lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

static coco_status
from_curl(CURLUcode code, coco_status kind, coco_error **err)
{
    if (code == CURLUE_OUT_OF_MEMORY)
        return coco_fail_nomem(err);
    if (code == CURLUE_USER_NOT_ALLOWED)
        return coco_fail(err, kind, "user and password in a URL");
    return coco_fail(err, kind, "not a URL: %s", curl_url_strerror(code));
}

static coco_status
fail_long(coco_status kind, coco_error **err)
{
    return coco_fail(err, kind, "a URL of more than %zu bytes", COCO_URL_MAX);
}

/*
 * Once it is put together, and escaped if it came from a Location: libcurl leaves
 * other bytes in a host for the locale to say what they mean (RFC 3986 section 2).
 */
static coco_status
check_text(const char *text, coco_status kind, coco_error **err)
{
    if (strlen(text) > COCO_URL_MAX)
        return fail_long(kind, err);
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p > '~')
            return coco_fail(err, kind, "not a URL: bytes outside of ASCII");
    return COCO_OK;
}

static coco_status
set_text(char **ret, coco_error **err, const char *scheme, const char *host, const char *port,
         const char *path)
{
    if (asprintf(ret, "%s://%s%s%s%s", scheme, host, port ? ":" : "", port ? port : "", path) < 0) {
        *ret = NULL;
        return coco_fail_nomem(err);
    }
    return COCO_OK;
}

/*
 * The URL that libcurl makes of what it was given, which is what it will be given
 * to connect. It must mean the same then: of "http://%31/" libcurl makes
 * "http://1/", and of that "http://0.0.0.1/".
 */
static coco_status
settle(CURLU *parts, coco_status kind, coco_error **err)
{
    _cleanup_(curl_freep) char *text = NULL;
    _cleanup_(curl_freep) char *again = NULL;

    CURLUcode code = curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_URL, &text, 0);
    if (code != CURLUE_OK)
        return from_curl(code, kind, err);
    coco_status status = check_text(text, kind, err);
    if (status != COCO_OK)
        return status;
    code = curl_url_set(parts, CURLUPART_URL, text, CURLU_DISALLOW_USER);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_URL, &again, 0);
    if (code != CURLUE_OK)
        return from_curl(code, kind, err);
    return strcmp(text, again) == 0 ? COCO_OK : coco_fail(err, kind, "not a URL: ambiguous");
}

/* The URL's parts, once libcurl has taken it apart. */
static coco_status
take_parts(CURLU *parts, coco_status kind, struct coco_url *ret, coco_error **err)
{
    _cleanup_(curl_freep) char *text = NULL;
    _cleanup_(curl_freep) char *scheme = NULL;
    _cleanup_(curl_freep) char *host = NULL;
    _cleanup_(curl_freep) char *port = NULL;
    _cleanup_(curl_freep) char *path = NULL;

    CURLUcode code = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
    if (code == CURLUE_OK && strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        return coco_fail(err, kind, "a URL of scheme '%s'", scheme);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_URL, &text, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_HOST, &host, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_PATH, &path, 0);
    if (code != CURLUE_OK)
        return from_curl(code, kind, err);
    if (*host != '[' && (!*host || host[strspn(host, HOST_CHARS)] != '\0'))
        return coco_fail(err, kind, "not a URL: no host of the name '%.100s'", host);

    ret->https = strcmp(scheme, "https") == 0;
    ret->text = strdup(text);
    if (!ret->text)
        return coco_fail_nomem(err);
    lower(host);
    coco_status status = set_text(&ret->origin, err, scheme, host, port, "");
    if (status == COCO_OK) {
        const char *usual = ret->https ? "443" : "80";
        status =
            set_text(&ret->shown, err, scheme, host, strcmp(port, usual) == 0 ? NULL : port, path);
    }
    return status;
}

static coco_status
parse(const struct coco_url *base, const char *text, coco_status kind, struct coco_url *ret,
      coco_error **err)
{
    _cleanup_url_ struct coco_url url = {0};

    if (strlen(text) > COCO_URL_MAX)
        return fail_long(kind, err);

    _cleanup_(curl_url_cleanupp) CURLU *parts = curl_url();
    if (!parts)
        return coco_fail_nomem(err);

    CURLUcode code = base ? curl_url_set(parts, CURLUPART_URL, base->text, 0) : CURLUE_OK;
    if (code == CURLUE_OK)
        code = curl_url_set(parts, CURLUPART_URL, text,
                            CURLU_DISALLOW_USER | (base ? CURLU_URLENCODE : 0));
    if (code != CURLUE_OK)
        return from_curl(code, kind, err);

    coco_status status = settle(parts, kind, err);
    if (status == COCO_OK)
        status = take_parts(parts, kind, &url, err);
    if (status != COCO_OK)
        return status;
    *ret = coco_url_steal(&url);
    return COCO_OK;
}

coco_status
coco_url_parse(const char *text, struct coco_url *ret, coco_error **err)
{
    return parse(NULL, text, COCO_ERR_INVALID, ret, err);
}

coco_status
coco_url_resolve(const struct coco_url *base, const char *reference, struct coco_url *ret,
                 coco_error **err)
{
    return parse(base, reference, COCO_ERR_PROTO, ret, err);
}

struct coco_url
coco_url_steal(struct coco_url *url)
{
    struct coco_url stolen = *url;

    *url = (struct coco_url){0};
    return stolen;
}

void
coco_url_done(struct coco_url *url)
{
    free(url->text);
    free(url->origin);
    free(url->shown);
    *url = (struct coco_url){0};
}
