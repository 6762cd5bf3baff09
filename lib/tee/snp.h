/*
 * tee/snp.h - attestation reports of AMD SEV-SNP
 *
 * AMD, "SEV Secure Nested Paging Firmware ABI Specification" (56860), section
 * 7.3, table "ATTESTATION_REPORT". What is reserved there must be zero, so that a
 * report and its bytes are the same thing: what was signed can be made again from
 * the fields, which is all that upstream's evidence has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_SNP_H
#define COCO_TEE_SNP_H

#include "base/buf.h"
#include "base/json.h"

#include <stdbool.h>

#define COCO_SNP_REPORT_SIZE ((size_t)1184)
#define COCO_SNP_SIGNED_SIZE ((size_t)0x2a0) /* the signature covers what is before it */
#define COCO_SNP_NUMBER_SIZE ((size_t)72)    /* of r and s, little-endian */
#define COCO_SNP_CHIP_ID_SIZE ((size_t)64)
#define COCO_SNP_TURIN_CHIP_ID_SIZE ((size_t)8) /* and zeros behind it */
#define COCO_SNP_REPORT_DATA_SIZE ((size_t)64)
#define COCO_SNP_HOST_DATA_SIZE ((size_t)32)
#define COCO_SNP_MEASUREMENT_SIZE ((size_t)48)

#define COCO_SNP_SIGNATURE_ECDSA_P384 1U

/* Each has a root of its own. */
enum coco_snp_product {
    COCO_SNP_UNKNOWN,
    COCO_SNP_MILAN,
    COCO_SNP_GENOA,
    COCO_SNP_TURIN,
};

/* Versions of the parts of the firmware; Turin has one part more. */
struct coco_snp_tcb {
    uint8_t fmc; /* Turin only */
    uint8_t bootloader;
    uint8_t tee;
    uint8_t snp;
    uint8_t microcode;
};

struct coco_snp_firmware {
    uint8_t major;
    uint8_t minor;
    uint8_t build;
};

/* Bits of policy. */
#define COCO_SNP_POLICY_SMT (1ULL << 16)
#define COCO_SNP_POLICY_MIGRATE_MA (1ULL << 18)
#define COCO_SNP_POLICY_DEBUG (1ULL << 19)
#define COCO_SNP_POLICY_SINGLE_SOCKET (1ULL << 20)

/* Bits of platform_info. */
#define COCO_SNP_PLATFORM_SMT (1ULL << 0)
#define COCO_SNP_PLATFORM_TSME (1ULL << 1)

/* What key_info says has signed. */
enum coco_snp_signer {
    COCO_SNP_VCEK = 0, /* the key of one chip */
    COCO_SNP_VLEK = 1, /* a key that AMD gave to a provider of clouds */
    COCO_SNP_NOBODY = 7,
};

struct coco_snp_report {
    uint32_t version;
    uint32_t guest_svn;
    uint64_t policy;
    uint8_t family_id[16];
    uint8_t image_id[16];
    uint32_t vmpl;
    uint32_t signature_algo;
    struct coco_snp_tcb current_tcb;
    uint64_t platform_info;
    uint32_t key_info;
    uint8_t report_data[COCO_SNP_REPORT_DATA_SIZE];
    uint8_t measurement[COCO_SNP_MEASUREMENT_SIZE];
    uint8_t host_data[COCO_SNP_HOST_DATA_SIZE];
    uint8_t id_key_digest[48];
    uint8_t author_key_digest[48];
    uint8_t report_id[32];
    uint8_t report_id_ma[32];
    struct coco_snp_tcb reported_tcb;
    uint8_t cpu_family; /* these three from version 3 on */
    uint8_t cpu_model;
    uint8_t cpu_stepping;
    uint8_t chip_id[COCO_SNP_CHIP_ID_SIZE];
    struct coco_snp_tcb committed_tcb;
    struct coco_snp_firmware current;
    struct coco_snp_firmware committed;
    struct coco_snp_tcb launch_tcb;
    uint64_t launch_mitigations; /* these two from version 5 on */
    uint64_t current_mitigations;
    uint8_t r[COCO_SNP_NUMBER_SIZE];
    uint8_t s[COCO_SNP_NUMBER_SIZE];
};

/*
 * COCO_ERR_PROTO unless len is right and all that is reserved is zero;
 * COCO_ERR_NOTSUP for a version below 2.
 */
coco_status coco_snp_report_parse(const void *data, size_t len, struct coco_snp_report *ret,
                                  coco_error **err);

/* Fields of later versions than the report's are not written. */
void coco_snp_report_format(const struct coco_snp_report *report,
                            uint8_t ret[COCO_SNP_REPORT_SIZE]);

/* The member "attestation_report" of upstream's evidence: the sev crate's structure. */
coco_status coco_snp_report_from_json(const cJSON *object, struct coco_snp_report *ret,
                                      coco_error **err);
coco_status coco_snp_report_to_json(const struct coco_snp_report *report, cJSON *object,
                                    coco_error **err);

enum coco_snp_signer coco_snp_signer_of(const struct coco_snp_report *report);

/* Whether the host keeps to itself which chip it is: firmware writes zeros then. */
bool coco_snp_chip_id_is_masked(const struct coco_snp_report *report);

/* By family and model; COCO_SNP_UNKNOWN before version 3, which has none. */
enum coco_snp_product coco_snp_product_of(const struct coco_snp_report *report);

/* "Milan", "Genoa", "Turin", as AMD spells them, or "unknown". */
const char *coco_snp_product_name(enum coco_snp_product product);

/*
 * The product that a certificate's productName is of, which may have a stepping
 * behind it: "Milan-B0".
 */
enum coco_snp_product coco_snp_product_parse(const char *name, size_t len);

#endif
