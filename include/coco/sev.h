/*
 * coco/sev.h - the owner's part in a launch on AMD SEV and SEV-ES
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SEV_H
#define COCO_SEV_H

#include <coco/bytes.h>
#include <coco/error.h>
#include <coco/types.h>
#include <coco/verifier.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * SEV and SEV-ES attest before a guest runs, to its owner, who is part of it:
 *
 * 1. The owner makes a session with the platform, whose certificates it has verified:
 *    coco_sev_owner_new(). Whoever launches the guest gets its certificate and session,
 *    which QEMU takes as `dh-cert-file` and `session-file`, both in base64.
 * 2. The firmware loads and measures the guest, which is stopped still
 *    (`query-sev-launch-measure`). The owner checks that it is the guest that was meant:
 *    coco_sev_owner_check().
 * 3. The owner makes a packet of secrets for this launch and no other:
 *    coco_sev_owner_get_packet(). The firmware decrypts it into the guest's memory
 *    (`sev-inject-launch-secret`), which then runs, and finds them where Linux shows them
 *    (`/sys/kernel/security/secrets/coco`). The KBC `offline_sev_kbc` reads those that were
 *    added by the name of a resource.
 *
 * What the owner knows between these steps is secret, and may be saved and loaded.
 * SEV without SEV-ES does not measure the state of the CPUs; neither says anything of
 * what the guest does later. For SEV-SNP, attest as it runs.
 *
 * Threads: an owner may be used by one thread at a time.
 */

/** The owner of one guest, in one launch of it. */
typedef struct coco_sev_owner coco_sev_owner;

/** Bits of a policy (AMD 55766, chapter 3). Bits 16 to 31 are the oldest firmware that will do. */
typedef enum coco_sev_policy {
    COCO_SEV_NO_DEBUG = 0x01,        /**< The host cannot debug it. */
    COCO_SEV_NO_KEY_SHARING = 0x02,  /**< No other guest has its keys. */
    COCO_SEV_ENCRYPTED_STATE = 0x04, /**< SEV-ES. */
    COCO_SEV_NO_SEND = 0x08,         /**< It does not move to another platform. */
    COCO_SEV_DOMAIN = 0x10,          /**< ... but to one of its domain. */
    COCO_SEV_SEV_ONLY = 0x20,        /**< ... but to one without SEV at all it does not. */
} coco_sev_policy;

/** What the firmware says of itself in a launch. */
typedef struct coco_sev_firmware {
    size_t size;        /**< sizeof(coco_sev_firmware) */
    uint32_t api_major; /**< at most 255, as the others */
    uint32_t api_minor; /**< as QEMU's `query-sev` tells them */
    uint32_t build_id;  /**< the same of its build */
} coco_sev_firmware;

/**
 * Begins a launch: makes a key of the owner, and a session with a platform.
 *
 * @param verifier  whose roots count, "amd/Naples" and "amd/Rome", and which collateral:
 *                  coco_verifier_set_collateral(). Nothing else of it is used
 * @param chain     the platform's certificates, PDH, PEK, OCA and CEK, and perhaps ASK and ARK,
 *                  as `sevctl export --full` writes them
 * @param len       number of its bytes
 * @param policy    of the guest: bits of ::coco_sev_policy. One without ::COCO_SEV_NO_DEBUG needs
 *                  coco_verifier_allow() of "debug"
 * @param ret       the owner; free with coco_sev_owner_free()
 * @param err       ::COCO_ERR_PROTO for what are no certificates, ::COCO_ERR_VERIFY if the
 *                  platform is none of AMD's, or for such a policy
 */
COCO_API COCO_MUST_CHECK coco_status coco_sev_owner_new(const coco_verifier *verifier,
                                                        const uint8_t *chain, size_t len,
                                                        uint32_t policy, coco_sev_owner **ret,
                                                        coco_error **err);

/**
 * Goes on with a launch that was saved.
 *
 * @param state  of coco_sev_owner_save()
 * @param ret    the owner; free with coco_sev_owner_free()
 * @param err    ::COCO_ERR_PROTO, ::COCO_ERR_VERIFY if its parts do not fit together
 */
COCO_API COCO_MUST_CHECK coco_status coco_sev_owner_load(const char *state, coco_sev_owner **ret,
                                                         coco_error **err);

