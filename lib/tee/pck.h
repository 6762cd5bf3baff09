/*
 * tee/pck.h - what the certificate of a provisioning key (PCK) says of its machine
 *
 * Intel, "SGX PCK Certificate and Certificate Revocation List Profile
 * Specification", section 1.3.5: the extension 1.2.840.113741.1.13.1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_PCK_H
#define COCO_TEE_PCK_H

#include "base/buf.h"

#define COCO_PCK_OID "1.2.840.113741.1.13.1"
#define COCO_PCK_SIZE_MAX ((size_t)1024)

enum coco_sgx_type {
    COCO_SGX_STANDARD = 0,
    COCO_SGX_SCALABLE = 1,
    COCO_SGX_SCALABLE_INTEGRITY = 2,
};

struct coco_pck {
    uint8_t ppid[16];
    uint8_t components[16]; /* SVNs of the machine's TCB */
    uint16_t pce_svn;
    uint8_t cpu_svn[16];
    uint8_t pce_id[2];
    uint8_t fmspc[6];
    enum coco_sgx_type type;
    /* Of certificates of the Platform CA. */
    bool has_platform;
    uint8_t platform_instance_id[16];
    bool has_configuration;
    bool dynamic_platform;
    bool cached_keys;
    bool smt_enabled;
};

/* Reads the content of the extension, in DER and nothing else: COCO_ERR_PROTO. */
coco_status coco_pck_parse(const void *data, size_t len, struct coco_pck *ret, coco_error **err);

/* Appends it. */
coco_status coco_pck_format(const struct coco_pck *pck, struct coco_buf *buf, coco_error **err);

#endif
