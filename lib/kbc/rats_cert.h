/*
 * kbc/rats_cert.h - certificates that hold evidence of who has their key (RATS-TLS)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_RATS_CERT_H
#define COCO_KBC_RATS_CERT_H

#include "base/buf.h"

#include <coco/context.h>

#include <openssl/x509.h>

#define COCO_RATS_REPORT_DATA_SIZE 32
#define COCO_RATS_QUOTE_MAX ((size_t)64 << 10)

/* Who gives evidence. */
struct coco_rats_source {
    /* Appends a quote that holds report_data, and names the TEE: "sgx" or "tdx"; static. */
    coco_status (*quote)(void *self, coco_ctx *ctx,
                         const uint8_t report_data[COCO_RATS_REPORT_DATA_SIZE],
                         struct coco_buf *quote, const char **tee, coco_error **err);
    void *self;
};

/*
 * A key on P-256 and a certificate of it that nobody but itself has signed, with a quote over
 * the SHA-256 of the key (SubjectPublicKeyInfo) in the extension that rats-tls had for it
 * until December 2022 (guest-protocols 5.10). COCO_ERR_NOTSUP for another TEE.
 */
coco_status coco_rats_cert_make(const struct coco_rats_source *source, coco_ctx *ctx, X509 **cert,
                                EVP_PKEY **key, coco_error **err);

#endif
