/*
 * coco/verifier.h - what evidence proves
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_H
#define COCO_VERIFIER_H

#include <coco/bytes.h>
#include <coco/error.h>
#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Verifying evidence.
 *
 * Every byte of evidence is hostile. A verdict is reached for all evidence that
 * is well formed; what was wrong with it is one of its checks. Only evidence
 * whose checks all hold is valid, and only then may its claims be believed.
 * Whether valid claims are good enough is for a policy to say.
 *
 * Threads: a verifier that is set up may be used by several threads at once; a
 * verdict never changes and may be shared.
 */

/** Trust anchors and rules. */
typedef struct coco_verifier coco_verifier;

/** What one piece of evidence came to. */
typedef struct coco_verdict coco_verdict;

/** Creates a verifier that trusts no software: neither "sample" nor "software". */
COCO_API COCO_MUST_CHECK coco_status coco_verifier_new(coco_verifier **ret, coco_error **err);

/** Frees @p verifier; NULL is fine. */
COCO_API void coco_verifier_free(coco_verifier *verifier);

/** Accepts evidence of the TEE "sample", which anybody can make. For tests. */
COCO_API void coco_verifier_allow_sample(coco_verifier *verifier);

/**
 * Accepts software TEEs whose root is @p key. For development.
 *
 * @param verifier  who shall trust it
 * @param key       public key, PEM, as coco_software_tee_root() gives it
 * @param len       number of its bytes
 * @param err       ::COCO_ERR_PROTO if it is no such key
 */
COCO_API COCO_MUST_CHECK coco_status coco_verifier_trust_software(coco_verifier *verifier,
                                                                  const uint8_t *key, size_t len,
                                                                  coco_error **err);

/**
 * Verifies @p evidence of the TEE @p tee.
 *
 * @param verifier     trust anchors and rules
 * @param tee          name of the TEE as on the wire
 * @param evidence     JSON in UTF-8, as coco_attester_collect() gives it
 * @param report_data  what the evidence must be bound to
 * @param len          number of its bytes, 1 to 64
 * @param ret          the verdict; free with coco_verdict_free()
 * @param err          ::COCO_ERR_NOTSUP for an unknown TEE, ::COCO_ERR_PROTO for
 *                     malformed evidence; evidence that is well formed but wrong
 *                     is no error of this call
 */
COCO_API COCO_MUST_CHECK coco_status coco_verify(const coco_verifier *verifier, const char *tee,
                                                 const char *evidence, const uint8_t *report_data,
                                                 size_t len, coco_verdict **ret, coco_error **err);

/** Frees @p verdict; NULL is fine. */
COCO_API void coco_verdict_free(coco_verdict *verdict);

/** Whether every check holds. */
COCO_API bool coco_verdict_valid(const coco_verdict *verdict);

/** The claims as a JSON object. Valid as long as @p verdict. */
COCO_API const char *coco_verdict_claims(const coco_verdict *verdict);

/** Number of checks made. */
COCO_API size_t coco_verdict_check_count(const coco_verdict *verdict);

/** Name of check @p index, such as "report-data"; NULL past the last. Lent. */
COCO_API const char *coco_verdict_check_name(const coco_verdict *verdict, size_t index);

/** Whether check @p index holds; false past the last. */
COCO_API bool coco_verdict_check_ok(const coco_verdict *verdict, size_t index);

/** What check @p index demands, for people; NULL past the last. Lent. */
COCO_API const char *coco_verdict_check_want(const coco_verdict *verdict, size_t index);

/** What the evidence has instead, for people; NULL past the last. Lent. */
COCO_API const char *coco_verdict_check_got(const coco_verdict *verdict, size_t index);

#ifdef __cplusplus
}
#endif

#endif
