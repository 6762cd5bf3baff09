/*
 * signature/scope.h - which part of a policy is about an image
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_SCOPE_H
#define COCO_SIGNATURE_SCOPE_H

#include "base/json.h"
#include "signature/policy.h"

struct coco_policy {
    cJSON *root; /* checked */
};

/* The requirements of a scope, which the policy lends, and what to call it. */
struct coco_scope {
    const cJSON *requirements;
    const char *transport; /* NULL: the policy's "default" */
    struct coco_buf name;
};

void coco_scope_done(struct coco_scope *scope);

/*
 * The member of scopes that is most specific for name, whose full form has suffix, ":tag" or
 * "@digest", behind it: then what is before each of its '/', and, in a registry, *.domain. *scope
 * is left as it was if there is none. As policies look them up, and registries.d.
 */
coco_status coco_scope_find(const cJSON *scopes, const char *name, const char *suffix,
                            bool is_docker, struct coco_scope *scope, coco_error **err);

/*
 * An image with two names, a tag and a digest, must be accepted under both: which of them
 * a scope is meant for nobody can tell.
 */
#define COCO_SCOPES_MAX 2
struct coco_scopes {
    struct coco_scope list[COCO_SCOPES_MAX];
    size_t n;
};

/* The most specific scope for each name of the image. Errors of coco_policy_check(). */
coco_status coco_scopes_find(const struct coco_policy *policy,
                             const struct coco_policy_image *image, struct coco_scopes *ret,
                             coco_error **err);
void coco_scopes_done(struct coco_scopes *scopes);
#define _cleanup_scopes_ _cleanup_(coco_scopes_done)

/*
 * Whether path is absolute and has one form only; "/" has not, for it would mean
 * the same as the scope "".
 */
bool coco_scope_is_path(const char *path);

#endif
