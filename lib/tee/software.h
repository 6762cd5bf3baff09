/*
 * tee/software.h - the evidence of the software TEE
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_SOFTWARE_H
#define COCO_TEE_SOFTWARE_H

#include "base/buf.h"
#include "base/json.h"

#include <stdbool.h>

/*
 * The software TEE is a machine without a chip, built like one that has it: a
 * root key stands for the maker, it endorses the key of one launch, and that key
 * signs reports. The report is binary and of one size, as hardware's are, so
 * that there is one form to sign and nothing to canonicalize:
 *
 *     0   8  "COCOSWTE"
 *     8   4  version, little-endian: 1
 *    12   4  flags: bit 0 debug, all others 0
 *    16   4  security version number of the software TEE
 *    20  12  zero
 *    32  64  report data, filled up with zeros
 *    96  48  launch digest, SHA-384 of what was launched
 *   144  48  init-data digest, zero if there was none
 *
 * Once something was measured at run time it is of version 2, with one field more:
 *
 *   192  48  the register, extended with SHA-384
 *
 * On the wire it travels as {"version":1, "report", "signature", "key",
 * "endorsement", "root"}, the last five in base64: keys as SubjectPublicKeyInfo,
 * signatures ECDSA with SHA-256 on P-256. With what was measured there is
 * "eventlog", too, whose events are of register COCO_SOFTWARE_LOG_INDEX.
 */
#define COCO_SOFTWARE_REPORT_SIZE 192
#define COCO_SOFTWARE_REPORT_MAX (COCO_SOFTWARE_REPORT_SIZE + COCO_SOFTWARE_MEASUREMENT_SIZE)
#define COCO_SOFTWARE_LOG_INDEX 1
#define COCO_SOFTWARE_REPORT_DATA_SIZE 64
#define COCO_SOFTWARE_MEASUREMENT_SIZE 48
#define COCO_SOFTWARE_SVN 1

struct coco_software_report {
    bool debug;
    uint32_t svn;
    uint8_t report_data[COCO_SOFTWARE_REPORT_DATA_SIZE];
    uint8_t launch_digest[COCO_SOFTWARE_MEASUREMENT_SIZE];
    uint8_t init_data[COCO_SOFTWARE_MEASUREMENT_SIZE];
    bool extended; /* whether there is a register */
    uint8_t value[COCO_SOFTWARE_MEASUREMENT_SIZE];
};

/* All but the register, which follows where there is one. */
void coco_software_report_format(const struct coco_software_report *report,
                                 uint8_t ret[COCO_SOFTWARE_REPORT_SIZE]);

/* COCO_ERR_PROTO unless every byte is what the format above allows. */
coco_status coco_software_report_parse(const void *data, size_t len,
                                       struct coco_software_report *ret, coco_error **err);

enum coco_software_part {
    COCO_SOFTWARE_REPORT,      /* what the key signed */
    COCO_SOFTWARE_SIGNATURE,   /* of the report, by the key */
    COCO_SOFTWARE_KEY,         /* DER */
    COCO_SOFTWARE_ENDORSEMENT, /* of coco_software_endorsed(key), by the root */
    COCO_SOFTWARE_ROOT,        /* DER */
    COCO_SOFTWARE_PARTS,
};

struct coco_software_evidence {
    struct coco_buf part[COCO_SOFTWARE_PARTS];
    struct coco_buf eventlog; /* empty: none */
};

/* Each buffer empty, and as large as it may become. */
struct coco_software_evidence coco_software_evidence_empty(void);
void coco_software_evidence_done(struct coco_software_evidence *evidence);
#define _cleanup_software_evidence_ _cleanup_(coco_software_evidence_done)

/* Appends the JSON text. */
coco_status coco_software_evidence_format(const struct coco_software_evidence *evidence,
                                          struct coco_buf *buf, coco_error **err);

/* The parts, none of them looked into: COCO_ERR_PROTO or COCO_ERR_LIMIT for anything else. */
coco_status coco_software_evidence_parse(const cJSON *object, struct coco_software_evidence *ret,
                                         coco_error **err);

/* Appends what root signs to endorse key: never a report, whatever key holds. */
coco_status coco_software_endorsed(const struct coco_buf *key, struct coco_buf *buf,
                                   coco_error **err);

#endif
