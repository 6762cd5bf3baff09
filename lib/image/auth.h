/*
 * image/auth.h - credentials for registries (containers auth.json)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_AUTH_H
#define COCO_IMAGE_AUTH_H

#include "base/json.h"
#include "base/secret.h"

struct coco_auth {
    cJSON *json; /* parsed and checked auth.json, or NULL */
};

struct coco_credentials {
    struct coco_secret user;
    struct coco_secret password; /* neither has a NUL inside; both have one behind */
};

/* COCO_ERR_PROTO for what is not an auth.json; members of other programs are let pass. */
coco_status coco_auth_parse(const void *json, size_t len, struct coco_auth *ret, coco_error **err);
void coco_auth_done(struct coco_auth *auth);

/*
 * Credentials for host/repository: the longest key of "host/a/b", "host/a", "host"
 * wins (guest-protocols 7.3), then a key that names the host as a URL. Empty ones,
 * and COCO_OK, when there are none; COCO_ERR_NOTSUP when they are an identity
 * token or with a credential helper.
 */
coco_status coco_auth_find(const struct coco_auth *auth, const char *host, const char *repository,
                           struct coco_credentials *ret, coco_error **err);
void coco_credentials_done(struct coco_credentials *credentials);
#define _cleanup_credentials_ _cleanup_(coco_credentials_done)

#endif
