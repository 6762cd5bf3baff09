/*
 * image/auth.h - where credentials for registries are (containers-auth.json(5))
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_AUTH_H
#define COCO_IMAGE_AUTH_H

#include "base/json.h"
#include "image/auth_resource.h"
#include "image/credentials.h"

#include <coco/context.h>

#define COCO_AUTH_FILES_MAX 16

struct coco_auth {
    cJSON *files[COCO_AUTH_FILES_MAX]; /* parsed and checked auth.json */
    size_t n_files;
    const char *helpers; /* lent: directories of credential helpers; NULL: none is run */
    struct coco_auth_resource *resource; /* lent: looked into behind files; or NULL */
};

/* An auth.json, all of it checked. */
coco_status coco_auth_parse(const void *json, size_t len, cJSON **ret, coco_error **err);

/*
 * Adds an auth.json behind those that are there. COCO_ERR_PROTO for what is none;
 * members of other programs are let pass. COCO_ERR_LIMIT for the 17th.
 */
coco_status coco_auth_add(struct coco_auth *auth, const void *json, size_t len, coco_error **err);
void coco_auth_done(struct coco_auth *auth);

/*
 * Credentials for name, "host/repository", from the first file that has some; empty
 * ones, and COCO_OK, if none has. In a file come first
 *   - the helper that credHelpers names for the host;
 *   - the entry of auths with the longest key of "host/a/b", "host/a", "host", then
 *     one whose key names the host as a URL (guest-protocols 7.3);
 *   - the helper that credsStore names, as docker has it.
 * Docker Hub is found under any of its old names. COCO_ERR_NOTSUP when a helper has
 * to be asked and none may be run; errors of coco_helper_get() and of
 * coco_auth_resource_file() besides.
 */
coco_status coco_auth_find(const struct coco_auth *auth, coco_ctx *ctx, const char *name,
                           struct coco_credentials *ret, coco_error **err);

#endif
