/*
 * image/credentials.c - what a registry wants to know of whoever asks
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/credentials.h"

#include "base/fail.h"

#include <string.h>

#define TOKEN_USER "<token>"

void
coco_credentials_done(struct coco_credentials *credentials)
{
    coco_secret_done(&credentials->user);
    coco_secret_done(&credentials->password);
    coco_secret_done(&credentials->identity_token);
}

static coco_status
copy_part(const struct coco_secret *from, struct coco_secret *ret, coco_error **err)
{
    return from->data ? coco_secret_copy(from->data, from->len, ret, err) : COCO_OK;
}

coco_status
coco_credentials_copy(const struct coco_credentials *credentials, struct coco_credentials *ret,
                      coco_error **err)
{
    coco_status status = copy_part(&credentials->user, &ret->user, err);

    if (status == COCO_OK)
        status = copy_part(&credentials->password, &ret->password, err);
    if (status == COCO_OK)
        status = copy_part(&credentials->identity_token, &ret->identity_token, err);
    return status;
}

coco_status
coco_credentials_make(const char *user, const char *password, struct coco_credentials *ret,
                      coco_error **err)
{
    _cleanup_credentials_ struct coco_credentials credentials = {0};
    bool is_token = strcmp(user, TOKEN_USER) == 0;
    coco_status status;

    if (strchr(user, ':'))
        return coco_fail(err, COCO_ERR_PROTO, "a user name with a colon");
    if (is_token && !*password)
        return coco_fail(err, COCO_ERR_PROTO, "an empty identity token");
    if (is_token) {
        status = coco_secret_copy(password, strlen(password), &credentials.identity_token, err);
    } else {
        status = coco_secret_copy(user, strlen(user), &credentials.user, err);
        if (status == COCO_OK)
            status = coco_secret_copy(password, strlen(password), &credentials.password, err);
    }
    if (status != COCO_OK)
        return status;
    *ret = credentials;
    credentials = (struct coco_credentials){0};
    return COCO_OK;
}
