/*
 * tee/tcghash.h - hash algorithms, numbered as TCG does
 *
 * TPMs, event logs and runtime registers know SHA-1 and SM3, too, which
 * base/digest.h does not: nothing that is addressed by its digest may use them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_TCGHASH_H
#define COCO_TEE_TCGHASH_H

#include <coco/error.h>

/* TCG Algorithm Registry, table 3. */
enum coco_tcg_hash {
    COCO_TCG_SHA1 = 0x0004,
    COCO_TCG_SHA256 = 0x000b,
    COCO_TCG_SHA384 = 0x000c,
    COCO_TCG_SHA512 = 0x000d,
    COCO_TCG_SM3 = 0x0012,
};

#define COCO_TCG_HASHES 5
#define COCO_TCG_HASH_SIZE_MAX 64

/* Bytes of a digest; 0 for what is none of them. */
size_t coco_tcg_hash_size(uint16_t alg);

/* "SHA-384", as upstream's claims have it; NULL for what is none of them. */
const char *coco_tcg_hash_name(uint16_t alg);

/* The one that is called "sha384" and the like; 0 for another. */
uint16_t coco_tcg_hash_parse(const char *name);

/* COCO_ERR_NOTSUP for what is none of them, and where OpenSSL does not have it. */
coco_status coco_tcg_hash(uint16_t alg, const void *data, size_t len, uint8_t *ret,
                          coco_error **err);

/* What TPM2_PCR_Extend() and its kin do: reg becomes the hash of reg and digest. */
coco_status coco_tcg_extend(uint16_t alg, uint8_t *reg, const uint8_t *digest, coco_error **err);

#endif
