/*
 * tee/csv.h - attestation reports of Hygon CSV
 *
 * After csv-rs, Hygon's own crate, for there is no public specification. Reports
 * of version 1 are masked: all before it is XORed with "anonce", over and over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_CSV_H
#define COCO_TEE_CSV_H

#include "base/buf.h"
#include "tee/csv_cert.h"

#define COCO_CSV_REPORT_SIZE ((size_t)4096) /* with what is behind the body */
#define COCO_CSV_BODY_V1_SIZE ((size_t)336)
#define COCO_CSV_BODY_V2_SIZE ((size_t)1168)
#define COCO_CSV_SIGNED_V1_SIZE ((size_t)180) /* what the signature covers */
#define COCO_CSV_SIGNED_V2_SIZE ((size_t)1024)
#define COCO_CSV_RTMRS 5
#define COCO_CSV_SERIAL_SIZE ((size_t)64)
#define COCO_CSV_MAC_SIZE ((size_t)32)
#define COCO_CSV_EVENTLOG_MAX ((size_t)1 << 20)

#define COCO_CSV_POLICY_NODBG 0x01U

struct coco_csv_report {
    uint32_t version; /* 1 or 2 */
    uint8_t user_pubkey_digest[32];
    uint8_t vm_id[16];
    uint8_t vm_version[16];
    uint8_t report_data[64];
    uint8_t mnonce[16];
    uint8_t measure[32];
    uint32_t policy;
    uint32_t sig_usage; /* of version 1, these three are not signed */
    uint32_t sig_algo;
    uint32_t anonce; /* version 1 */
    uint32_t build;  /* from here on version 2 */
    uint16_t rtmr_version;
    uint8_t reserved0[14];
    uint8_t rtmr[COCO_CSV_RTMRS][32];
    uint8_t reserved1[656];
    struct coco_csv_signature signature;
};

/* The body, of version 1 or 2, that data begins with; COCO_ERR_PROTO. */
coco_status coco_csv_report_parse(const void *data, size_t len, uint32_t version,
                                  struct coco_csv_report *ret, coco_error **err);

/* Stores the body, and gives its length. */
size_t coco_csv_report_format(const struct coco_csv_report *report,
                              uint8_t ret[COCO_CSV_BODY_V2_SIZE]);

/* XORs len bytes with anonce, over and over; 0 leaves them alone. */
void coco_csv_mask(uint8_t *data, size_t len, uint32_t anonce);

/* How many bytes the body has. */
size_t coco_csv_report_size(const struct coco_csv_report *report);

/* How many bytes of the body are signed. */
size_t coco_csv_report_signed_size(const struct coco_csv_report *report);

/* Upstream's evidence. */
struct coco_csv_evidence {
    struct coco_csv_report report;
    bool has_hsk_cek;
    struct coco_csv_ca hsk;
    struct coco_csv_cert cek;
    struct coco_csv_cert pek;
    char serial_number[COCO_CSV_SERIAL_SIZE + 1]; /* letters, digits, '-' and '_' */
    uint8_t mac[COCO_CSV_MAC_SIZE];               /* by which the guest knew PEK and chip */
    struct coco_buf eventlog;                     /* empty where there is none */
};

void coco_csv_evidence_done(struct coco_csv_evidence *evidence);
#define _cleanup_csv_evidence_ _cleanup_(coco_csv_evidence_done)

/* The serial number that bytes hold, which may end with zeros; false for what is none. */
bool coco_csv_serial_number(const uint8_t bytes[COCO_CSV_SERIAL_SIZE],
                            char ret[COCO_CSV_SERIAL_SIZE + 1]);

coco_status coco_csv_evidence_parse(const cJSON *object, struct coco_csv_evidence *ret,
                                    coco_error **err);
/* Appends the JSON text. */
coco_status coco_csv_evidence_format(const struct coco_csv_evidence *evidence, struct coco_buf *buf,
                                     coco_error **err);

#endif
