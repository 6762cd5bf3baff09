/*
 * net/proxy.c - through whom servers are reached
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/proxy.h"

#include "base/fail.h"
#include "net/hop.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

COCO_DEFINE_CLEANUP(CURLU *, curl_url_cleanup);
COCO_DEFINE_CLEANUP(char *, curl_free);

/* What a part of a URL was put into by libcurl. */
static void
wipep(char **text)
{
    if (*text)
        OPENSSL_cleanse(*text, strlen(*text));
    curl_free(*text);
}

static const struct scheme {
    const char *name;
    const char *port; /* where nothing else is said; NULL: not supported */
    int feature;      /* of libcurl, that it takes */
} schemes[] = {
    {"http", "80", 0},     {"https", "443", CURL_VERSION_HTTPS_PROXY},
    {"socks5", "1080", 0}, {"socks5h", "1080", 0},
    {"socks", NULL, 0},    {"socks4", NULL, 0},
    {"socks4a", NULL, 0},
};

static const struct scheme *
find_scheme(const char *name)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strcmp(schemes[i].name, name) == 0)
            return &schemes[i];
    return NULL;
}

/* The URL itself, which may hold a password, is in no message. */
static coco_status
fail_form(CURLUcode code, coco_error **err)
{
    if (code == CURLUE_OUT_OF_MEMORY)
        return coco_fail_nomem(err);
    return coco_fail(
        err, COCO_ERR_INVALID, "a proxy is not of the form http://[user:password@]host[:port]%s%s",
        code == CURLUE_OK ? "" : ": ", code == CURLUE_OK ? "" : curl_url_strerror(code));
}

/* What libcurl makes of it must mean the same to it again, as in net/url.c. */
static coco_status
check_settled(const char *url, const char *host, coco_error **err)
{
    _cleanup_(curl_url_cleanupp) CURLU *parts = curl_url();
    _cleanup_(curl_freep) char *again = NULL;

    if (!parts)
        return coco_fail_nomem(err);
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_HOST, &again, 0);
    if (code != CURLUE_OK)
        return fail_form(code, err);
    return strcmp(again, host) == 0 ? COCO_OK : fail_form(CURLUE_OK, err);
}

static coco_status
set_url(CURLU *parts, struct coco_proxy *ret, coco_error **err)
{
    _cleanup_(curl_freep) char *scheme = NULL;
    _cleanup_(curl_freep) char *host = NULL;
    _cleanup_(curl_freep) char *port = NULL;

    CURLUcode code = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_HOST, &host, 0);
    if (code != CURLUE_OK)
        return fail_form(code, err);
    const struct scheme *known = find_scheme(scheme);
    if (!known)
        return fail_form(CURLUE_UNSUPPORTED_SCHEME, err);
    int features = coco_http_features();
    if (!known->port || (features & known->feature) != known->feature)
        return coco_fail(err, COCO_ERR_NOTSUP, "a proxy that speaks %s is not supported",
                         known->name);
    code = curl_url_get(parts, CURLUPART_PORT, &port, 0);
    if (code != CURLUE_OK && code != CURLUE_NO_PORT)
        return fail_form(code, err);
    if (asprintf(&ret->url, "%s://%s:%s", scheme, host, port ? port : known->port) < 0) {
        ret->url = NULL;
        return coco_fail_nomem(err);
    }
    return check_settled(ret->url, host, err);
}

/* A part that may not be there. */
static coco_status
set_secret(CURLU *parts, CURLUPart part, CURLUcode missing, struct coco_secret *ret,
           coco_error **err)
{
    _cleanup_(wipep) char *text = NULL;

    CURLUcode code = curl_url_get(parts, part, &text, CURLU_URLDECODE);
    if (code == missing)
        return COCO_OK;
    return code == CURLUE_OK ? coco_secret_copy(text, strlen(text), ret, err)
                             : fail_form(code, err);
}

/* Nothing but a proxy's address: a path or a query would go unheard. */
static coco_status
check_rest(CURLU *parts, coco_error **err)
{
    _cleanup_(curl_freep) char *path = NULL;
    _cleanup_(curl_freep) char *query = NULL;
    _cleanup_(curl_freep) char *fragment = NULL;
    _cleanup_(curl_freep) char *options = NULL;

    CURLUcode code = curl_url_get(parts, CURLUPART_PATH, &path, 0);
    if (code != CURLUE_OK)
        return fail_form(code, err);
    bool more = strcmp(path, "/") != 0
                || curl_url_get(parts, CURLUPART_QUERY, &query, 0) != CURLUE_NO_QUERY
                || curl_url_get(parts, CURLUPART_FRAGMENT, &fragment, 0) != CURLUE_NO_FRAGMENT
                || curl_url_get(parts, CURLUPART_OPTIONS, &options, 0) != CURLUE_NO_OPTIONS;
    return more ? fail_form(CURLUE_OK, err) : COCO_OK;
}

