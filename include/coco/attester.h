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
 * measured, signed and verified like hardware; for development). "sampledevice"
 * is a sample of a device, whose evidence goes along with that of a TEE.
 *
 * The devices and files of the kernel that attesters use are looked for below
 * the directory that the environment variable COCO_TEE_ROOT names, if it is set:
 * for software TEEs and tests. That gives no trust away, for evidence is only as
 * good as the keys that a verifier finds it signed with. A process in secure
 * execution ignores the variable.
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
 * proves nothing, so it is never detected, only named; neither are devices.
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
 * Algorithm of the registers that the TEE can extend at run time.
 *
 * @return "sha384", "sha256" or "sm3"; NULL if it has none
 */
COCO_API const char *coco_attester_register_alg(const coco_attester *attester);

/**
 * Extends a register with @p digest: a measurement at run time, for good until
 * the machine starts again.
 *
 * @param attester  of a TEE that has registers
 * @param pcr       0 to 23: the PCR of a TPM, or the one whose part a register of
 *                  the TEE plays (UEFI 2.11, 38.4.1); 8 to 15 are free, 17 is
 *                  where the attestation agent has its own
 * @param digest    of what was measured, by the algorithm of the registers
 * @param len       number of its bytes
 * @param err       ::COCO_ERR_NOTSUP without registers, ::COCO_ERR_INVALID for
 *                  another length or PCR, ::COCO_ERR_IO when the device fails
 */
COCO_API COCO_MUST_CHECK coco_status coco_attester_extend(coco_attester *attester, unsigned pcr,
                                                          const uint8_t *digest, size_t len,
                                                          coco_error **err);

/**
 * Reads a register.
 *
 * @param attester  of a TEE that has registers
 * @param pcr       as in coco_attester_extend()
 * @param ret       what it holds; free with coco_bytes_free()
 * @param err       as coco_attester_extend()
 */
COCO_API COCO_MUST_CHECK coco_status coco_attester_read_register(coco_attester *attester,
                                                                 unsigned pcr, coco_bytes **ret,
                                                                 coco_error **err);

/**
 * Measures an event at run time: extends a register, and appends the event to the log
 * that goes along with evidence, so that a verifier sees what the register stands for.
 *
 * The log is that of upstream's attestation agent (AAEL), /run/attestation-agent/eventlog;
 * its directory is made if it is not there. What a process that was stopped has begun, the
 * next measurement ends. Several processes may measure at once.
 *
 * @param attester   of a TEE that has registers
 * @param pcr        as in coco_attester_extend(); 17 unless there is a reason
 * @param domain     who defines the event, such as "github.com/confidential-containers"
 * @param operation  what was done, such as "PullImage"; neither has spaces
 * @param content    more of it, one line of UTF-8, usually JSON
 * @param err        ::COCO_ERR_NOTSUP without registers, ::COCO_ERR_INVALID for texts that a
 *                   log cannot hold, ::COCO_ERR_LIMIT when it is full, ::COCO_ERR_VERIFY when a
 *                   measurement was stopped and its register extended since, ::COCO_ERR_PROTO
 *                   when somebody else has written to the log, ::COCO_ERR_IO
 */
COCO_API COCO_MUST_CHECK coco_status coco_attester_measure(coco_attester *attester, unsigned pcr,
                                                           const char *domain,
                                                           const char *operation,
                                                           const char *content, coco_error **err);

/**
 * Makes sure that the machine was started with init data of @p digest.
 *
 * The digest is cut, or filled up with zeros, to the field that the TEE has for
 * it. A TPM has none: its PCR 8 is extended, so there this is done once, early.
 *
 * @param attester  of this machine
 * @param digest    1 to 64 bytes
 * @param len       number of its bytes
 * @param err       ::COCO_ERR_VERIFY if it was started with other init data,
 *                  ::COCO_ERR_NOTSUP if the TEE has no place for it,
 *                  ::COCO_ERR_INVALID for a bad length
 */
COCO_API COCO_MUST_CHECK coco_status coco_attester_bind_init_data(coco_attester *attester,
                                                                  const uint8_t *digest, size_t len,
                                                                  coco_error **err);

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
