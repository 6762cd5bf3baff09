/*
 * ocicrypt/providers.h - which key providers there are: ocicrypt's configuration
 *
 *     {"key-providers":{"NAME":{"cmd":{"path":"/FILE","args":["A"]}},
 *                       "OTHER":{"grpc":"HOST:PORT","grpc-tls":{"root-ca-file":"FILE"}},
 *                       "THIRD":{"ttrpc":"unix:///SOCKET"}}}
 *
 * Source: containers/ocicrypt config/keyprovider-config/config.go, ocicrypt-rs
 * (guest-protocols 5.5).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_OCICRYPT_PROVIDERS_H
#define COCO_OCICRYPT_PROVIDERS_H

#include "base/cleanup.h"
#include "rpc/target.h"

#include <coco/error.h>

#define COCO_PROVIDERS_MAX 32
#define COCO_PROVIDER_ARGS_MAX 32

enum coco_provider_kind {
    COCO_PROVIDER_CMD = 1,
    COCO_PROVIDER_GRPC,
    COCO_PROVIDER_TTRPC,
    COCO_PROVIDER_NATIVE, /* of the process itself: none here */
};

struct coco_provider {
    char *name;
    enum coco_provider_kind kind;
    /* A command: argv[0] is its path, which is absolute. */
    char *argv[COCO_PROVIDER_ARGS_MAX + 2];
    size_t n_argv;
    /* An RPC */
    struct coco_target target;
    char *root_ca_file; /* of grpc-tls; NULL for what is not said */
    char *cert_file;
    char *key_file;
    coco_error *why; /* what keeps it from being used here, or NULL */
};

struct coco_providers {
    struct coco_provider *list;
    size_t n;
};

/*
 * COCO_ERR_PROTO for what is no such file. Others read it, too: what it says of one provider, and
 * is not understood or had here, is no matter until that one is to be used.
 */
coco_status coco_providers_parse(const char *json, size_t len, struct coco_providers *ret,
                                 coco_error **err);
void coco_providers_done(struct coco_providers *providers);

/*
 * COCO_ERR_NOTFOUND, with the names there are. COCO_ERR_PROTO for one of which the file says
 * something else than a way to ask it, COCO_ERR_NOTSUP for what is not to be had here:
 * "insecure-skip-verify".
 */
coco_status coco_providers_find(const struct coco_providers *providers, const char *name,
                                const struct coco_provider **ret, coco_error **err);

#endif
