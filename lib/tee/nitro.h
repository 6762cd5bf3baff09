/*
 * tee/nitro.h - attestation documents of AWS Nitro Enclaves
 *
 * What the security module (NSM) answers: a COSE_Sign1 without its tag, signed with
 * ES384, of a map that has the certificate of the key and those above it in it (AWS
 * Nitro Enclaves user guide, "Verifying the root of trust").
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_NITRO_H
#define COCO_TEE_NITRO_H

#include "base/json.h"
#include "crypto/cert.h"
#include "crypto/cose.h"

#define COCO_NITRO_DOCUMENT_MAX ((size_t)64 << 10)
#define COCO_NITRO_PCRS 32
#define COCO_NITRO_PCR_SIZE ((size_t)48) /* SHA-384: the only digest there is */
#define COCO_NITRO_FIELD_MAX ((size_t)1024)
#define COCO_NITRO_DIGEST "SHA384"
#define COCO_NITRO_BUNDLE_MAX (COCO_CERT_CHAIN_MAX - 1)

/* Strings are lent by what was read; those without bytes are not there. */
struct coco_nitro_document {
    struct coco_cose_sign1 message;
    struct coco_cbor_string module_id; /* "i-...-enc...": instance and enclave */
    uint64_t timestamp;                /* milliseconds since 1970, of the module's clock */
    struct coco_cbor_string pcrs[COCO_NITRO_PCRS];
    struct coco_cbor_string certificate;                     /* DER, as those below */
    struct coco_cbor_string cabundle[COCO_NITRO_BUNDLE_MAX]; /* the root first */
    size_t n_cabundle;
    struct coco_cbor_string public_key; /* these three are what the enclave gave */
    struct coco_cbor_string user_data;
    struct coco_cbor_string nonce;
};

/*
 * COCO_ERR_PROTO for a member that is missing, of another type or size, or not in
 * the user guide's specification; COCO_ERR_NOTSUP for another digest or algorithm;
 * COCO_ERR_LIMIT for too many bytes or certificates. No signature is looked at.
 */
coco_status coco_nitro_document_parse(const void *data, size_t len, struct coco_nitro_document *ret,
                                      coco_error **err);

/* Appends to ret the certificate and then the bundle from its end: the root is the last. */
coco_status coco_nitro_chain(const struct coco_nitro_document *document,
                             struct coco_cert_chain *ret, coco_error **err);

/* Appends the map that is signed. */
coco_status coco_nitro_payload_format(const struct coco_nitro_document *document,
                                      struct coco_buf *buf, coco_error **err);

/* The form on the wire, {"document":BASE64}, and what is in it. */
coco_status coco_nitro_evidence_format(struct coco_cbor_string document, struct coco_buf *buf,
                                       coco_error **err);
coco_status coco_nitro_evidence_parse(const cJSON *evidence, struct coco_buf *document,
                                      coco_error **err);

#endif
