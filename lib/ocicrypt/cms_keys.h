/*
 * ocicrypt/cms_keys.h - wrapping by CMS: annotation "keys.pkcs7"
 *
 * Source: containers/ocicrypt keywrap/pkcs7 (guest-protocols 5.3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_OCICRYPT_CMS_KEYS_H
#define COCO_OCICRYPT_CMS_KEYS_H

#include "crypto/cms.h"
#include "ocicrypt/wrapper.h"

/* A certificate, and the key of it for who opens. */
struct coco_cms_key {
    X509 *cert;
    EVP_PKEY *key; /* private; NULL for a recipient */
};

struct coco_cms_keys {
    const struct coco_cms_key *keys; /* lent */
    size_t n;
};

/* One envelope for all of them. To wrap: COCO_ERR_INVALID for more than 16. */
struct coco_wrapper coco_cms_wrapper(const struct coco_cms_keys *keys);

#endif
