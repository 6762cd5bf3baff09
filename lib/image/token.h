/*
 * image/token.h - what to put into Authorization for a registry's challenge
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_TOKEN_H
#define COCO_IMAGE_TOKEN_H

#include "image/challenge.h"
#include "image/credentials.h"
#include "net/http.h"

/* Of a token, and of user and password together; COCO_ERR_LIMIT beyond. */
#define COCO_TOKEN_MAX ((size_t)32 << 10)

/* Appends "Basic …" to buf, all of it or nothing. */
coco_status coco_token_basic(const struct coco_credentials *credentials, struct coco_buf *buf,
                             coco_error **err);

/*
 * Gets a token for scope from the server that the challenge names, and appends
 * "Bearer …" to buf, all of it or nothing: as distribution's docs/spec/auth/token.md
 * has it, or with an identity token as its oauth.md has it. The credentials, if
 * there are any, go to that server, so the caller has looked at its URL.
 *
 * COCO_ERR_DENIED when that server refuses them, COCO_ERR_NET when it answers
 * otherwise, COCO_ERR_PROTO when there is no token in what it says, or none that
 * is one word; errors of coco_http_do() besides.
 */
coco_status coco_token_bearer(struct coco_http *http, coco_ctx *ctx,
                              const struct coco_challenge *challenge, const char *scope,
                              const struct coco_credentials *credentials, struct coco_buf *buf,
                              coco_error **err);

#endif
