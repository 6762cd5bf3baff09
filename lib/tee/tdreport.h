/*
 * tee/tdreport.h - the TDREPORT of a TD, which a quote is made of
 *
 * Intel TDX Module ABI specification, "TDREPORT_STRUCT". Its MAC is for the CPU it
 * was made on; elsewhere it proves nothing. Bytes only, as in quote.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_TDREPORT_H
#define COCO_TEE_TDREPORT_H

#include <coco/error.h>

#define COCO_TDREPORT_SIZE 1024
#define COCO_TDREPORT_TYPE 0x81 /* the first byte of type; the third is the version */

struct coco_tdreport {
    uint8_t type[4];
    uint8_t reserved1[12];
    uint8_t cpu_svn[16];
    uint8_t tcb_info_hash[48]; /* SHA-384 of tcb_info */
    uint8_t td_info_hash[48];  /* SHA-384 of all from attributes on */
    uint8_t report_data[64];
    uint8_t reserved2[32];
    uint8_t mac[32];
    uint8_t tcb_info[239];
    uint8_t reserved3[17];
    uint8_t attributes[8];
    uint8_t xfam[8];
    uint8_t mr_td[48];
    uint8_t mr_config_id[48];
    uint8_t mr_owner[48];
    uint8_t mr_owner_config[48];
    uint8_t rtmr[4][48];
    uint8_t reserved4[112]; /* first of it MRSERVICETD, from TDX 1.5 on */
};

/* COCO_ERR_PROTO unless it is the report of a TD whose hashes are those of its parts. */
coco_status coco_tdreport_parse(const void *data, size_t len, struct coco_tdreport *ret,
                                coco_error **err);

/* Sets the type, of that version, and both hashes. */
coco_status coco_tdreport_seal(struct coco_tdreport *report, uint8_t version, coco_error **err);

#endif
