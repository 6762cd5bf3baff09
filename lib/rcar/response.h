/*
 * rcar/response.h - a secret on its way to the guest's key
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RCAR_RESPONSE_H
#define COCO_RCAR_RESPONSE_H

#include "base/buf.h"
#include "base/secret.h"
#include "rcar/tee_key.h"

/*
 * From 0.2.0 on it is a JWE (crypto/jwe.h). What was called one before has the
 * same members, but "protected" is the header's JSON text as it is, the tag is
 * the end of the ciphertext, and nothing authenticates the header (A.1).
 */

/* Appends data encrypted to a guest's key, which coco_rcar_tee_key_parse() has read for version. */
coco_status coco_rcar_response_build(enum coco_rcar_version version, EVP_PKEY *key,
                                     const void *data, size_t len, struct coco_buf *buf,
                                     coco_error **err);

/* Decrypts; errors are those of coco_jwe_decrypt(). */
coco_status coco_rcar_response_open(enum coco_rcar_version version, const void *text, size_t len,
                                    EVP_PKEY *key, struct coco_secret *ret, coco_error **err);

#endif
