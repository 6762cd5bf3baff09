/*
 * tee/quote.h - quotes of Intel SGX and TDX
 *
 * Intel, "SGX ECDSA QuoteLibReference DCAP API", appendix A (version 3), and "TDX
 * DCAP Quoting Library API", appendix A (versions 4 and 5). A quote is
 *
 *     header, body, length | signature, key, certification of the key
 *
 * where the signature is the key's of header and body, and the certification says
 * that the key is one of a quoting enclave (QE): its report, which names the key,
 * signed by the machine's provisioning key (PCK), and the PCK's certificates.
 *
 * The structures below are the layout itself: bytes only, so that nothing lies
 * between them. Numbers in them are little-endian.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_QUOTE_H
#define COCO_TEE_QUOTE_H

#include "base/buf.h"

#define COCO_QUOTE_SIZE_MAX ((size_t)64 << 10)
#define COCO_QUOTE_SIGNATURE_SIZE 64 /* r || s on P-256 */
#define COCO_QUOTE_KEY_SIZE 64       /* x || y */

#define COCO_QUOTE_KEY_P256 2 /* attestation key type: ECDSA with SHA-256 on P-256 */
#define COCO_QUOTE_TEE_SGX 0U
#define COCO_QUOTE_TEE_TDX 0x81U

struct coco_quote_header {
    uint8_t version[2];
    uint8_t key_type[2];
    uint8_t tee_type[4];
    uint8_t qe_svn[2];  /* reserved for TDX */
    uint8_t pce_svn[2]; /* likewise */
    uint8_t vendor_id[16];
    uint8_t user_data[20];
};

/* An enclave's report (Intel SDM volume 3D, "REPORT"); that of the QE, too. */
struct coco_sgx_report {
    uint8_t cpu_svn[16];
    uint8_t misc_select[4];
    uint8_t reserved1[12];
    uint8_t isv_ext_prod_id[16];
    uint8_t flags[8]; /* attributes: these two */
    uint8_t xfrm[8];
    uint8_t mr_enclave[32];
    uint8_t reserved2[32];
    uint8_t mr_signer[32];
    uint8_t reserved3[32];
    uint8_t config_id[64];
    uint8_t isv_prod_id[2];
    uint8_t isv_svn[2];
    uint8_t config_svn[2];
    uint8_t reserved4[42];
    uint8_t isv_family_id[16];
    uint8_t report_data[64];
};

/* A TD's report, as quotes have it; of TD 1.0 without the last two. */
struct coco_td_report {
    uint8_t tcb_svn[16];
    uint8_t mr_seam[48];
    uint8_t mrsigner_seam[48];
    uint8_t seam_attributes[8];
    uint8_t td_attributes[8];
    uint8_t xfam[8];
    uint8_t mr_td[48];
    uint8_t mr_config_id[48];
    uint8_t mr_owner[48];
    uint8_t mr_owner_config[48];
    uint8_t rtmr[4][48];
    uint8_t report_data[64];
    uint8_t tcb_svn2[16];
    uint8_t mr_servicetd[48];
};

#define COCO_TD10_SIZE ((size_t)584)
#define COCO_TD15_SIZE ((size_t)648)

/* Numbered as quotes of version 5 do. */
enum coco_quote_body {
    COCO_QUOTE_SGX = 1,
    COCO_QUOTE_TD10 = 2,
    COCO_QUOTE_TD15 = 3,
};

/* What certifies the key, or the PCK. */
enum coco_certification {
    COCO_CERTIFICATION_PPID = 1,
    COCO_CERTIFICATION_PPID_RSA2048 = 2,
    COCO_CERTIFICATION_PPID_RSA3072 = 3,
    COCO_CERTIFICATION_PCK_LEAF = 4,
    COCO_CERTIFICATION_PCK_CHAIN = 5, /* PEM, leaf first */
    COCO_CERTIFICATION_QE_REPORT = 6, /* from version 4 on: all of the QE, and one of the others */
    COCO_CERTIFICATION_PLATFORM_MANIFEST = 7,
};

/* Pointers are lent by what was parsed, or are the caller's. */
struct coco_quote {
    struct coco_quote_header header;
    enum coco_quote_body body;
    struct coco_sgx_report sgx; /* if body is that */
    struct coco_td_report td;   /* for the others */

    uint8_t signature[COCO_QUOTE_SIGNATURE_SIZE];
    uint8_t key[COCO_QUOTE_KEY_SIZE];
    struct coco_sgx_report qe_report;
    uint8_t qe_signature[COCO_QUOTE_SIGNATURE_SIZE];
    const uint8_t *auth; /* what the QE report names beside the key */
    size_t auth_len;
    enum coco_certification certification; /* of the PCK */
    const uint8_t *certification_data;
    size_t certification_len;

    const uint8_t *signed_data; /* header and body: the signature is of these */
    size_t signed_len;
    size_t len; /* all of the quote; more may follow it */
};

/* The header of Intel's quotes with that body, its user data empty. */
struct coco_quote_header coco_quote_header_of(uint16_t version, enum coco_quote_body body);

uint16_t coco_quote_u16(const uint8_t bytes[2]);
uint32_t coco_quote_u32(const uint8_t bytes[4]);

/*
 * Reads what is a quote in its beginning: real ones are followed by what was left
 * of a buffer. COCO_ERR_PROTO for what is none, COCO_ERR_NOTSUP for other versions,
 * keys and certifications than Intel's QEs have.
 */
coco_status coco_quote_parse(const void *data, size_t len, struct coco_quote *ret,
                             coco_error **err);

/* Appends header and body, which the attestation key signs. */
coco_status coco_quote_format_signed(const struct coco_quote *quote, struct coco_buf *buf,
                                     coco_error **err);

/* Appends the quote; signed_data and len are not looked at. */
coco_status coco_quote_format(const struct coco_quote *quote, struct coco_buf *buf,
                              coco_error **err);

/* SHA-256 of key and auth, which the QE report's report data must begin with. */
coco_status coco_quote_key_hash(const struct coco_quote *quote, uint8_t ret[32], coco_error **err);

/* What a certification is called, for people. */
const char *coco_certification_name(enum coco_certification certification);

#endif
