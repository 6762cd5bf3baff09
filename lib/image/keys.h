/*
 * image/keys.h - what a client opens layers with and whom it encrypts them to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_KEYS_H
#define COCO_IMAGE_KEYS_H

#include "image/client.h"
#include "ocicrypt/cms_keys.h"
#include "ocicrypt/jwe_keys.h"
#include "ocicrypt/packet.h"
#include "ocicrypt/provider.h"

#define COCO_CLIENT_CERTS_MAX ((size_t)16)

/* Frees all that the client has of both. */
void coco_client_keys_done(coco_image_client *client);

/* Openers, those that cost no request first; all lent by the client. */
struct coco_client_openers {
    const coco_image_client *client;
    struct coco_jwe_keys jwe;
    struct coco_cms_key cms_keys[COCO_CLIENT_CERTS_MAX];
    struct coco_cms_keys cms;
    struct coco_pgp_keys pgp;
    struct coco_pkcs11_keys tokens[COCO_PKCS11_RECIPIENTS_MAX];
    struct coco_kek_source broker;
    struct coco_provider_use providers[COCO_BLOBS_MAX];
    struct coco_wrapper list[4 + COCO_PKCS11_RECIPIENTS_MAX + COCO_BLOBS_MAX];
    size_t n;
};

void coco_client_openers(const coco_image_client *client, struct coco_client_openers *ret);
/* Only those that need nobody else: keys, and tokens. */
void coco_client_own_openers(const coco_image_client *client, struct coco_client_openers *ret);

struct coco_client_recipients {
    struct coco_jwe_keys jwe;
    struct coco_cms_key cms_keys[COCO_CLIENT_CERTS_MAX];
    struct coco_cms_keys cms;
    struct coco_pgp_keys pgp;
    struct coco_pkcs11_keys tokens;
    struct coco_kek keks[COCO_BLOBS_MAX];
    struct coco_provider_use providers[COCO_BLOBS_MAX];
    struct coco_wrapper list[4 + 2 * COCO_BLOBS_MAX];
    size_t n;
};

void coco_client_recipients(const coco_image_client *client, struct coco_client_recipients *ret);

#endif
