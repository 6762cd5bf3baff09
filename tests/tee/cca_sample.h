/*
 * tests/tee/cca_sample.h - claims of a platform and a realm that do not exist
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_TEE_CCA_SAMPLE_H
#define COCO_TESTS_TEE_CCA_SAMPLE_H

#include "tee/cca.h"

#include <string.h>

#define CCA_TEXT(text) ((struct coco_cbor_string){(const uint8_t *)(text), strlen(text)})
#define CCA_BYTES(data) ((struct coco_cbor_string){(data), sizeof(data)})

static inline struct coco_cca_platform
cca_sample_platform(struct coco_cbor_string challenge)
{
    static const uint8_t instance[COCO_CCA_INSTANCE_SIZE] = {1, 0xaa, 0xbb};
    static const uint8_t implementation[COCO_CCA_IMPLEMENTATION_SIZE] = {0xcc};
    static const uint8_t config[] = {0xcf, 0xcf};
    static const uint8_t measurement[48] = {0x11};
    static const uint8_t signer[32] = {0x22};

    return (struct coco_cca_platform){
        .profile = CCA_TEXT(COCO_CCA_PLATFORM_LEGACY),
        .challenge = challenge,
        .instance_id = CCA_BYTES(instance),
        .implementation_id = CCA_BYTES(implementation),
        .config = CCA_BYTES(config),
        .service = CCA_TEXT("https://verifier.example"),
        .hash_alg = CCA_TEXT("sha-256"),
        .lifecycle = COCO_CCA_SECURED << 12 | 3,
        .components =
            {
                {
                    .type = CCA_TEXT("BL"),
                    .value = CCA_BYTES(measurement),
                    .version = CCA_TEXT("1.0"),
                    .signer_id = CCA_BYTES(signer),
                    .hash_alg = CCA_TEXT("sha-384"),
                },
                {.value = CCA_BYTES(signer), .signer_id = CCA_BYTES(signer)},
            },
        .n_components = 2,
    };
}

static inline struct coco_cca_realm
cca_sample_realm(struct coco_cbor_string challenge, struct coco_cbor_string key)
{
    static const uint8_t personalization[COCO_CCA_CHALLENGE_SIZE] = {0x33};
    static const uint8_t initial[64] = {0x44};
    static const uint8_t extensible[64] = {0};

    return (struct coco_cca_realm){
        .challenge = challenge,
        .personalization = CCA_BYTES(personalization),
        .initial = CCA_BYTES(initial),
        .extensible = {CCA_BYTES(extensible), CCA_BYTES(initial), CCA_BYTES(extensible),
                       CCA_BYTES(extensible)},
        .hash_alg = CCA_TEXT("sha-512"),
        .key = key,
        .key_hash_alg = CCA_TEXT("sha-256"),
    };
}

#endif
