/*
 * crypto/csr.h - requests for certificates (PKCS#10, RFC 2986)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_CSR_H
#define COCO_CRYPTO_CSR_H

#include "crypto/key.h"

#define COCO_CSR_SIZE_MAX ((size_t)32 << 10)

/*
 * The public key of a request, PEM or DER and nothing behind it, once whoever has the
 * private key is known to have signed it. What else it asks for is not looked at.
 *
 * COCO_ERR_PROTO for what is no request, COCO_ERR_LIMIT, COCO_ERR_NOTSUP for kinds of keys and
 * signatures that this library has not (SHA-1 is none), COCO_ERR_VERIFY for a signature by
 * another key.
 */
coco_status coco_csr_parse(const void *data, size_t len, EVP_PKEY **ret, coco_error **err);

#endif
