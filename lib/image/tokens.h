/*
 * image/tokens.h - keys in tokens of PKCS#11 that a client opens layers with or encrypts them to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_TOKENS_H
#define COCO_IMAGE_TOKENS_H

#include "ocicrypt/pkcs11_keys.h"

struct coco_client_tokens {
    struct coco_token_modules modules;
    struct coco_pkcs11_recipient openers[COCO_PKCS11_RECIPIENTS_MAX];
    size_t n_openers;
    struct coco_pkcs11_recipient recipients[COCO_PKCS11_RECIPIENTS_MAX];
    size_t n_recipients;
    bool by_sha1;
};

/* Key files have no form of their own, and are known by what a URI in them begins with. */
#define COCO_TOKEN_WORD "pkcs11:"
bool coco_token_is_meant(const uint8_t *data, size_t len);

void coco_client_tokens_done(struct coco_client_tokens *tokens);

#endif
