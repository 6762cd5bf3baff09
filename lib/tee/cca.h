/*
 * tee/cca.h - tokens of Arm CCA
 *
 * Two claim sets, each in a COSE_Sign1: the platform's, signed by the attestation
 * key of the platform (CPAK), and the realm's, signed by the attestation key of
 * the realm (RAK), whose hash is the challenge of the platform's. As in Arm's RMM
 * specification (DEN0137) and, under other profiles, draft-ffm-rats-cca-token-00:
 *
 *     399({44234: bstr of 18([...platform]), 44241: bstr of 18([...realm])})
 *
 * or, from RMM 2.0 on (section A7.2, and draft -03), with the type of each part before it:
 *
 *     907({44234: [263, bstr of 18([...])], 44241: [263, bstr of 18([...])]})
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_CCA_H
#define COCO_TEE_CCA_H

#include "base/digest.h"
#include "base/json.h"
#include "crypto/cose.h"

#define COCO_CCA_TOKEN_MAX ((size_t)64 << 10)
#define COCO_CCA_COMPONENTS_MAX 64
#define COCO_CCA_MEASUREMENTS 4 /* of a realm, that it may extend */
#define COCO_CCA_CHALLENGE_SIZE 64
#define COCO_CCA_INSTANCE_SIZE 33
#define COCO_CCA_IMPLEMENTATION_SIZE 32

#define COCO_CCA_PLATFORM_LEGACY "http://arm.com/CCA-SSD/1.0.0"
#define COCO_CCA_PLATFORM_2023 "tag:arm.com,2023:cca_platform#1.0.0"
#define COCO_CCA_PLATFORM_2024 "tag:arm.com,2024:cca_platform#2.0.0"
#define COCO_CCA_REALM_2023 "tag:arm.com,2023:realm#1.0.0"
#define COCO_CCA_REALM_2024 "tag:arm.com,2024:realm#2.0.0"

#define COCO_CCA_TOKEN_TAG 399
#define COCO_CCA_TOKEN_CMW_TAG 907 /* draft-ietf-rats-msg-wrap */
#define COCO_CCA_EAT_CWT 263       /* application/eat+cwt as CoAP has it */
#define COCO_CCA_TOKEN_PLATFORM 44234
#define COCO_CCA_TOKEN_REALM 44241

/* Labels of claims: EAT's (RFC 9711), PSA's (RFC 9783) and Arm's own. */
enum coco_cca_claim {
    COCO_CCA_CLAIM_CHALLENGE = 10,
    COCO_CCA_CLAIM_INSTANCE_ID = 256,
    COCO_CCA_CLAIM_PROFILE = 265,
    COCO_CCA_CLAIM_CLIENT_ID = 2394,
    COCO_CCA_CLAIM_LIFECYCLE = 2395,
    COCO_CCA_CLAIM_IMPLEMENTATION_ID = 2396,
    COCO_CCA_CLAIM_COMPONENTS = 2399,
    COCO_CCA_CLAIM_SERVICE = 2400,
    COCO_CCA_CLAIM_CONFIG = 2401,
    COCO_CCA_CLAIM_HASH_ALG = 2402,
    COCO_CCA_CLAIM_REALM_PERSONALIZATION = 44235,
    COCO_CCA_CLAIM_REALM_HASH_ALG = 44236,
    COCO_CCA_CLAIM_REALM_KEY = 44237,
    COCO_CCA_CLAIM_REALM_INITIAL = 44238,
    COCO_CCA_CLAIM_REALM_EXTENSIBLE = 44239,
    COCO_CCA_CLAIM_REALM_KEY_HASH_ALG = 44240,
};

enum coco_cca_component_label {
    COCO_CCA_COMPONENT_TYPE = 1,
    COCO_CCA_COMPONENT_VALUE = 2,
    COCO_CCA_COMPONENT_VERSION = 4,
    COCO_CCA_COMPONENT_SIGNER_ID = 5,
    COCO_CCA_COMPONENT_HASH_ALG = 6,
};

/* All strings are lent by what was read; those without bytes are not there. */
struct coco_cca_component {
    struct coco_cbor_string type; /* "BL"; may be missing */
    struct coco_cbor_string value;
    struct coco_cbor_string version; /* may be missing */
    struct coco_cbor_string signer_id;
    struct coco_cbor_string hash_alg; /* may be missing */
};

