/*
 * softtee/bootlog.h - the log that firmware leaves of a boot
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SOFTTEE_BOOTLOG_H
#define COCO_SOFTTEE_BOOTLOG_H

#include "base/buf.h"
#include "measure/boot.h"

#define COCO_BOOTLOG_MAX ((size_t)8192)

/*
 * Append what a boot of kernel leaves, in the crypto-agile form: of TDX under the
 * indices of its registers, of a TPM under its PCRs, with SHA-256. A separator stands
 * where the firmware's own measurements, of which there are none, would end.
 * kernel NULL: the firmware boots nothing.
 */
coco_status coco_bootlog_tdx(const struct coco_sev_kernel *kernel, struct coco_buf *ret,
                             coco_error **err);
coco_status coco_bootlog_tpm(const struct coco_sev_kernel *kernel, struct coco_buf *ret,
                             coco_error **err);

#endif
