/*
 * crypto/secretbox.h - XSalsa20 with Poly1305, which NaCl calls a secret box
 *
 * It is libsodium's, for OpenSSL has no XSalsa20; it is loaded when the first box is opened.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_SECRETBOX_H
#define COCO_CRYPTO_SECRETBOX_H

#include "base/secret.h"

#define COCO_SECRETBOX_KEY_SIZE 32
#define COCO_SECRETBOX_NONCE_SIZE 24
#define COCO_SECRETBOX_TAG_SIZE 16

/*
 * Opens a box: its tag, and as many bytes as come out. COCO_ERR_VERIFY for another key and for what
 * was changed, COCO_ERR_NOTSUP without libsodium.
 */
coco_status coco_secretbox_open(const uint8_t key[COCO_SECRETBOX_KEY_SIZE],
                                const uint8_t nonce[COCO_SECRETBOX_NONCE_SIZE], const void *box,
                                size_t len, struct coco_secret *ret, coco_error **err);

#endif
