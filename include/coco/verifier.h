/*
 * coco/verifier.h - what evidence proves
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_H
#define COCO_VERIFIER_H

#include <coco/bytes.h>
#include <coco/collateral.h>
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

/** What evidence must be bound to, so that it is fresh and nobody else's. */
typedef struct coco_binding coco_binding;

/** What one piece of evidence came to. */
typedef struct coco_verdict coco_verdict;

/** Name of TEE @p index whose evidence can be verified, or NULL past the last. Static. */
COCO_API const char *coco_verifier_tee(size_t index);

/** Creates a verifier that trusts the makers of hardware, and no software. */
COCO_API COCO_MUST_CHECK coco_status coco_verifier_new(coco_verifier **ret, coco_error **err);

/** Frees @p verifier; NULL is fine. */
COCO_API void coco_verifier_free(coco_verifier *verifier);

/** Accepts evidence of the TEE "sample", which anybody can make. For tests. */
COCO_API void coco_verifier_allow_sample(coco_verifier *verifier);

/**
 * Lets evidence be valid that fails the check @p check.
 *
 * All that is refused is refused by default. What may be let through is named by
 * coco_verifier_allowance(); it stays to be seen in the verdict
 * (coco_verdict_check_allowed()) and in the claims, for a policy to judge.
 *
 * @param verifier  who shall let it through
 * @param check     name of the check
 * @param err       ::COCO_ERR_INVALID for a check that there is not, or that must hold
 */
COCO_API COCO_MUST_CHECK coco_status coco_verifier_allow(coco_verifier *verifier, const char *check,
                                                         coco_error **err);

/** Name of allowance @p index, such as "debug", or NULL past the last. Static. */
COCO_API const char *coco_verifier_allowance(size_t index);

/**
 * Verifies as if it were @p now, for evidence that was recorded.
 *
 * @param verifier  whose clock it is
 * @param now       seconds since 1970; 0 for the clock of the machine
 */
COCO_API void coco_verifier_set_time(coco_verifier *verifier, int64_t now);

/**
 * Accepts certificates whose root has @p fingerprint as those of @p maker.
 *
 * The roots of the makers themselves are known.
 *
 * @param verifier     who shall trust it
 * @param maker        "intel", "amd/Milan", "amd/Genoa", "amd/Turin", "amd/Naples", "amd/Rome",
 *                     "hygon", "aws" or "ibm"
 * @param fingerprint  "sha256:" and hex, of the certificate's DER
 * @param err          ::COCO_ERR_INVALID for another maker or no fingerprint, ::COCO_ERR_LIMIT
 *                     for too many of them
 */
COCO_API COCO_MUST_CHECK coco_status coco_verifier_trust_root(coco_verifier *verifier,
                                                              const char *maker,
                                                              const char *fingerprint,
                                                              coco_error **err);

/**
 * Accepts evidence of @p tee that rests on @p key.
 *
 * @param verifier  who shall trust it
 * @param tee       "software": the key is a root, as coco_software_tee_root() gives it. For
 *                  development. "tpm": the attestation key of a TPM. "cca": the attestation key
 *                  of a platform
 * @param key       public key, PEM; for "cca" also a store of trust anchors as Trustee keeps them,
 *                  JSON, whose keys count for the platform that has their instance id alone
 * @param len       number of its bytes
 * @param err       ::COCO_ERR_NOTSUP for a TEE whose roots are certificates, ::COCO_ERR_PROTO
 *                  if it is no such key, ::COCO_ERR_LIMIT for too many of them
 */
COCO_API COCO_MUST_CHECK coco_status coco_verifier_trust_key(coco_verifier *verifier,
                                                             const char *tee, const uint8_t *key,
                                                             size_t len, coco_error **err);

/**
 * Gives the verifier the private key of who asks for evidence of @p tee.
 *
 * Some TEEs answer in confidence, or with a MAC: who verifies must know a key.
 * One that was set before is replaced.
 *
 * @param verifier  who shall use it
 * @param tee       "sev": the key of the guest's owner, on P-384. "se": the key for which
 *                  measurement keys are encrypted, RSA
 * @param key       private key, PEM or DER; it is copied, and wiped with @p verifier
 * @param len       number of its bytes
 * @param err       ::COCO_ERR_NOTSUP for a TEE that needs none, ::COCO_ERR_PROTO if it is no such
 *                  key
 */
