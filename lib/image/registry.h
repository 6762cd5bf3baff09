/*
 * image/registry.h - speaking to one repository of a registry
 *
 * Source: distribution-spec 1.1; token authentication as docker's registry has
 * it (distribution, docs/spec/auth). Nothing the registry says is trusted: what
 * it sends is bounded, credentials go to its own origin and to the token server
 * it names over https, and digests are checked by whoever asks (T8, T12, T13).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_REGISTRY_H
#define COCO_IMAGE_REGISTRY_H

#include "image/auth.h"
#include "image/certs.h"
#include "image/source.h"
#include "net/http.h"

struct coco_registry_options {
    bool plain_http;
    const void *tls_ca; /* PEM, lent as auth is, or NULL for the system's */
    size_t tls_ca_len;
    const struct coco_certs *certs;     /* lent until the source or destination is freed, or NULL */
    const struct coco_proxies *proxies; /* lent as long; NULL: what the environment says */
    const struct coco_auth *auth;       /* lent until the source or destination is freed, or NULL */
    /* Lent: a cache that is asked instead of the registry, without TLS or credentials; or NULL. */
    const struct coco_address *cache;
    uint32_t stall_timeout; /* seconds; 0: the default of net/http.h */
    struct coco_retry_policy retry;
};

coco_status coco_registry_source(const struct coco_registry_options *opts,
                                 const coco_image_ref *ref, struct coco_source *ret,
                                 coco_error **err);
coco_status coco_registry_destination(const struct coco_registry_options *opts,
                                      const coco_image_ref *ref, struct coco_destination *ret,
                                      coco_error **err);

/* What both have in common. */
struct coco_registry {
    struct coco_registry_options opts;
    coco_image_ref *ref;
    struct coco_http *http;
    char *base;                   /* "https://host/v2/name/" */
    char *query;                  /* "?ns=host" of a cache, which has to be told; else "" */
    char *origin;                 /* of base: who may see the credentials */
    char *name;                   /* "host/name", for messages */
    char *reference;              /* the tag, or the digest if there is one */
    char *scope;                  /* "repository:name:pull,push" */
    const struct coco_auth *auth; /* looked into when the registry asks who is there, or NULL */
    struct coco_auth_resource *resource; /* of it, or NULL */
    struct coco_credentials credentials;
    struct coco_buf authorization; /* value of the header; a token is kept for later requests */
};

coco_status coco_registry_open(const struct coco_registry_options *opts, const coco_image_ref *ref,
                               const char *actions, struct coco_registry *ret, coco_error **err);
/* The same registry once more, with what was learnt of who may read it. */
coco_status coco_registry_clone(const struct coco_registry *registry, struct coco_registry *ret,
                                coco_error **err);
void coco_registry_done(struct coco_registry *registry);
#define _cleanup_registry_ _cleanup_(coco_registry_done)

/* base, path and last in one. */
coco_status coco_registry_url(const struct coco_registry *registry, const char *path,
                              const char *last, char **ret, coco_error **err);

/*
 * Makes the request, and once more with what the registry asked for if it answers
 * 401. The request has no body that cannot be sent twice. One that has no sink is made
 * as often as the options' policy of retries has it: it does no more then than once.
 */
coco_status coco_registry_do(struct coco_registry *registry, coco_ctx *ctx,
                             const struct coco_http_request *request,
                             struct coco_http_response *ret, coco_error **err);
/* The same, but for whoever tries again by itself. */
coco_status coco_registry_try(struct coco_registry *registry, coco_ctx *ctx,
                              const struct coco_http_request *request,
                              struct coco_http_response *ret, coco_error **err);

/*
 * Writes a blob to sink, going on where it was cut as often as the policy of retries
 * has it; blob's digest and size are known, and the digest is for the caller to check.
 * The sink's end is not called.
 */
coco_status coco_registry_get_blob(struct coco_registry *registry, coco_ctx *ctx,
                                   const struct coco_descriptor *blob, const struct coco_sink *sink,
                                   coco_error **err);

/* Appends the index of all that refers to digest: COCO_ERR_NOTFOUND without that API. */
coco_status coco_registry_referrers(struct coco_registry *registry, coco_ctx *ctx,
                                    const struct coco_digest *digest, struct coco_buf *ret,
                                    coco_error **err);

/* The Authorization field for url; NULL in its name if url is none of the registry's. */
coco_status coco_registry_credential(const struct coco_registry *registry, const char *url,
                                     struct coco_http_header *ret, coco_error **err);

/*
 * Fails with what a registry answered that it should not have: COCO_ERR_NOTFOUND,
 * COCO_ERR_DENIED or COCO_ERR_NET, with the code and message of its error.
 */
coco_status coco_registry_fail(const struct coco_registry *registry, const char *what,
                               const struct coco_http_response *response, coco_error **err);

#endif
