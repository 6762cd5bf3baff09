/*
 * attester/tpm_device.h - what attesters ask a TPM 2.0
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_TPM_DEVICE_H
#define COCO_ATTESTER_TPM_DEVICE_H

#include "tee/tpm.h"

#define COCO_TPM_NV_MAX ((size_t)16 << 10)

struct coco_tpm_device;

/* Whether there is one, as far as the environment and /dev tell without asking it. */
bool coco_tpm_device_detect(void);

/*
 * The TPM that AA_TPM_DEVICE names, by its device as upstream has it, or the first
 * of the kernel's; COCO_TPM_TCTI names one as tpm2-tss does (tss2-tctildr(3)), such
 * as "swtpm:path=/run/swtpm.sock". COCO_ERR_NOTSUP if there is none, COCO_ERR_IO.
 *
 * It is not kept open for long: /dev/tpm0 is for one at a time.
 */
coco_status coco_tpm_device_open(struct coco_tpm_device **ret, coco_error **err);
void coco_tpm_device_close(struct coco_tpm_device *device);
COCO_DEFINE_CLEANUP(struct coco_tpm_device *, coco_tpm_device_close);

/* Appends the public half of the persistent key at handle, an RSA key: SubjectPublicKeyInfo. */
coco_status coco_tpm_device_key(struct coco_tpm_device *device, uint32_t handle,
                                struct coco_buf *der, coco_error **err);

/* A quote of all PCRs by the persistent key at handle, with the PCRs that it is of. */
coco_status coco_tpm_device_quote(struct coco_tpm_device *device, uint32_t handle,
                                  const uint8_t *extra, size_t len, struct coco_tpm_quote *ret,
                                  coco_error **err);

coco_status coco_tpm_device_extend(struct coco_tpm_device *device, unsigned pcr,
                                   const uint8_t digest[COCO_TPM_PCR_SIZE], coco_error **err);
coco_status coco_tpm_device_read(struct coco_tpm_device *device, unsigned pcr,
                                 uint8_t ret[COCO_TPM_PCR_SIZE], coco_error **err);

/* Appends all of the NV index: COCO_ERR_NOTFOUND if it is not defined. */
coco_status coco_tpm_device_nv_read(struct coco_tpm_device *device, uint32_t index,
                                    struct coco_buf *ret, coco_error **err);

/* Makes the NV index hold data and no more, as the owner; defines it if need be. */
coco_status coco_tpm_device_nv_write(struct coco_tpm_device *device, uint32_t index,
                                     const uint8_t *data, size_t len, coco_error **err);

#endif
