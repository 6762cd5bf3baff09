/*
 * tee/sev_launch.h - what AMD SEV and SEV-ES measure of a launch
 *
 * AMD, "Secure Encrypted Virtualization API" (55766), section 6.5: firmware
 * answers LAUNCH_MEASURE with an HMAC under the TIK, so that the owner, who has
 * it, knows what was launched. SEV-ES measures the state of each CPU, too. QEMU
 * puts hashes of a kernel that it boots itself into the firmware.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_SEV_LAUNCH_H
#define COCO_TEE_SEV_LAUNCH_H

#include "base/buf.h"
#include "tee/sev_session.h"

#define COCO_SEV_DIGEST_SIZE ((size_t)32)
#define COCO_SEV_MNONCE_SIZE ((size_t)16)
#define COCO_SEV_MEASUREMENT_SIZE ((size_t)48) /* HMAC, mnonce */
#define COCO_SEV_VMSA_SIZE ((size_t)4096)
#define COCO_SEV_HASH_TABLE_SIZE ((size_t)176)

/* What the HMAC is over. */
struct coco_sev_launch {
    uint8_t api_major;
    uint8_t api_minor;
    uint8_t build;
    uint32_t policy;
    uint8_t digest[COCO_SEV_DIGEST_SIZE];
    uint8_t mnonce[COCO_SEV_MNONCE_SIZE];
};

coco_status coco_sev_launch_measure(const struct coco_sev_launch *launch,
                                    const struct coco_secret *tik, uint8_t ret[COCO_SEV_MAC_SIZE],
                                    coco_error **err);

/* Bytes that are measured; lent. */
struct coco_sev_part {
    const void *data;
    size_t len;
};

/* A kernel that QEMU boots; its command line without a NUL. */
struct coco_sev_kernel {
    struct coco_sev_part kernel;
    struct coco_sev_part initrd;
    const char *cmdline;
};

/* The table of hashes, padded, as QEMU places it. */
coco_status coco_sev_hash_table(const struct coco_sev_kernel *kernel,
                                uint8_t ret[COCO_SEV_HASH_TABLE_SIZE], coco_error **err);

/* A guest; kernel may be NULL. With SEV-ES vcpus is above 0, and there is a state of each. */
struct coco_sev_guest {
    struct coco_sev_part firmware;
    const struct coco_sev_kernel *kernel;
    const uint8_t *first_vmsa; /* COCO_SEV_VMSA_SIZE bytes */
    const uint8_t *other_vmsa; /* the same; NULL where there is but one CPU */
    uint32_t vcpus;
};

coco_status coco_sev_launch_digest(const struct coco_sev_guest *guest,
                                   uint8_t ret[COCO_SEV_DIGEST_SIZE], coco_error **err);

#endif
