/*
 * image/token.h - what to put into Authorization for a registry's challenge
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_TOKEN_H
#define COCO_IMAGE_TOKEN_H

#include "image/auth.h"
#include "image/challenge.h"
#include "net/http.h"

#define COCO_TOKEN_MAX ((size_t)32 << 10)

/* Appends "Basic …" to buf. */
coco_status coco_token_basic(const struct coco_credentials *credentials, struct coco_buf *buf,
                             coco_error **err);

/*
 * Gets a token for scope from the server that the challenge names, as
 * distribution's docs/spec/auth/token.md has it, and appends "Bearer …" to buf.
 * The credentials, if there are any, go to that server, so the caller has looked
 * at its URL.
 */
coco_status coco_token_bearer(struct coco_http *http, coco_ctx *ctx,
                              const struct coco_challenge *challenge, const char *scope,
                              const struct coco_credentials *credentials, struct coco_buf *buf,
                              coco_error **err);

#endif
