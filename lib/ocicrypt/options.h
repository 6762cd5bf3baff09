/*
 * ocicrypt/options.h - the public and the private options of an encrypted layer
 *
 * Source: containers/ocicrypt blockcipher/blockcipher.go (guest-protocols 5.2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_OCICRYPT_OPTIONS_H
#define COCO_OCICRYPT_OPTIONS_H

#include "base/buf.h"
#include "ocicrypt/layer.h"

#define COCO_LAYER_OPTIONS_MAX ((size_t)4 << 10)

/*
 * Cipher and MAC are all that is taken from the public options (T17). COCO_ERR_NOTSUP for
 * another cipher, COCO_ERR_PROTO for what is none of it.
 */
coco_status coco_public_options_read(const char *text, size_t len, uint8_t mac[COCO_LAYER_MAC_SIZE],
                                     coco_error **err);
coco_status coco_public_options_write(const struct coco_layer_key *key, struct coco_buf *text,
                                      coco_error **err);

/* Key, nonce and digest; key->mac is left alone. COCO_ERR_PROTO. */
coco_status coco_private_options_read(const struct coco_secret *text, struct coco_layer_key *key,
                                      coco_error **err);
coco_status coco_private_options_write(const struct coco_layer_key *key, struct coco_buf *text,
                                       coco_error **err);

#endif
