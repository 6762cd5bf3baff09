/*
 * signature/policy.h - containers policy.json
 *
 * Source: containers-policy.json(5). Read strictly: what is not understood, and
 * every requirement this build cannot check, refuses the image (T33).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_POLICY_H
#define COCO_SIGNATURE_POLICY_H

#include "base/cleanup.h"
#include "base/digest.h"
#include "signature/signature.h"

struct coco_policy;

/*
 * COCO_ERR_PROTO for unknown or duplicate members, missing "default", empty
 * requirement lists and requirement types that do not exist; COCO_ERR_NOTSUP for what is demanded
 * but never checked, which is whether certificates of Notation were revoked.
 */
coco_status coco_policy_parse(const void *json, size_t len, struct coco_policy **ret,
                              coco_error **err);
void coco_policy_free(struct coco_policy *policy);
COCO_DEFINE_CLEANUP(struct coco_policy *, coco_policy_free);

/* COCO_ERR_PROTO where a signedIdentity has a name that read does not know for one. */
coco_status coco_policy_check_names(const struct coco_policy *policy, coco_read_name_fn *read,
                                    coco_error **err);

/* What is to be judged: the name that was asked for, never a mirror's. */
struct coco_policy_image {
    const char *transport; /* "docker", "oci", "dir", "oci-archive" or "docker-archive" */
    const char *name; /* docker: host/repository in full; else the absolute path, links resolved */
    const char *tag;  /* or NULL; docker: "latest" unless there is a digest */
    const char *digest; /* as asked for, or NULL */
};

/*
 * What can be said before anything of the image was asked for: COCO_ERR_DENIED if the most
 * specific scope refuses it whatever its signatures are, with that scope. Without a policy
 * (NULL) only an image asked for by digest is accepted. COCO_ERR_INVALID for a path that is
 * not absolute or holds ".", ".." or "//": scopes would not be found by it.
 *
 * The rest is for coco_policy_judge() in signature/judge.h.
 */
coco_status coco_policy_check(const struct coco_policy *policy,
                              const struct coco_policy_image *image, coco_error **err);

#endif
