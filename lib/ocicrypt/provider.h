/*
 * ocicrypt/provider.h - wrapping by a key provider: annotations "keys.provider.NAME"
 *
 * Source: containers/ocicrypt docs/keyprovider.md (guest-protocols 5.5, 5.6).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_OCICRYPT_PROVIDER_H
#define COCO_OCICRYPT_PROVIDER_H

#include "ocicrypt/providers.h"
#include "ocicrypt/wrapper.h"

#define COCO_PROVIDER_SCHEME_MAX 256

/* What a provider is asked with; lent. */
struct coco_provider_use {
    const struct coco_provider *provider;
    const char *parameter;                 /* or NULL */
    char scheme[COCO_PROVIDER_SCHEME_MAX]; /* set here */
};

/*
 * Wraps and unwraps. What a provider says of its failure is told: COCO_ERR_DENIED for a command
 * that ends with another code than 0, codes of RPC by rpc/code.h, COCO_ERR_NET,
 * COCO_ERR_NOTFOUND for a command that is not there, COCO_ERR_NOTSUP for what this build
 * cannot ask.
 */
struct coco_wrapper coco_provider_wrapper(struct coco_provider_use *use);

#endif