struct coco_cca_platform {
    struct coco_cbor_string profile;
    struct coco_cbor_string challenge; /* 32, 48 or 64 bytes */
    struct coco_cbor_string implementation_id;
    struct coco_cbor_string instance_id;
    struct coco_cbor_string config;
    struct coco_cbor_string service; /* may be missing */
    struct coco_cbor_string hash_alg;
    uint16_t lifecycle;
    int64_t client_id; /* who asked for it; 0 in profiles before 2024 */
    struct coco_cca_component components[COCO_CCA_COMPONENTS_MAX];
    size_t n_components;
};

struct coco_cca_realm {
    struct coco_cbor_string profile; /* missing in the legacy one */
    struct coco_cbor_string challenge;
    struct coco_cbor_string personalization;
    struct coco_cbor_string initial; /* the measurements have 32, 48 or 64 bytes */
    struct coco_cbor_string extensible[COCO_CCA_MEASUREMENTS];
    struct coco_cbor_string hash_alg;
    struct coco_cbor_string key; /* 0x04, x and y on P-384, or a COSE_Key: by its profile */
    struct coco_cbor_string key_hash_alg;
};

struct coco_cca_token {
    struct coco_cose_sign1 platform_message;
    struct coco_cose_sign1 realm_message;
    struct coco_cca_platform platform;
    struct coco_cca_realm realm;
};

#define COCO_CCA_CLIENT_REALMS 1 /* the Realm Management Security Domain, the only one that may */

/* What a platform is in (DEN0129, "security lifecycle"). */
enum coco_cca_state {
    COCO_CCA_UNKNOWN = 0,
    COCO_CCA_ASSEMBLY = 1,
    COCO_CCA_PROVISIONING = 2,
    COCO_CCA_SECURED = 3,
    COCO_CCA_DEBUG = 4,             /* of what is not the root of trust */
    COCO_CCA_RECOVERABLE_DEBUG = 5, /* of the root of trust */
    COCO_CCA_DECOMMISSIONED = 6,
};

/*
 * Claim sets, and the token with both. COCO_ERR_PROTO for a claim that is missing
 * or of another type or size, COCO_ERR_NOTSUP for a profile or a hash algorithm
 * that is not known; claims that nobody knows are passed over, as all web tokens
 * want it (RFC 8392 section 3). No signature is looked at.
 */
coco_status coco_cca_platform_parse(const void *data, size_t len, struct coco_cca_platform *ret,
                                    coco_error **err);
coco_status coco_cca_realm_parse(const void *data, size_t len, struct coco_cca_realm *ret,
                                 coco_error **err);
coco_status coco_cca_token_parse(const void *data, size_t len, struct coco_cca_token *ret,
                                 coco_error **err);

enum coco_cca_state coco_cca_state_of(const struct coco_cca_platform *platform);

/* The key that realm says is its own. COCO_ERR_PROTO unless it is on its curve. */
coco_status coco_cca_realm_key(const struct coco_cca_realm *realm, EVP_PKEY **ret,
                               coco_error **err);

/* SHA-256, -384 or -512 by its name here, "sha-256"; COCO_ERR_NOTSUP. */
coco_status coco_cca_hash_alg(struct coco_cbor_string name, enum coco_hash_alg *ret,
                              coco_error **err);

/* The way back: claim sets, and of two COSE_Sign1 the token. */
coco_status coco_cca_platform_format(const struct coco_cca_platform *platform, struct coco_buf *buf,
                                     coco_error **err);
coco_status coco_cca_realm_format(const struct coco_cca_realm *realm, struct coco_buf *buf,
                                  coco_error **err);
coco_status coco_cca_token_format(struct coco_cbor_string platform, struct coco_cbor_string realm,
                                  struct coco_buf *buf, coco_error **err);
/* The same as RMM 2.0 has it. */
coco_status coco_cca_token_format_cmw(struct coco_cbor_string platform,
                                      struct coco_cbor_string realm, struct coco_buf *buf,
                                      coco_error **err);

/*
 * The form on the wire, {"token":[217,1,143,...]}, and what is in it. COCO_ERR_PROTO
 * for anything else, COCO_ERR_LIMIT for a token of more than COCO_CCA_TOKEN_MAX bytes.
 */
coco_status coco_cca_evidence_format(struct coco_cbor_string token, struct coco_buf *buf,
                                     coco_error **err);
coco_status coco_cca_evidence_parse(const cJSON *evidence, struct coco_buf *token,
                                    coco_error **err);

#endif
