/*
 * tee/tpm.h - quotes of a TPM 2.0, and the evidence that is made of one
 *
 * Structures are those of "TPM 2.0 Library, part 2" of the TCG and keep its
 * names; numbers are big-endian.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_TPM_H
#define COCO_TEE_TPM_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"

#define COCO_TPM_PCRS 24
#define COCO_TPM_PCR_SIZE 32
#define COCO_TPM_PCRS_ALL 0xffffffU
#define COCO_TPM_INIT_DATA_PCR 8 /* where upstream's guests put the digest of init data */

#define COCO_TPM_AK_HANDLE 0x81010002U /* where upstream's guests have the attestation key */

#define COCO_TPM_ALG_SHA256 0x000b /* section 6.3 */

#define COCO_TPM_MESSAGE_MAX ((size_t)1024)
#define COCO_TPM_SIGNATURE_MAX ((size_t)1024) /* of RSA with 8192 bits */
#define COCO_TPM_AK_MAX ((size_t)2048)

/* A TPM2B, no larger than those of a quote are: an algorithm and a digest of 64 bytes. */
#define COCO_TPM_DATA_MAX 66
struct coco_tpm_data {
    uint8_t bytes[COCO_TPM_DATA_MAX];
    size_t len;
};

/* TPMS_PCR_SELECTION (section 10.6.1): PCRs of one bank, PCR n is bit n. */
struct coco_tpm_selection {
    uint16_t hash;
    uint32_t pcrs;
};
#define COCO_TPM_SELECTIONS_MAX 16

/* TPMS_ATTEST with the TPMS_QUOTE_INFO inside (sections 10.12.12 and 10.12.4). */
struct coco_tpm_attest {
    struct coco_tpm_data signer; /* the name of the key */
    struct coco_tpm_data extra;  /* what whoever asked for the quote gave */
    uint64_t clock;
    uint32_t resets;
    uint32_t restarts;
    bool safe;
    uint64_t firmware;
    struct coco_tpm_selection selections[COCO_TPM_SELECTIONS_MAX];
    size_t n_selections;
    struct coco_tpm_data digest; /* of the PCRs that are selected, one after the other */
};

/* COCO_ERR_PROTO for all else, structures that attest something other than PCRs among it. */
coco_status coco_tpm_attest_parse(const void *data, size_t len, struct coco_tpm_attest *ret,
                                  coco_error **err);

/* Appends it. */
coco_status coco_tpm_attest_format(const struct coco_tpm_attest *attest, struct coco_buf *buf,
                                   coco_error **err);

/* Whether the digest is that of all 24 PCRs of the SHA-256 bank and of no others. */
bool coco_tpm_attest_is_of_all(const struct coco_tpm_attest *attest);

/*
 * The bytes inside a TPMT_SIGNATURE (section 11.3.4), lent: COCO_ERR_NOTSUP for
 * anything but RSASSA with SHA-256.
 */
coco_status coco_tpm_signature_parse(const void *data, size_t len, const uint8_t **ret,
                                     size_t *ret_len, coco_error **err);

/* Appends the TPMT_SIGNATURE around the bytes of an RSASSA signature with SHA-256. */
coco_status coco_tpm_signature_format(const void *signature, size_t len, struct coco_buf *buf,
                                      coco_error **err);

/* A quote as it travels: what was signed, and the PCRs whose digest that holds. */
struct coco_tpm_quote {
    struct coco_buf message;   /* TPMS_ATTEST */
    struct coco_buf signature; /* RSASSA with SHA-256, bare */
    uint8_t pcrs[COCO_TPM_PCRS][COCO_TPM_PCR_SIZE];
};

/* Buffers empty, and as large as they may become; PCRs zero. */
struct coco_tpm_quote coco_tpm_quote_empty(void);
void coco_tpm_quote_done(struct coco_tpm_quote *quote);
#define _cleanup_tpm_quote_ _cleanup_(coco_tpm_quote_done)

/* SHA-256 of the PCRs one after the other. */
coco_status coco_tpm_quote_digest(const struct coco_tpm_quote *quote, struct coco_digest *ret,
                                  coco_error **err);

/* What pcr becomes when digest is extended into it: SHA-256 of the two. */
coco_status coco_tpm_extend(uint8_t pcr[COCO_TPM_PCR_SIZE], const uint8_t digest[COCO_TPM_PCR_SIZE],
                            coco_error **err);

/* What is extended into the PCR of init data: its digest, cut or filled up with zeros. */
void coco_tpm_init_data(const uint8_t *digest, size_t len, uint8_t ret[COCO_TPM_PCR_SIZE]);

/* Reads "pcrs" of object, 24 in hex, as all of upstream's evidence but the oldest has them. */
coco_status coco_tpm_pcrs_parse(const cJSON *object, struct coco_tpm_quote *ret, coco_error **err);

/* Adds them to object. */
coco_status coco_tpm_pcrs_format(const struct coco_tpm_quote *quote, cJSON *object,
                                 coco_error **err);

/*
 * The evidence of upstream's TEE "tpm": {"tpm_quote":{"signature","message",
 * "pcrs"},"ak_public"}, in base64 and the PCRs in hex; the signature is a
 * TPMT_SIGNATURE there, the key SubjectPublicKeyInfo.
 */
struct coco_tpm_evidence {
    struct coco_tpm_quote quote;
    struct coco_buf ak;
};

struct coco_tpm_evidence coco_tpm_evidence_empty(void);
void coco_tpm_evidence_done(struct coco_tpm_evidence *evidence);
#define _cleanup_tpm_evidence_ _cleanup_(coco_tpm_evidence_done)

/* The message and the key are not looked into: COCO_ERR_PROTO, COCO_ERR_LIMIT, COCO_ERR_NOTSUP. */
coco_status coco_tpm_evidence_parse(const cJSON *object, struct coco_tpm_evidence *ret,
                                    coco_error **err);

/* Appends the JSON text. */
coco_status coco_tpm_evidence_format(const struct coco_tpm_evidence *evidence, struct coco_buf *buf,
                                     coco_error **err);

#endif
