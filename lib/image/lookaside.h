/*
 * image/lookaside.h - signatures that are kept elsewhere than in the registry's repository
 *
 *     lookaside   <base>/<repository>@sha256=<hex>/signature-<n>, file:// or http(s)://
 *     X-R-S-S     /extensions/v2/<repository>/signatures/<digest> of registries that say so
 *
 * Sources: containers-registries.d(5), signature-protocols.md of containers/image.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_LOOKASIDE_H
#define COCO_IMAGE_LOOKASIDE_H

#include "base/json.h"
#include "signature/signature.h"

#include <coco/image.h>

#define COCO_LOOKASIDE_FILES "file://"

#define COCO_LOOKASIDES 3

/* What the files of a registries.d say, taken together. {0} is none. */
struct coco_lookasides {
    cJSON *seen;                      /* all scopes; NULL: no file was read */
    cJSON *by_scope[COCO_LOOKASIDES]; /* texts by scope, "" for "default-docker": what each says */
};

/*
 * Adds a file. COCO_ERR_PROTO for what is none, with members that are not known, and for a scope
 * that another file has, too.
 */
coco_status coco_lookasides_add(struct coco_lookasides *lookasides, const void *yaml, size_t len,
                                coco_error **err);
void coco_lookasides_done(struct coco_lookasides *lookasides);

/*
 * Where the signatures of ref are, a URL that is lent, or NULL; whether its registry keeps those of
 * cosign beside it, which is so when nothing was configured.
 */
coco_status coco_lookasides_find(const struct coco_lookasides *lookasides,
                                 const coco_image_ref *ref, const char **url, bool *attachments,
                                 coco_error **err);

/* Where they are written, a URL that is lent, or NULL. */
coco_status coco_lookasides_find_staging(const struct coco_lookasides *lookasides,
                                         const coco_image_ref *ref, const char **url,
                                         coco_error **err);

/* The directory of the image's signatures below a lookaside's URL, to be freed. */
coco_status coco_lookaside_base(const char *url, const coco_image_ref *ref,
                                const struct coco_digest *digest, char **ret, coco_error **err);

/* COCO_ERR_NOTSUP for a URL that is not of this machine, file://. */
coco_status coco_lookaside_check_writable(const char *url, coco_error **err);

/*
 * Adds a signature behind those that are there, below a URL of a directory; *where is its own, to
 * be freed. COCO_ERR_LIMIT where there are too many, and errors of the former.
 */
coco_status coco_lookaside_put(const char *url, const coco_image_ref *ref,
                               const struct coco_digest *digest, const struct coco_buf *signature,
                               char **where, coco_error **err);

struct coco_found_image;

/* Appends the signatures with that digest below a lookaside's URL, OpenPGP and others. */
coco_status coco_lookaside_list_at(const struct coco_found_image *image, coco_ctx *ctx,
                                   const char *url, const struct coco_digest *digest,
                                   struct coco_signatures *ret, coco_error **err);
/* The same wherever they are of an image in a registry. */
coco_status coco_lookaside_list(const struct coco_found_image *image, coco_ctx *ctx,
                                const struct coco_digest *digest, struct coco_signatures *ret,
                                coco_error **err);

#endif
