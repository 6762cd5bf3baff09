/*
 * cache/request.h - what a client of the cache asks for
 *
 * The pull side of distribution-spec 1.1. Which registry is meant stands in the
 * query, ?ns=docker.io, as containerd puts it there for its mirrors, or before the
 * name, /v2/ghcr.io/a/b/…, as registries.conf makes of location = "cache/ghcr.io".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CACHE_REQUEST_H
#define COCO_CACHE_REQUEST_H

#include "base/digest.h"
#include "cache/config.h"
#include "httpd/http.h"

#include <coco/image.h>

enum coco_cache_what {
    COCO_CACHE_PING, /* GET /v2/ */
    COCO_CACHE_HEALTH,
    COCO_CACHE_METRICS,
    COCO_CACHE_MANIFEST,
    COCO_CACHE_BLOB,
};

struct coco_cache_request {
    enum coco_cache_what what;
    bool head;
    const struct coco_cache_upstream *upstream; /* lent by the configuration */
    coco_image_ref *ref;                        /* upstream's name, with tag or digest */
    struct coco_digest digest;                  /* alg 0: it is named by its tag */
};

/*
 * Understands method, path and query; what is wrong is a status of HTTP: 400, 403 for
 * an upstream that may not be asked, 404, 405, or 500; *why says so then. 0 is none.
 */
int coco_cache_request_parse(const struct coco_cache_config *config,
                             const struct coco_httpd_request *request,
                             struct coco_cache_request *ret, const char **why);
void coco_cache_request_done(struct coco_cache_request *request);
#define _cleanup_cache_request_ _cleanup_(coco_cache_request_done)

/* The part of size bytes that is wanted (RFC 9110 section 14). */
struct coco_cache_range {
    uint64_t first;
    uint64_t len;
    int status; /* 200 for all of it, 206, or 416 */
};

/*
 * A range that is not understood, or of several parts, is all of it, and so is any
 * that If-Range does not want: etag is what it must be equal to.
 */
struct coco_cache_range coco_cache_range_parse(const char *range, const char *if_range,
                                               const char *etag, uint64_t size);

#endif