static void
proxy_done(struct coco_proxy *proxy)
{
    free(proxy->url);
    coco_secret_done(&proxy->user);
    coco_secret_done(&proxy->password);
    *proxy = (struct coco_proxy){0};
}

coco_status
coco_proxy_parse(const char *text, struct coco_proxy *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf url = {.limit = COCO_PROXY_URL_MAX};
    _cleanup_(proxy_done) struct coco_proxy proxy = {0};

    if (!*text) {
        *ret = proxy;
        return COCO_OK;
    }
    coco_status status = coco_buf_append_text(&url, strstr(text, "://") ? "" : "http://", err);
    if (status == COCO_OK)
        status = coco_buf_append_text(&url, text, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "proxy");

    _cleanup_(curl_url_cleanupp) CURLU *parts = curl_url();
    if (!parts)
        return coco_fail_nomem(err);
    CURLUcode code =
        curl_url_set(parts, CURLUPART_URL, coco_buf_text(&url), CURLU_NON_SUPPORT_SCHEME);
    if (code != CURLUE_OK)
        return fail_form(code, err);
    status = set_url(parts, &proxy, err);
    if (status == COCO_OK)
        status = check_rest(parts, err);
    if (status == COCO_OK)
        status = set_secret(parts, CURLUPART_USER, CURLUE_NO_USER, &proxy.user, err);
    if (status == COCO_OK)
        status = set_secret(parts, CURLUPART_PASSWORD, CURLUE_NO_PASSWORD, &proxy.password, err);
    if (status != COCO_OK)
        return status;
    *ret = proxy;
    proxy = (struct coco_proxy){0};
    return COCO_OK;
}

coco_status
coco_proxies_choose(const char *url, const char *except, struct coco_proxies *proxies,
                    coco_error **err)
{
    struct coco_proxies chosen = {0};

    coco_status status = url ? coco_proxies_set(url, except, &chosen, err)
                             : coco_proxies_from_env(except, &chosen, err);
    if (status != COCO_OK)
        return status;
    coco_proxies_done(proxies);
    *proxies = chosen;
    return COCO_OK;
}

void
coco_proxies_done(struct coco_proxies *proxies)
{
    proxy_done(&proxies->plain);
    proxy_done(&proxies->secure);
    free(proxies->except);
    *proxies = (struct coco_proxies){0};
}

/* NULL for an empty one. */
static coco_status
set_except(const char *list, struct coco_proxies *proxies, coco_error **err)
{
    if (!list || !*list)
        return COCO_OK;
    if (strlen(list) > COCO_PROXY_EXCEPT_MAX)
        return coco_fail(err, COCO_ERR_LIMIT,
                         "a list of hosts without a proxy of more than %zu "
                         "bytes",
                         COCO_PROXY_EXCEPT_MAX);
    proxies->except = strdup(list);
    return proxies->except ? COCO_OK : coco_fail_nomem(err);
}

static coco_status
give(coco_status status, struct coco_proxies *proxies, struct coco_proxies *ret)
{
    if (status != COCO_OK)
        return status;
    *ret = *proxies;
    *proxies = (struct coco_proxies){0};
    return COCO_OK;
}

coco_status
coco_proxies_set(const char *url, const char *except, struct coco_proxies *ret, coco_error **err)
{
    _cleanup_proxies_ struct coco_proxies proxies = {0};

    coco_status status = coco_proxy_parse(url, &proxies.plain, err);
    if (status == COCO_OK)
        status = coco_proxy_parse(url, &proxies.secure, err);
    if (status == COCO_OK)
        status = set_except(except, &proxies, err);
    return give(status, &proxies, ret);
}

/* The first of the variables that says something; NULL for none. */
static const char *
first_of(const char *const *names, const char **name)
{
    for (; *names; names++) {
        const char *value = secure_getenv(*names);

        if (value && *value) {
            *name = *names;
            return value;
        }
    }
    return NULL;
}

static coco_status
read_variable(const char *const *names, struct coco_proxy *ret, coco_error **err)
{
    const char *name = NULL;
    const char *value = first_of(names, &name);

    if (!value)
        return COCO_OK;
    coco_status status = coco_proxy_parse(value, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "$%s", name);
}

coco_status
coco_proxies_from_env(const char *except, struct coco_proxies *ret, coco_error **err)
{
    static const char *const plain[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
    static const char *const secure[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                         NULL};
    static const char *const none[] = {"no_proxy", "NO_PROXY", NULL};
    _cleanup_proxies_ struct coco_proxies proxies = {0};
    const char *name = NULL;

    coco_status status = read_variable(plain, &proxies.plain, err);
    if (status == COCO_OK)
        status = read_variable(secure, &proxies.secure, err);
    if (status == COCO_OK)
        status = set_except(except ? except : first_of(none, &name), &proxies, err);
    return give(status, &proxies, ret);
}
