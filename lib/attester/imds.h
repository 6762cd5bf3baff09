/*
 * attester/imds.h - what Azure's instance metadata service gives to a confidential VM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_IMDS_H
#define COCO_ATTESTER_IMDS_H

#include "base/buf.h"

#include <coco/context.h>

/*
 * The service is the host's, at an address that leads nowhere else, by plain HTTP
 * and through no proxy. What it says is passed on, and proved by whoever verifies
 * it. COCO_AZURE_IMDS names another, such as "http://127.0.0.1:8080", for tests.
 */
#define COCO_IMDS_VARIABLE "COCO_AZURE_IMDS"

/* Appends the certificate of the chip's key (VCEK), DER. COCO_ERR_NET, COCO_ERR_PROTO. */
coco_status coco_imds_vcek(coco_ctx *ctx, struct coco_buf *ret, coco_error **err);

/* Appends the quote that is made of a TDREPORT. */
coco_status coco_imds_td_quote(coco_ctx *ctx, const uint8_t *report, size_t len,
                               struct coco_buf *ret, coco_error **err);

#endif