COCO_API COCO_MUST_CHECK coco_status coco_verifier_set_private_key(coco_verifier *verifier,
                                                                   const char *tee,
                                                                   const uint8_t *key, size_t len,
                                                                   coco_error **err);

/**
 * Sets where certificates, lists of revoked ones and the like come from.
 *
 * @param verifier    who asks
 * @param collateral  whom it asks, which @p verifier owns from then on
 */
COCO_API void coco_verifier_set_collateral(coco_verifier *verifier, coco_collateral *collateral);

/** Creates a binding to nothing yet, for which no evidence is valid. */
COCO_API COCO_MUST_CHECK coco_status coco_binding_new(coco_binding **ret, coco_error **err);

/** Frees @p binding; NULL is fine. */
COCO_API void coco_binding_free(coco_binding *binding);

/**
 * Demands that evidence holds @p report_data, usually the digest of a nonce and a key.
 *
 * @param binding      what to add to
 * @param report_data  1 to 64 bytes
 * @param len          number of its bytes
 * @param err          ::COCO_ERR_INVALID for another length
 */
COCO_API COCO_MUST_CHECK coco_status coco_binding_set_report_data(coco_binding *binding,
                                                                  const uint8_t *report_data,
                                                                  size_t len, coco_error **err);

/**
 * Demands that the machine was started with init data that has @p digest.
 *
 * Each TEE has a field of its own length for it, to which the digest is cut or
 * filled up with zeros.
 *
 * @param binding  what to add to
 * @param digest   1 to 64 bytes
 * @param len      number of its bytes
 * @param err      ::COCO_ERR_INVALID for another length
 */
COCO_API COCO_MUST_CHECK coco_status coco_binding_set_init_data(coco_binding *binding,
                                                                const uint8_t *digest, size_t len,
                                                                coco_error **err);

/**
 * Verifies @p evidence of the TEE @p tee.
 *
 * @param verifier  trust anchors and rules
 * @param tee       name of the TEE as on the wire
 * @param evidence  JSON in UTF-8, as coco_attester_collect() gives it
 * @param binding   what it must be bound to
 * @param ret       the verdict; free with coco_verdict_free()
 * @param err       ::COCO_ERR_NOTSUP for an unknown TEE, ::COCO_ERR_PROTO for
 *                  malformed evidence; evidence that is well formed but wrong
 *                  is no error of this call, nor is collateral that cannot be
 *                  reached: ::COCO_ERR_NET only says to ask again in a moment
 */
COCO_API COCO_MUST_CHECK coco_status coco_verify(const coco_verifier *verifier, const char *tee,
                                                 const char *evidence, const coco_binding *binding,
                                                 coco_verdict **ret, coco_error **err);

/** Frees @p verdict; NULL is fine. */
COCO_API void coco_verdict_free(coco_verdict *verdict);

/** Whether every check holds, or is allowed not to. */
COCO_API bool coco_verdict_valid(const coco_verdict *verdict);

/** The claims as a JSON object. Valid as long as @p verdict. */
COCO_API const char *coco_verdict_claims(const coco_verdict *verdict);

/** Number of checks made. */
COCO_API size_t coco_verdict_check_count(const coco_verdict *verdict);

/** Name of check @p index, such as "report-data"; NULL past the last. Lent. */
COCO_API const char *coco_verdict_check_name(const coco_verdict *verdict, size_t index);

/** Whether check @p index holds; false past the last. */
COCO_API bool coco_verdict_check_ok(const coco_verdict *verdict, size_t index);

/** Whether check @p index does not hold but need not: coco_verifier_allow(). */
COCO_API bool coco_verdict_check_allowed(const coco_verdict *verdict, size_t index);

/** What check @p index demands, for people; NULL past the last. Lent. */
COCO_API const char *coco_verdict_check_want(const coco_verdict *verdict, size_t index);

/** What the evidence has instead, for people; NULL past the last. Lent. */
COCO_API const char *coco_verdict_check_got(const coco_verdict *verdict, size_t index);

/** What to do where check @p index does not hold; NULL past the last and where there is none. */
COCO_API const char *coco_verdict_check_hint(const coco_verdict *verdict, size_t index);

#ifdef __cplusplus
}
#endif

#endif
