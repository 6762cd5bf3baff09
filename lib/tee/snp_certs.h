/*
 * tee/snp_certs.h - the certificates that a host gives along with SNP reports
 *
 * AMD, "SEV-ES Guest-Hypervisor Communication Block Standardization" (56421),
 * section 4.1.8.1: a table of {GUID, offset, length}, which an entry of zeros
 * ends, and the certificates behind it. configfs-tsm has it as auxblob.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_SNP_CERTS_H
#define COCO_TEE_SNP_CERTS_H

#include "tee/guid.h"
#include "tee/snp.h"

#define COCO_SNP_CERTS_MAX 16
#define COCO_SNP_CERT_SIZE_MAX ((size_t)64 << 10)
#define COCO_SNP_CERT_TABLE_MAX ((size_t)1 << 20)

enum coco_snp_cert_kind {
    COCO_SNP_CERT_ARK,
    COCO_SNP_CERT_ASK, /* or, above a VLEK, the ASVK */
    COCO_SNP_CERT_VCEK,
    COCO_SNP_CERT_VLEK,
    COCO_SNP_CERT_CRL,
    COCO_SNP_CERT_OTHER,
};

struct coco_snp_cert {
    enum coco_snp_cert_kind kind;
    uint8_t guid[COCO_GUID_SIZE]; /* as a text has it, from left to right */
    struct coco_buf data;         /* DER, where it is what it says */
};

struct coco_snp_certs {
    struct coco_snp_cert list[COCO_SNP_CERTS_MAX];
    size_t n;
};

void coco_snp_certs_done(struct coco_snp_certs *certs);
#define _cleanup_snp_certs_ _cleanup_(coco_snp_certs_done)

/* Appends a copy of data; kind is not COCO_SNP_CERT_OTHER. */
coco_status coco_snp_certs_add(struct coco_snp_certs *certs, enum coco_snp_cert_kind kind,
                               const void *data, size_t len, coco_error **err);

/* The first of that kind, or NULL. Lent. */
const struct coco_buf *coco_snp_certs_find(const struct coco_snp_certs *certs,
                                           enum coco_snp_cert_kind kind);

/*
 * Reads the table; what is behind the last certificate is passed over, for
 * hosts give whole pages. No byte at all is no certificate.
 */
coco_status coco_snp_certs_parse(const void *data, size_t len, struct coco_snp_certs *ret,
                                 coco_error **err);
coco_status coco_snp_certs_format(const struct coco_snp_certs *certs, struct coco_buf *buf,
                                  coco_error **err);

/* Upstream's evidence: {"attestation_report":{...},"cert_chain":[...] or null}. */
struct coco_snp_evidence {
    struct coco_snp_report report;
    struct coco_snp_certs certs;
};

void coco_snp_evidence_done(struct coco_snp_evidence *evidence);
#define _cleanup_snp_evidence_ _cleanup_(coco_snp_evidence_done)

coco_status coco_snp_evidence_parse(const cJSON *object, struct coco_snp_evidence *ret,
                                    coco_error **err);
/* Appends the JSON text. */
coco_status coco_snp_evidence_format(const struct coco_snp_evidence *evidence, struct coco_buf *buf,
                                     coco_error **err);

#endif
