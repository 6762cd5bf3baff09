/*
 * net/url.h - URLs of http and https, and where they lead
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_NET_URL_H
#define COCO_NET_URL_H

#include "base/cleanup.h"

#include <coco/error.h>

#define COCO_URL_MAX ((size_t)8 << 10)

struct coco_url {
    char *text;   /* normalized, without fragment */
    char *origin; /* "https://host:443", in lower case: who is asked (RFC 6454 section 4) */
    char *shown;  /* for messages: without the query, which may hold a credential */
    bool https;
};

/* COCO_ERR_INVALID for anything but an absolute http or https URL without user and password. */
coco_status coco_url_parse(const char *text, struct coco_url *ret, coco_error **err);

/* What reference, from a Location field, means at base; COCO_ERR_PROTO where parse fails. */
coco_status coco_url_resolve(const struct coco_url *base, const char *reference,
                             struct coco_url *ret, coco_error **err);

struct coco_url coco_url_steal(struct coco_url *url);
void coco_url_done(struct coco_url *url);
#define _cleanup_url_ _cleanup_(coco_url_done)

#endif
