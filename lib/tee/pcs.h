/*
 * tee/pcs.h - what Intel's provisioning certification service (PCS) signs
 *
 * Intel, "SGX and TDX Provisioning Certification Service", API version 4. An
 * answer is {"tcbInfo": VALUE, "signature": HEX}, where the signature is of the
 * bytes of VALUE as they stand there. They are cut out and verified as text, and
 * only then read as JSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_PCS_H
#define COCO_TEE_PCS_H

#include "base/buf.h"
#include "base/json.h"

#define COCO_PCS_SIGNATURE_SIZE 64 /* r || s on P-256 */
#define COCO_PCS_LEVELS_MAX 256

/* An answer, cut into its parts; value is lent. */
struct coco_pcs_answer {
    const char *value;
    size_t value_len;
    uint8_t signature[COCO_PCS_SIGNATURE_SIZE];
};

/* COCO_ERR_PROTO unless text is an answer whose value is an object called member. */
coco_status coco_pcs_answer_parse(const char *text, size_t len, const char *member,
                                  struct coco_pcs_answer *ret, coco_error **err);

/* Appends it. */
coco_status coco_pcs_answer_format(const struct coco_pcs_answer *answer, const char *member,
                                   struct coco_buf *buf, coco_error **err);

/* What stands of a TCB; 0 is up to date. Not every sum of these has a name. */
enum coco_tcb_status {
    COCO_TCB_UP_TO_DATE = 0,
    COCO_TCB_SW_HARDENING_NEEDED = 1 << 0,
    COCO_TCB_CONFIGURATION_NEEDED = 1 << 1,
    COCO_TCB_OUT_OF_DATE = 1 << 2,
    COCO_TCB_RELAUNCH_ADVISED = 1 << 3, /* of a TD; the PCS does not say it, verifiers do */
    COCO_TCB_REVOKED = 1 << 4,
};

/* "UpToDate" and so on; NULL for a sum that has none. Static. */
const char *coco_tcb_status_name(unsigned status);

/* The status that the PCS calls name: COCO_ERR_PROTO. */
coco_status coco_tcb_status_parse(const char *name, unsigned *ret, coco_error **err);

/* Seconds since 1970 of "2025-06-19T10:56:11Z", and of no other form. */
coco_status coco_pcs_time_parse(const char *text, int64_t *ret, coco_error **err);
#define COCO_PCS_TIME_SIZE sizeof("2025-06-19T10:56:11Z")
/* The same back; the last second of 9999 for what is beyond it. */
void coco_pcs_time_format(int64_t time, char buf[COCO_PCS_TIME_SIZE]);

/* One level of what has one number: an enclave, a module of TDX. */
struct coco_pcs_level {
    uint16_t svn;
    int64_t date;
    unsigned status;
    const cJSON *advisories; /* strings; NULL for none. Lent by the JSON */
};

struct coco_pcs_levels {
    struct coco_pcs_level *levels; /* as they come: highest first */
    size_t n;
};

void coco_pcs_levels_done(struct coco_pcs_levels *levels);

/* The member tcbLevels of object. */
coco_status coco_pcs_levels_parse(const cJSON *object, struct coco_pcs_levels *ret,
                                  coco_error **err);

/* Adds it to object. */
coco_status coco_pcs_levels_format(const struct coco_pcs_levels *levels, cJSON *object,
                                   coco_error **err);

/* The first level that svn reaches, or NULL. Lent. */
const struct coco_pcs_level *coco_pcs_levels_find(const struct coco_pcs_levels *levels,
                                                  uint16_t svn);

/* ---- members that several of them have ---- */

/* Exactly len bytes, in hex. */
coco_status coco_pcs_get_hex(const cJSON *object, const char *name, uint8_t *ret, size_t len,
                             coco_error **err);
coco_status coco_pcs_add_hex(cJSON *object, const char *name, const uint8_t *data, size_t len,
                             coco_error **err);
coco_status coco_pcs_get_time(const cJSON *object, const char *name, int64_t *ret,
                              coco_error **err);
coco_status coco_pcs_add_time(cJSON *object, const char *name, int64_t time, coco_error **err);
/* An integer from 0 to max. */
coco_status coco_pcs_get_number(const cJSON *object, const char *name, uint64_t max, uint64_t *ret,
                                coco_error **err);

/* What a level says beside its numbers: tcbDate, tcbStatus, advisoryIDs. */
coco_status coco_pcs_get_judgement(const cJSON *level, int64_t *date, unsigned *status,
                                   const cJSON **advisories, coco_error **err);
/* What a level is judged to be, and when. */
struct coco_pcs_judgement {
    int64_t date;
    unsigned status;
    const cJSON *advisories; /* or NULL */
};

/* Adds a level to levels, and lends its "tcb", which is for the numbers. */
coco_status coco_pcs_add_level(cJSON *levels, const struct coco_pcs_judgement *judgement,
                               cJSON **tcb, coco_error **err);

#endif
