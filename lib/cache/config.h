/*
 * cache/config.h - the configuration of a cache of images
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CACHE_CONFIG_H
#define COCO_CACHE_CONFIG_H

#include "httpd/limits.h"
#include "image/auth.h"

#include <sys/types.h>

#define COCO_CACHE_UPSTREAMS_MAX 64

/* A registry that may be asked; all others may not. */
struct coco_cache_upstream {
    char *name;     /* that clients know it by: "ghcr.io" */
    char *registry; /* where it is: the same, or "registry.example:5000" */
    bool plain_http;
    struct coco_buf ca;    /* PEM, or empty for the system's */
    struct coco_auth auth; /* one credential for all clients, or none */
    bool shared;           /* there is one */
};

/* doc/coco-cache.md explains every key. */
struct coco_cache_config {
    char *listen[COCO_HTTPD_SOCKETS_MAX];
    size_t n_listen;
    bool insecure_http;
    struct coco_buf certificate; /* PEM, both or none */
    struct coco_buf private_key;
    mode_t unix_mode;
    char *directory;
    uint64_t max_bytes;
    bool verify;
    uint64_t max_connections;
    uint64_t max_fetches;
    uint64_t stall_seconds;
    uint64_t retries;
    struct coco_cache_upstream upstreams[COCO_CACHE_UPSTREAMS_MAX];
    size_t n_upstreams;
    const struct coco_cache_upstream *fallback; /* for names that name none, or NULL */
};

/* COCO_ERR_PROTO, with the key, for anything that is not understood. */
coco_status coco_cache_config_parse(const char *text, size_t len, struct coco_cache_config *ret,
                                    coco_error **err);
void coco_cache_config_done(struct coco_cache_config *config);
#define _cleanup_cache_config_ _cleanup_(coco_cache_config_done)

/* NULL for one that may not be asked. */
const struct coco_cache_upstream *coco_cache_config_find(const struct coco_cache_config *config,
                                                         const char *name, size_t len);

#endif
