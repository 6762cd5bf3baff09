/*
 * attester/efi_secret.h - what the owner of an SEV guest put into it before it ran
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_EFI_SECRET_H
#define COCO_ATTESTER_EFI_SECRET_H

#include "attester/kernel.h"
#include "base/secret.h"

/*
 * SEV and SEV-ES guests are attested before they run: their owner saw the launch
 * measurement and had the firmware decrypt secrets into their memory. The kernel
 * module efi_secret shows each as a file, whose name is a GUID (Linux,
 * Documentation/security/secrets/coco.rst).
 */
#define COCO_EFI_SECRET_MAX ((size_t)64 << 10)

/* Whether there are any. */
bool coco_efi_secret_detect(void);

/*
 * Reads the secret called guid, in lower case. It stays there for others.
 * COCO_ERR_NOTFOUND, also where no secrets were put.
 */
coco_status coco_efi_secret_read(const struct coco_kernel *kernel, const char *guid,
                                 struct coco_secret *ret, coco_error **err);

#endif
