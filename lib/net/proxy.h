/*
 * net/proxy.h - through whom servers are reached
 *
 * A proxy is on the way and no more: what goes to a server of https goes through a
 * tunnel that ends there, and what the server is told never stands in the request
 * for the tunnel. User and password of the proxy are for nobody else, and in no
 * message, which is why the environment is read here and not by libcurl.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_NET_PROXY_H
#define COCO_NET_PROXY_H

#include "base/secret.h"

#define COCO_PROXY_URL_MAX ((size_t)4 << 10)
/* Of the list of those that are reached directly. */
#define COCO_PROXY_EXCEPT_MAX ((size_t)64 << 10)

struct coco_proxy {
    char *url;                         /* "http://host:port"; NULL: servers are reached directly */
    struct coco_secret user, password; /* text with a NUL behind it; data is NULL without */
};

/* All zero for none. */
struct coco_proxies {
    struct coco_proxy plain;  /* for http */
    struct coco_proxy secure; /* for https */
    char *except;             /* hosts that are reached directly, as curl has NO_PROXY; or NULL */
};

/*
 * [http://|https://|socks5://|socks5h://][user[:password]@]host[:port][/]; the port is 80,
 * 443, or 1080 of socks. COCO_ERR_INVALID for anything else, COCO_ERR_NOTSUP for an older
 * kind of socks, and for https:// if libcurl cannot. "" is none.
 */
coco_status coco_proxy_parse(const char *text, struct coco_proxy *ret, coco_error **err);

/* One proxy for all, but for the hosts of except, which may be NULL. */
coco_status coco_proxies_set(const char *url, const char *except, struct coco_proxies *ret,
                             coco_error **err);

/*
 * What the environment says: https_proxy, HTTPS_PROXY, and http_proxy in lower case only,
 * which no header of a CGI can set; all_proxy, ALL_PROXY for what is missing. Except for
 * except, or no_proxy, NO_PROXY if it is NULL.
 */
coco_status coco_proxies_from_env(const char *except, struct coco_proxies *ret, coco_error **err);

/* The one or, with url NULL, the other; what is in *proxies before is given back. */
coco_status coco_proxies_choose(const char *url, const char *except, struct coco_proxies *proxies,
                                coco_error **err);

void coco_proxies_done(struct coco_proxies *proxies);
#define _cleanup_proxies_ _cleanup_(coco_proxies_done)

#endif