/** Frees @p owner and wipes its keys; NULL is fine. */
COCO_API void coco_sev_owner_free(coco_sev_owner *owner);

/**
 * Gets what the owner knows, for coco_sev_owner_load(): secrets and what was checked are
 * not in it.
 *
 * @param owner  whose
 * @param ret    JSON, which is secret; free with coco_bytes_free(), which wipes it
 * @param err    ::COCO_ERR_NOMEM
 */
COCO_API COCO_MUST_CHECK coco_status coco_sev_owner_save(const coco_sev_owner *owner,
                                                         coco_bytes **ret, coco_error **err);

/**
 * Gets the owner's certificate (GODH), of AMD's format, for who launches.
 *
 * @param owner  whose
 * @param ret    2084 bytes; free with coco_bytes_free()
 * @param err    ::COCO_ERR_NOMEM
 */
COCO_API COCO_MUST_CHECK coco_status coco_sev_owner_get_certificate(const coco_sev_owner *owner,
                                                                    coco_bytes **ret,
                                                                    coco_error **err);

/** Gets the session ("launch blob") in the same way: 128 bytes. */
COCO_API COCO_MUST_CHECK coco_status coco_sev_owner_get_session(const coco_sev_owner *owner,
                                                                coco_bytes **ret, coco_error **err);

/**
 * Adds a secret to be injected.
 *
 * @param owner  whose
 * @param name   `kbs:///<repository>/<type>/<tag>`, by which offline_sev_kbc has it, or a GUID,
 *               by which the guest's kernel shows it
 * @param data   the secret, which is copied
 * @param len    number of its bytes
 * @param err    ::COCO_ERR_INVALID for another name, or one that was added,
 *               ::COCO_ERR_LIMIT beyond 64 KiB or 64 secrets in all
 */
COCO_API COCO_MUST_CHECK coco_status coco_sev_owner_add_secret(coco_sev_owner *owner,
                                                               const char *name,
                                                               const uint8_t *data, size_t len,
                                                               coco_error **err);

/**
 * Checks that the guest that was launched is the one that was meant.
 *
 * @param owner            whose
 * @param measurement      what the firmware answers, HMAC and nonce
 * @param measurement_len  48
 * @param digest           what must have been launched: coco_measure() of "sev"
 * @param digest_len       32
 * @param firmware         what it says of itself: a part of what is measured
 * @param err              ::COCO_ERR_VERIFY for any other, ::COCO_ERR_INVALID for other lengths
 */
COCO_API COCO_MUST_CHECK coco_status coco_sev_owner_check(
    coco_sev_owner *owner, const uint8_t *measurement, size_t measurement_len,
    const uint8_t *digest, size_t digest_len, const coco_sev_firmware *firmware, coco_error **err);

/**
 * Makes the packet of all secrets that were added, for the launch that was checked.
 *
 * @param owner  whose
 * @param ret    52 bytes of a header, and what is encrypted behind it, which the firmware takes
 *               apart; free with coco_bytes_free()
 * @param err    ::COCO_ERR_INVALID without a secret, or a launch that was checked
 */
COCO_API COCO_MUST_CHECK coco_status coco_sev_owner_get_packet(const coco_sev_owner *owner,
                                                               coco_bytes **ret, coco_error **err);

/**
 * Gets evidence of the launch that was checked, as coco_verify() of "sev" reads it: with the
 * key of coco_sev_owner_get_key() and bound to the SHA-256 of the session.
 *
 * @param owner  whose
 * @param ret    JSON; free with coco_bytes_free()
 * @param err    ::COCO_ERR_INVALID without a launch that was checked
 */
COCO_API COCO_MUST_CHECK coco_status coco_sev_owner_get_evidence(const coco_sev_owner *owner,
                                                                 coco_bytes **ret,
                                                                 coco_error **err);

/**
 * Gets the owner's private key, for coco_verifier_set_private_key().
 *
 * @param owner  whose
 * @param ret    PEM, which is secret; free with coco_bytes_free(), which wipes it
 * @param err    ::COCO_ERR_NOMEM
 */
COCO_API COCO_MUST_CHECK coco_status coco_sev_owner_get_key(const coco_sev_owner *owner,
                                                            coco_bytes **ret, coco_error **err);

#ifdef __cplusplus
}
#endif

#endif
