/*
 * ocicrypt/provider_json.h - requests to key providers and their replies
 *
 * Source: containers/ocicrypt docs/keyprovider.md and what its releases write
 * (guest-protocols 5.6).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_OCICRYPT_PROVIDER_JSON_H
#define COCO_OCICRYPT_PROVIDER_JSON_H

#include "base/buf.h"
#include "base/secret.h"

/* A request or a reply, which hold a blob in base64. */
#define COCO_PROVIDER_JSON_MAX ((size_t)256 << 10)
#define COCO_PROVIDER_PARAMETERS_MAX 16

struct coco_provider_request {
    bool wrap;                                                   /* else unwrap */
    struct coco_secret parameters[COCO_PROVIDER_PARAMETERS_MAX]; /* for this provider */
    size_t n_parameters;
    struct coco_secret data; /* private options to wrap, or the annotation to unwrap */
};

void coco_provider_request_done(struct coco_provider_request *request);

/* What a client asks: name is the provider's, parameter what it is told, or NULL. */
coco_status coco_provider_request_write(const char *name, const char *parameter, bool wrap,
                                        const struct coco_buf *data, struct coco_buf *text,
                                        coco_error **err);

/*
 * What a server reads of that, whoever wrote it: bytes are base64, and those that ocicrypt-rs
 * asks to wrap are text as it is. Parameters are those of the provider name. COCO_ERR_PROTO.
 */
coco_status coco_provider_request_read(const char *text, size_t len, const char *name,
                                       struct coco_provider_request *ret, coco_error **err);

/* Bytes are an array of numbers, which all peers read; Rust ones nothing else. */
coco_status coco_provider_reply_write(bool wrap, const void *data, size_t len,
                                      struct coco_buf *text, coco_error **err);

/* The bytes of either form. COCO_ERR_PROTO for none. */
coco_status coco_provider_reply_read(const char *text, size_t len, bool wrap,
                                     struct coco_secret *ret, coco_error **err);

#endif
