/*
 * image/client.h - inside of a coco_image_client and a coco_image
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_CLIENT_H
#define COCO_IMAGE_CLIENT_H

#include <coco/image.h>
#include <coco/image_owner.h>

#include "base/address.h"
#include "base/resource.h"
#include "base/secret.h"
#include "crypto/cert.h"
#include "crypto/key.h"
#include "image/auth.h"
#include "image/certs.h"
#include "image/lookaside.h"
#include "image/manifest.h"
#include "image/pgp.h"
#include "image/registries.h"
#include "image/source.h"
#include "image/tokens.h"
#include "net/proxy.h"
#include "ocicrypt/annotations.h"
#include "ocicrypt/providers.h"
#include "signature/policy.h"

#define COCO_CLIENT_PASSWORDS_MAX 16
#define COCO_CLIENT_LAYERS_MAX 128

struct coco_kbs_recipient {
    char *uri;
    struct coco_secret key;
};

/* A key provider that is to be asked; it is one of the client's. */
struct coco_client_provider {
    const struct coco_provider *provider;
    char *parameter; /* or NULL */
};

/* How coco_image_sign() leaves a signature. */
enum coco_sign_by {
    COCO_SIGN_BY_TAG, /* sha256-<hex>.sig, as cosign has it */
    COCO_SIGN_BY_REFERRER,
    COCO_SIGN_BY_BUNDLE, /* a referrer, too */
};

struct coco_image_client {
    bool plain_http;
    struct coco_buf tls_ca; /* PEM; empty for the system's */
    struct coco_certs certs;
    struct coco_proxies proxies;
    bool has_proxies; /* else the environment's */
    struct coco_address cache;
    bool has_cache;
    struct coco_auth auth;
    char *helpers; /* what auth lends */
    struct coco_auth_resource auth_resource;
    struct coco_registries registries;
    struct coco_policy *policy; /* NULL: only pinned references */
    struct coco_lookasides lookasides;
    struct coco_platform platform;
    EVP_PKEY **keys; /* private, for decryption */
    size_t n_keys;
    X509 **certificates; /* of some of them */
    size_t n_certificates;
    EVP_PKEY **recipients; /* public, for encryption */
    size_t n_recipients;
    X509 **cert_recipients; /* the same, by PKCS #7 */
    size_t n_cert_recipients;
    struct coco_client_pgp pgp;
    struct coco_client_tokens tokens;
    struct coco_secret passwords[COCO_CLIENT_PASSWORDS_MAX]; /* of keys that have one */
    size_t n_passwords;
    struct coco_kbs_recipient *kbs_recipients;
    size_t n_kbs_recipients;
    struct coco_providers providers;
    struct coco_client_provider provider_keys[COCO_BLOBS_MAX];
    size_t n_provider_keys;
    struct coco_client_provider provider_recipients[COCO_BLOBS_MAX];
    size_t n_provider_recipients;
    int32_t encrypted_layers[COCO_CLIENT_LAYERS_MAX]; /* that are encrypted; none stands for all */
    size_t n_encrypted_layers;
    coco_kbc *kbc; /* lent, or NULL */
    struct coco_resource_prefix kek_prefix;
    bool require_encryption;
    enum coco_sign_by sign_by;
    coco_store *store; /* lent, or NULL */
};

struct coco_image {
    struct coco_digest digest;
    char digest_text[COCO_DIGEST_TEXT_SIZE];
    size_t n_layers;
    uint64_t bytes_read;
    uint64_t bytes_written;
    uint64_t ids_ignored;
};

COCO_DEFINE_CLEANUP(coco_image *, coco_image_free);

/*
 * Opens ref for reading or writing with the client's settings, and options as they
 * were set: registry or layout.
 */
coco_status coco_client_source(const coco_image_client *client, const coco_image_options *set,
                               const coco_image_ref *ref, struct coco_source *ret,
                               coco_error **err);
/* The same where it is written to, whatever mirrors that has. */
coco_status coco_client_own_source(const coco_image_client *client, const coco_image_options *set,
                                   const coco_image_ref *ref, struct coco_source *ret,
                                   coco_error **err);
coco_status coco_client_destination(const coco_image_client *client, const coco_image_options *set,
                                    coco_ctx *ctx, const coco_image_ref *ref,
                                    struct coco_destination *ret, coco_error **err);

/* The registry itself that ref is in, whatever mirrors it has. */
struct coco_registry;
coco_status coco_client_registry(const coco_image_client *client, const coco_image_options *set,
                                 const coco_image_ref *ref, struct coco_registry *ret,
                                 coco_error **err);

/* The options with every 0 replaced by its default; COCO_ERR_NOTSUP for any but these flags. */
coco_status coco_image_options_set(coco_image_options *ret, const coco_image_options *opts,
                                   uint32_t flags, coco_error **err);

#endif
