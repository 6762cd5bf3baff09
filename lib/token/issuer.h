/*
 * token/issuer.h - the keys of whoever issues tokens
 *
 * OpenID Connect Discovery 1.0 section 4: an issuer is an address, below which it says
 * where the keys are that its tokens are signed with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TOKEN_ISSUER_H
#define COCO_TOKEN_ISSUER_H

#include "crypto/jwk_set.h"
#include "net/http.h"

/* What is added to an issuer. */
#define COCO_ISSUER_DISCOVERY "/.well-known/openid-configuration"
#define COCO_ISSUER_ABOUT_MAX ((size_t)64 << 10)

/* Who asks issuers, whose servers are known by certificates in PEM; NULL: by the system's. */
coco_status coco_issuer_open(const void *ca, size_t len, struct coco_http **ret, coco_error **err);

/*
 * The address of the keys in what an issuer says about itself. COCO_ERR_PROTO unless it
 * is of the issuer that was asked, but for a "/" at its end, and they are at https.
 */
coco_status coco_issuer_about(const char *text, size_t len, const char *issuer, char **ret,
                              coco_error **err);

/*
 * The keys at an address, and those of an issuer. COCO_ERR_NET without an answer,
 * COCO_ERR_NOTFOUND with another one than 200, COCO_ERR_PROTO for what is none.
 */
coco_status coco_issuer_fetch_set(struct coco_http *http, coco_ctx *ctx, const char *url,
                                  struct coco_jwk_set *ret, coco_error **err);
coco_status coco_issuer_discover(struct coco_http *http, coco_ctx *ctx, const char *issuer,
                                 struct coco_jwk_set *ret, coco_error **err);

/* Whether two names are of one issuer: a "/" at the end does not count. */
bool coco_issuer_is(const char *name, const char *issuer);

#endif
