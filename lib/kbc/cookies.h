/*
 * kbc/cookies.h - the cookies of one host (RFC 6265)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_COOKIES_H
#define COCO_KBC_COOKIES_H

#include "base/buf.h"

#include <stdbool.h>

/*
 * A KBS joins the requests of a handshake by a cookie without a Path, so that
 * the default path of section 5.1.4 decides; a proxy before several of them adds
 * one of its own to come back to the same.
 *
 * Only one host is ever spoken to: Domain is not looked at, a cookie goes back
 * to its host and no other. Expires is left to the server, who knows its clock.
 */
#define COCO_COOKIES_MAX 16
#define COCO_COOKIE_SIZE_MAX ((size_t)72 << 10) /* name and value: a sealed session is large */

struct coco_cookie {
    char *name;
    char *value;
    char *path;
};

struct coco_cookies {
    struct coco_cookie cookie[COCO_COOKIES_MAX]; /* longer paths first (section 5.4) */
    size_t n;
};

/* Where a request goes. */
struct coco_cookie_scope {
    const char *path; /* of its URL, "/kbs/v0/auth" */
    bool secure;      /* over TLS */
};

/*
 * Stores what value, of a Set-Cookie header in the answer to a request to scope,
 * says; one that is malformed, or Secure without TLS, is ignored as section 5.2
 * demands. COCO_ERR_LIMIT for more or larger ones than the limits above.
 */
coco_status coco_cookies_store(struct coco_cookies *cookies, const struct coco_cookie_scope *scope,
                               const char *value, coco_error **err);

/* Appends the value of the Cookie header for a request to scope; nothing if there is none. */
coco_status coco_cookies_header(const struct coco_cookies *cookies,
                                const struct coco_cookie_scope *scope, struct coco_buf *buf,
                                coco_error **err);

/* Wipes: a session cookie is as good as what it opens. */
void coco_cookies_done(struct coco_cookies *cookies);

#define _cleanup_cookies_ _cleanup_(coco_cookies_done)

#endif
