/*
 * verifier/se.h - asking IBM Secure Execution for evidence
 *
 * Who asks is who verifies: it needs an RSA key (coco_verifier_set_private_key()).
 * Keys of requests come back with the answer, encrypted to that. Upstream takes
 * whatever comes back, so whoever has the public key can make up an answer. Here a
 * measurement key is derived from the RSA key and the request's nonce: it comes from
 * nobody else, and nothing has to be kept.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_SE_H
#define COCO_VERIFIER_SE_H

#include "tee/se_request.h"
#include "verifier/driver.h"

/*
 * Appends a request for a guest whose image has tags, which machines with one of
 * the host key documents can answer: JSON, for the nonce of a challenge.
 * COCO_ERR_INVALID without the verifier's key; errors of coco_se_host_key_check().
 */
coco_status coco_se_request_make(const coco_verifier *verifier, X509 *const *documents,
                                 size_t count, const struct coco_se_tags *tags,
                                 struct coco_buf *ret, coco_error **err);

#endif
