/*
 * coco/attester.h - evidence of the machine this runs on
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_H
#define COCO_ATTESTER_H

#include <coco/bytes.h>
#include <coco/context.h>
#include <coco/error.h>
#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Attesters: one for each kind of trusted execution environment (TEE).
 *
 * What an attester collects is evidence, the JSON that goes over the wire to a
 * key broker in the form the Confidential Containers project gave it. Evidence
 * proves nothing here: whoever receives it verifies it (coco/verifier.h).
 *
 * The TEEs are told by the names they have on the wire: "sample" (no TEE at
 * all, for tests, as upstream has it) and "software" (no hardware either, but
 * measured, signed and verified like hardware; for development).
 *
 * Threads: an attester may be used by one thread at a time.
 */

/** Collects evidence of one TEE. */
typedef struct coco_attester coco_attester;

/** Number of TEEs this build can attest. */
COCO_API size_t coco_tee_count(void);

/** Name of TEE @p index in order of detection, or NULL past the last. Static. */
COCO_API const char *coco_tee_name(size_t index);

/** Whether @p tee is what this machine is, judged by its devices. */
COCO_API bool coco_tee_detected(const char *tee);

/**
 * Creates the attester for @p tee.
 *
 * The detection takes the first TEE that is there. "sample" is there always and
 * proves nothing, so it is never detected, only named.
 *
 * @param tee  a name of coco_tee_name(), or NULL or "" to detect
 * @param ret  the attester; free with coco_attester_free()
 * @param err  ::COCO_ERR_NOTSUP for an unknown name and when nothing is detected
 */
COCO_API COCO_MUST_CHECK coco_status coco_attester_new(const char *tee, coco_attester **ret,
                                                       coco_error **err);

/** Frees @p attester; NULL is fine. */
COCO_API void coco_attester_free(coco_attester *attester);

/** Name of the TEE, such as "sample". Valid as long as @p attester. */
COCO_API const char *coco_attester_tee(const coco_attester *attester);

/**
 * Collects evidence that holds @p report_data, which binds it to a challenge.
 *
 * @param attester     who collects
 * @param ctx          cancellation
 * @param report_data  1 to 64 bytes, usually a digest
 * @param len          number of its bytes
 * @param ret          evidence, JSON in UTF-8; free with coco_bytes_free()
 * @param err          ::COCO_ERR_INVALID for a bad length, ::COCO_ERR_IO when
 *                     the device fails
 */
COCO_API COCO_MUST_CHECK coco_status coco_attester_collect(coco_attester *attester, coco_ctx *ctx,
                                                           const uint8_t *report_data, size_t len,
                                                           coco_bytes **ret, coco_error **err);

/**
 * Boots a software TEE: makes @p dir hold what the TEE "software" attests.
 *
 * The directory stands for the hardware: a signing key, the certificate of its
 * root and the digests of what was launched. It is the private state of one
 * simulated machine; whoever reads it can forge its evidence.
 *
 * The attester of the TEE "software" finds it in the environment variable
 * COCO_SOFTWARE_TEE.
 *
 * @param dir        existing empty directory, or one of an earlier launch
 * @param launch     what boots: any bytes, measured with SHA-384
 * @param len        number of its bytes
 * @param init_data  what the host passed at launch, or NULL
 * @param init_len   number of its bytes
 * @param err        ::COCO_ERR_IO
 */
COCO_API COCO_MUST_CHECK coco_status coco_software_tee_launch(const char *dir,
                                                              const uint8_t *launch, size_t len,
                                                              const uint8_t *init_data,
                                                              size_t init_len, coco_error **err);

/**
 * Creates the attester of the software TEE that was launched in @p dir.
 *
 * @param dir  a directory coco_software_tee_launch() has filled
 * @param ret  the attester; free with coco_attester_free()
 * @param err  ::COCO_ERR_NOTFOUND when nothing was launched there
 */
COCO_API COCO_MUST_CHECK coco_status coco_attester_new_software(const char *dir,
                                                                coco_attester **ret,
                                                                coco_error **err);

/**
 * Root key of the software TEE in @p dir, for coco_verifier_trust_key().
 *
 * @param dir  a directory coco_software_tee_launch() has filled
 * @param ret  public key, PEM; free with coco_bytes_free()
 * @param err  ::COCO_ERR_NOTFOUND when nothing was launched there
 */
COCO_API COCO_MUST_CHECK coco_status coco_software_tee_root(const char *dir, coco_bytes **ret,
                                                            coco_error **err);

#ifdef __cplusplus
}
#endif

#endif
