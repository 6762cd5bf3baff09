/*
 * tee/se.h - requests for attestation to IBM Secure Execution, and the answers
 *
 * After s390-tools (rust/pv) and upstream's JSON. The ultravisor of the machine
 * answers with an HMAC under a key that only the request has told it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_SE_H
#define COCO_TEE_SE_H

#include "base/buf.h"
#include "base/json.h"
#include "base/secret.h"

#define COCO_SE_TAGS_SIZE ((size_t)208)
#define COCO_SE_CUID_SIZE ((size_t)16)
#define COCO_SE_NONCE_SIZE ((size_t)16)
#define COCO_SE_KEY_SIZE ((size_t)64) /* of a measurement key */
#define COCO_SE_MEASUREMENT_SIZE ((size_t)64)
#define COCO_SE_USER_DATA_MAX ((size_t)256)
#define COCO_SE_ADDITIONAL_MAX ((size_t)32 << 10)
#define COCO_SE_PHKH_SIZE ((size_t)32) /* hash of a public host key */
#define COCO_SE_VERSION 0x100U

/* What the header of an image says of it. */
struct coco_se_tags {
    uint8_t pld[64]; /* page list digest */
    uint8_t ald[64]; /* address list digest */
    uint8_t tld[64]; /* tweak list digest */
    uint8_t tag[16]; /* of the header itself */
};

coco_status coco_se_tags_parse(const void *data, size_t len, struct coco_se_tags *ret,
                               coco_error **err);
void coco_se_tags_format(const struct coco_se_tags *tags, uint8_t ret[COCO_SE_TAGS_SIZE]);

/* Those of the image that data, an image or its header alone, begins with. */
coco_status coco_se_tags_of_header(const void *data, size_t len, struct coco_se_tags *ret,
                                   coco_error **err);

/* What the measurement is over. */
struct coco_se_measured {
    const struct coco_se_tags *tags;
    const uint8_t *cuid; /* COCO_SE_CUID_SIZE bytes */
    const uint8_t *user;
    size_t user_len;
    const uint8_t *nonce; /* COCO_SE_NONCE_SIZE bytes, or NULL where none was asked for */
    const uint8_t *additional;
    size_t additional_len;
};

coco_status coco_se_measure(const struct coco_secret *key, const struct coco_se_measured *measured,
                            uint8_t ret[COCO_SE_MEASUREMENT_SIZE], coco_error **err);

/* What goes to the guest, in the place of a nonce. */
struct coco_se_request {
    struct coco_buf control_block;
    uint32_t measurement_size;
    uint32_t additional_size;
    struct coco_buf key;   /* for who asks: encrypted to itself, and sent back */
    struct coco_buf nonce; /* the same */
    struct coco_se_tags tags;
};

void coco_se_request_done(struct coco_se_request *request);
#define _cleanup_se_request_ _cleanup_(coco_se_request_done)

coco_status coco_se_request_parse(const cJSON *object, struct coco_se_request *ret,
                                  coco_error **err);
/* Appends the JSON text. */
coco_status coco_se_request_format(const struct coco_se_request *request, struct coco_buf *buf,
                                   coco_error **err);

/* What comes back. */
struct coco_se_evidence {
    struct coco_buf measurement;
    struct coco_buf additional;
    struct coco_buf user;
    uint8_t cuid[COCO_SE_CUID_SIZE];
    struct coco_buf key;
    struct coco_buf nonce;
    struct coco_se_tags tags;
};

void coco_se_evidence_done(struct coco_se_evidence *evidence);
#define _cleanup_se_evidence_ _cleanup_(coco_se_evidence_done)

coco_status coco_se_evidence_parse(const cJSON *object, struct coco_se_evidence *ret,
                                   coco_error **err);
coco_status coco_se_evidence_format(const struct coco_se_evidence *evidence, struct coco_buf *buf,
                                    coco_error **err);

#endif
