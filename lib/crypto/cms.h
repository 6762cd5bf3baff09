/*
 * crypto/cms.h - data in an envelope (RFC 5652, EnvelopedData) as ocicrypt makes it
 *
 * The content is encrypted by AES-GCM, which in RFC 5083 has a type of its own; Go's pkcs7
 * puts it into EnvelopedData, with its parameters inside of one element too many. Content
 * that is not authenticated (AES-CBC, 3DES) is refused: whoever can change the annotation
 * could ask about its padding.
 *
 * Source: github.com/smallstep/pkcs7 encrypt.go, which ocicrypt uses (guest-protocols 5.3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_CMS_H
#define COCO_CRYPTO_CMS_H

#include "base/secret.h"
#include "crypto/cert.h"
#include "crypto/key.h"

#define COCO_CMS_RECIPIENTS_MAX 16

/*
 * Appends the envelope of data for the certificates' keys, which are RSA: COCO_ERR_INVALID
 * for any other, for none, and for more than 16.
 */
coco_status coco_cms_encrypt(X509 *const *certs, size_t n, const void *data, size_t len,
                             struct coco_buf *buf, coco_error **err);

/*
 * Opens it with the key of one of its certificates. COCO_ERR_PROTO for what is no envelope,
 * COCO_ERR_NOTSUP for other algorithms; every failure of the decryption itself, and an
 * envelope for others, is COCO_ERR_VERIFY "cannot decrypt with this key".
 */
coco_status coco_cms_decrypt(const void *cms, size_t cms_len, X509 *cert, EVP_PKEY *key,
                             struct coco_secret *ret, coco_error **err);

#endif
