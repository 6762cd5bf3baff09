/*
 * tee/sev_session.h - how a guest's owner and AMD SEV firmware share keys
 *
 * AMD, "Secure Encrypted Virtualization API" (55766), section 2.2.2: the owner
 * makes TEK and TIK for one launch and wraps them under what its key (GODH) and
 * that of the platform (PDH) agree on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_SEV_SESSION_H
#define COCO_TEE_SEV_SESSION_H

#include "base/secret.h"
#include "crypto/key.h"

#define COCO_SEV_KEY_SIZE ((size_t)16)
#define COCO_SEV_MAC_SIZE ((size_t)32)
#define COCO_SEV_SESSION_SIZE ((size_t)128)

/* Bits of a policy (55766, chapter 3). */
#define COCO_SEV_POLICY_NODBG 0x01U
#define COCO_SEV_POLICY_NOKS 0x02U
#define COCO_SEV_POLICY_ES 0x04U
#define COCO_SEV_POLICY_NOSEND 0x08U
#define COCO_SEV_POLICY_DOMAIN 0x10U
#define COCO_SEV_POLICY_SEV 0x20U

/* Keys of one launch: one encrypts, one authenticates. */
struct coco_sev_keys {
    struct coco_secret tek;
    struct coco_secret tik;
};

void coco_sev_keys_done(struct coco_sev_keys *keys);
#define _cleanup_sev_keys_ _cleanup_(coco_sev_keys_done)

coco_status coco_sev_keys_generate(struct coco_sev_keys *ret, coco_error **err);

/* What the firmware is given. */
struct coco_sev_session {
    uint8_t nonce[16];
    uint8_t wrap_tk[32];
    uint8_t wrap_iv[16];
    uint8_t wrap_mac[COCO_SEV_MAC_SIZE];
    uint8_t policy_mac[COCO_SEV_MAC_SIZE];
};

coco_status coco_sev_session_parse(const void *data, size_t len, struct coco_sev_session *ret,
                                   coco_error **err);
void coco_sev_session_format(const struct coco_sev_session *session,
                             uint8_t ret[COCO_SEV_SESSION_SIZE]);

/* The firmware's KDF (NIST SP 800-108, counter mode, HMAC-SHA-256); context may be empty. */
coco_status coco_sev_kdf(const struct coco_secret *key, const char *label, const void *context,
                         size_t len, struct coco_secret *ret, coco_error **err);

/* Wraps keys under z, with the nonce and wrap_iv that are in session, and fills in the rest. */
coco_status coco_sev_session_wrap(const struct coco_secret *z, const struct coco_sev_keys *keys,
                                  uint32_t policy, struct coco_sev_session *session,
                                  coco_error **err);

/* The way back: COCO_ERR_VERIFY where a MAC does not fit, the policy's included. */
coco_status coco_sev_session_unwrap(const struct coco_secret *z,
                                    const struct coco_sev_session *session, uint32_t policy,
                                    struct coco_sev_keys *ret, coco_error **err);

/* A session with the platform of pdh, for a launch with policy. */
coco_status coco_sev_session_make(EVP_PKEY *own, EVP_PKEY *pdh, uint32_t policy,
                                  const struct coco_sev_keys *keys, struct coco_sev_session *ret,
                                  coco_error **err);

#endif
