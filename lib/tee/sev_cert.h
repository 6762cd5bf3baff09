/*
 * tee/sev_cert.h - certificates of AMD SEV, in AMD's own format
 *
 * AMD, "Secure Encrypted Virtualization API" (55766), appendix C: a platform has
 * PDH <- PEK <- OCA and CEK, 2084 bytes each, and the CEK is signed by AMD's ASK,
 * that by its ARK, which are of appendix B and have RSA keys.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_SEV_CERT_H
#define COCO_TEE_SEV_CERT_H

#include "base/buf.h"
#include "crypto/key.h"

#define COCO_SEV_CERT_SIZE ((size_t)2084)
#define COCO_SEV_CERT_BODY_SIZE ((size_t)1044) /* what its signatures cover */
#define COCO_SEV_NUMBER_SIZE ((size_t)72)      /* x, y, r and s, little-endian */
#define COCO_SEV_CERT_SIGNATURES 2

/* An ARK or ASK has a key of 2048 or 4096 bits. */
#define COCO_SEV_CA_SIZE_2048 ((size_t)832)
#define COCO_SEV_CA_SIZE_4096 ((size_t)1600)
#define COCO_SEV_CA_ID_SIZE ((size_t)16)
#define COCO_SEV_RSA_SIZE_MAX ((size_t)512)

enum coco_sev_usage {
    COCO_SEV_ARK = 0x0000,
    COCO_SEV_ASK = 0x0013,
    COCO_SEV_NONE = 0x1000, /* a place for a signature that has none */
    COCO_SEV_OCA = 0x1001,
    COCO_SEV_PEK = 0x1002,
    COCO_SEV_PDH = 0x1003,
    COCO_SEV_CEK = 0x1004,
};

enum coco_sev_algo {
    COCO_SEV_RSA_SHA256 = 0x001,
    COCO_SEV_ECDSA_SHA256 = 0x002,
    COCO_SEV_ECDH_SHA256 = 0x003,
    COCO_SEV_RSA_SHA384 = 0x101,
    COCO_SEV_ECDSA_SHA384 = 0x102,
    COCO_SEV_ECDH_SHA384 = 0x103,
};

struct coco_sev_signature {
    uint32_t usage; /* of the key that made it */
    uint32_t algo;
    uint8_t bytes[COCO_SEV_RSA_SIZE_MAX];
};

/* A certificate of the platform, or of the guest's owner. */
struct coco_sev_cert {
    uint8_t api_major;
    uint8_t api_minor;
    uint32_t usage;
    uint32_t algo;
    uint32_t curve; /* 1: P-256, 2: P-384 */
    uint8_t x[COCO_SEV_NUMBER_SIZE];
    uint8_t y[COCO_SEV_NUMBER_SIZE];
    struct coco_sev_signature signatures[COCO_SEV_CERT_SIGNATURES];
};

/* One of AMD's own. */
struct coco_sev_ca {
    uint8_t key_id[COCO_SEV_CA_ID_SIZE];
    uint8_t signer_id[COCO_SEV_CA_ID_SIZE];
    uint32_t usage;
    size_t key_size; /* bytes of its modulus: 256 or 512 */
    uint8_t exponent[COCO_SEV_RSA_SIZE_MAX];
    uint8_t modulus[COCO_SEV_RSA_SIZE_MAX];
    uint8_t signature[COCO_SEV_RSA_SIZE_MAX]; /* of the signer's size, which is its own */
};

/* COCO_ERR_PROTO unless it is version 1, and zero where nothing is. */
coco_status coco_sev_cert_parse(const void *data, size_t len, struct coco_sev_cert *ret,
                                coco_error **err);
void coco_sev_cert_format(const struct coco_sev_cert *cert, uint8_t ret[COCO_SEV_CERT_SIZE]);

/* Reads one and stores how long it was: two of them stand one behind the other. */
coco_status coco_sev_ca_parse(const void *data, size_t len, struct coco_sev_ca *ret, size_t *size,
                              coco_error **err);
coco_status coco_sev_ca_format(const struct coco_sev_ca *ca, struct coco_buf *buf,
                               coco_error **err);

/* COCO_ERR_PROTO for what is no key. */
coco_status coco_sev_cert_key(const struct coco_sev_cert *cert, EVP_PKEY **ret, coco_error **err);
coco_status coco_sev_ca_key(const struct coco_sev_ca *ca, EVP_PKEY **ret, coco_error **err);

/* Fills in a public key on P-384, and that it is for usage and algo. */
coco_status coco_sev_cert_set_key(struct coco_sev_cert *cert, const EVP_PKEY *key, uint32_t usage,
                                  uint32_t algo, coco_error **err);

/* COCO_ERR_VERIFY unless a key for usage has signed cert, and it is key. */
coco_status coco_sev_cert_check(const struct coco_sev_cert *cert, uint32_t usage, EVP_PKEY *key,
                                coco_error **err);
coco_status coco_sev_ca_check(const struct coco_sev_ca *ca, const struct coco_sev_ca *signer,
                              coco_error **err);

/* Signs cert with key, which is for usage, in the place index. */
coco_status coco_sev_cert_sign(struct coco_sev_cert *cert, size_t index, uint32_t usage,
                               uint32_t algo, EVP_PKEY *key, coco_error **err);

#endif
