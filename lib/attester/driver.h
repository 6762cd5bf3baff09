/*
 * attester/driver.h - what an attester of one TEE is made of
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_DRIVER_H
#define COCO_ATTESTER_DRIVER_H

#include "base/buf.h"
#include "base/cleanup.h"

#include <coco/attester.h>

COCO_DEFINE_CLEANUP(coco_attester *, coco_attester_free);

/* Report data is the field of hardware reports that the guest fills: 64 bytes everywhere. */
#define COCO_REPORT_DATA_MAX 64
#define COCO_EVIDENCE_MAX ((size_t)1 << 20)
#define COCO_INIT_DATA_DIGEST_MAX 64
#define COCO_REGISTER_MAX 64
#define COCO_PCR_MAX 23

/* What evidence is asked for. */
struct coco_evidence_request {
    const uint8_t *report_data; /* 1 to COCO_REPORT_DATA_MAX bytes */
    size_t len;
    const char *nonce; /* of the challenge, as the broker sent it; NULL without a broker */
};

/* One TEE; the table of them is in attester.c. What a TEE has not is NULL. */
struct coco_attester_driver {
    const char *tee;
    /* Whether this machine is one. */
    bool (*detect)(void);
    /* Beside a TEE rather than one: named, and never what the machine is. */
    bool device;
    /* Finds what collect() needs; NULL if that is nothing. */
    coco_status (*open)(void **ret, coco_error **err);
    void (*close)(void *self);
    /* Appends evidence, JSON, that holds the report data. */
    coco_status (*collect)(void *self, coco_ctx *ctx, const struct coco_evidence_request *request,
                           struct coco_buf *evidence, coco_error **err);

    /* Algorithm of the runtime registers, such as "sha384", and the size of each. */
    const char *register_alg;
    size_t register_size;
    /* Registers are told by the PCR whose part they play; digest has register_size bytes. */
    coco_status (*extend)(void *self, unsigned pcr, const uint8_t *digest, coco_error **err);
    coco_status (*read_register)(void *self, unsigned pcr, uint8_t *ret, coco_error **err);
    /* Index of the register in event logs (tee/eventlog.h); NULL: that of the PCR. */
    uint32_t (*log_index)(unsigned pcr);
    /*
     * That the machine was started with init data of that digest, 1 to
     * COCO_INIT_DATA_DIGEST_MAX bytes: COCO_ERR_VERIFY if it was with other. Where the
     * hardware has no field for it, a register is extended instead.
     */
    coco_status (*bind_init_data)(void *self, const uint8_t *digest, size_t len, coco_error **err);
};

extern const struct coco_attester_driver coco_sample_attester;
extern const struct coco_attester_driver coco_sampledevice_attester;
extern const struct coco_attester_driver coco_software_attester;
/* These three only if built with tpm2-tss. */
extern const struct coco_attester_driver coco_az_snp_attester;
extern const struct coco_attester_driver coco_az_tdx_attester;
extern const struct coco_attester_driver coco_tpm_attester;

/* coco_attester_collect() for who has a nonce. */
coco_status coco_attester_answer(coco_attester *attester, coco_ctx *ctx,
                                 const struct coco_evidence_request *request, coco_bytes **ret,
                                 coco_error **err);

/* Index that events of the register of pcr have in its log. */
uint32_t coco_attester_log_index(const coco_attester *attester, unsigned pcr);

/* Takes over self on success. */
coco_status coco_attester_wrap(const struct coco_attester_driver *driver, void *self,
                               coco_attester **ret, coco_error **err);

#endif
