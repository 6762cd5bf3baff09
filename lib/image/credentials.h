/*
 * image/credentials.h - what a registry wants to know of whoever asks
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_CREDENTIALS_H
#define COCO_IMAGE_CREDENTIALS_H

#include "base/secret.h"

/* User and password, or a token for the token server, or nothing. Data is NULL for what is not. */
struct coco_credentials {
    struct coco_secret user;
    struct coco_secret password; /* none has a NUL inside; all have one behind */
    struct coco_secret identity_token;
};

void coco_credentials_done(struct coco_credentials *credentials);
#define _cleanup_credentials_ _cleanup_(coco_credentials_done)

/* ret must be empty. */
coco_status coco_credentials_copy(const struct coco_credentials *credentials,
                                  struct coco_credentials *ret, coco_error **err);

/*
 * From texts that are one user and password. With "<token>" for a user, the
 * password is an identity token (docker's credential-helpers). COCO_ERR_PROTO for
 * a user with a colon, which no Basic can carry (RFC 7617 section 2), and for an
 * empty token.
 */
coco_status coco_credentials_make(const char *user, const char *password,
                                  struct coco_credentials *ret, coco_error **err);

#endif
