/*
 * tee/csv_cert.h - certificates of Hygon CSV, in Hygon's own format
 *
 * HRK -> HSK -> CEK -> PEK: the first two as AMD has an ARK and an ASK, the others
 * as a platform of SEV has them, but with keys and signatures of SM2. Whose key it
 * is, is part of each: an id, which goes into what that key signs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_CSV_CERT_H
#define COCO_TEE_CSV_CERT_H

#include "base/json.h"
#include "crypto/sm2.h"

#define COCO_CSV_CA_SIZE ((size_t)832)
#define COCO_CSV_CA_BODY_SIZE ((size_t)576) /* what its signature covers */
#define COCO_CSV_CERT_SIZE ((size_t)2084)
#define COCO_CSV_CERT_BODY_SIZE ((size_t)1044) /* the same */
#define COCO_CSV_NUMBER_SIZE ((size_t)72)      /* of x, y, r and s, little-endian */
#define COCO_CSV_ID_SIZE ((size_t)254)

enum coco_csv_usage {
    COCO_CSV_HRK = 0x0000,
    COCO_CSV_HSK = 0x0013,
    COCO_CSV_NONE = 0x1000,
    COCO_CSV_OCA = 0x1001,
    COCO_CSV_PEK = 0x1002,
    COCO_CSV_PDH = 0x1003,
    COCO_CSV_CEK = 0x1004,
};

#define COCO_CSV_SM2 4U       /* an algorithm: SM2 with SM3 */
#define COCO_CSV_CURVE_SM2 3U /* a curve */

/* A public key, and whose it is. */
struct coco_csv_key {
    uint32_t curve;
    uint8_t x[COCO_CSV_NUMBER_SIZE];
    uint8_t y[COCO_CSV_NUMBER_SIZE];
    uint16_t id_len;
    uint8_t id[COCO_CSV_ID_SIZE];
};

struct coco_csv_signature {
    uint8_t r[COCO_CSV_NUMBER_SIZE];
    uint8_t s[COCO_CSV_NUMBER_SIZE];
};

/* An HRK or HSK. */
struct coco_csv_ca {
    uint32_t version;
    uint8_t key_id[16];
    uint8_t signer_id[16];
    uint32_t usage;
    struct coco_csv_key key;
    struct coco_csv_signature signature;
};

/* A CEK or PEK. */
struct coco_csv_cert {
    uint32_t version;
    uint8_t api_major;
    uint8_t api_minor;
    uint32_t usage;
    uint32_t algo;
    struct coco_csv_key key;
    uint8_t signer_id[16];
    struct {
        uint32_t usage; /* of the key that made it */
        uint32_t algo;
        struct coco_csv_signature signature;
    } signatures[2];
};

/* COCO_ERR_PROTO unless len is right, and zero what is reserved. */
coco_status coco_csv_ca_parse(const void *data, size_t len, struct coco_csv_ca *ret,
                              coco_error **err);
void coco_csv_ca_format(const struct coco_csv_ca *ca, uint8_t ret[COCO_CSV_CA_SIZE]);

coco_status coco_csv_cert_parse(const void *data, size_t len, struct coco_csv_cert *ret,
                                coco_error **err);
void coco_csv_cert_format(const struct coco_csv_cert *cert, uint8_t ret[COCO_CSV_CERT_SIZE]);

/* The csv-rs crate's structures. */
coco_status coco_csv_ca_from_json(const cJSON *object, struct coco_csv_ca *ret, coco_error **err);
coco_status coco_csv_ca_to_json(const struct coco_csv_ca *ca, cJSON *object, coco_error **err);
coco_status coco_csv_cert_from_json(const cJSON *object, struct coco_csv_cert *ret,
                                    coco_error **err);
coco_status coco_csv_cert_to_json(const struct coco_csv_cert *cert, cJSON *object,
                                  coco_error **err);

/* COCO_ERR_VERIFY unless signature is key's of data. */
coco_status coco_csv_check(const struct coco_csv_key *key,
                           const struct coco_csv_signature *signature, const void *data, size_t len,
                           coco_error **err);

/* COCO_ERR_VERIFY unless signer, which is for usage, has signed it. */
coco_status coco_csv_ca_check(const struct coco_csv_ca *ca, const struct coco_csv_ca *signer,
                              coco_error **err);
coco_status coco_csv_cert_check(const struct coco_csv_cert *cert, uint32_t usage,
                                const struct coco_csv_key *signer, coco_error **err);

/* For who makes them: fills in a key, and signs. */
coco_status coco_csv_key_set(struct coco_csv_key *ret, const EVP_PKEY *key, const char *id,
                             coco_error **err);
coco_status coco_csv_sign(EVP_PKEY *key, const struct coco_csv_key *as, const void *data,
                          size_t len, struct coco_csv_signature *ret, coco_error **err);

#endif
