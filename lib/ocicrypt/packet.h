/*
 * ocicrypt/packet.h - wrapping by a key in a KBS: annotation "keys.provider.attestation-agent"
 *
 * Source: AnnotationPacket of guest-components (guest-protocols 3.4, 5.7).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_OCICRYPT_PACKET_H
#define COCO_OCICRYPT_PACKET_H

#include "ocicrypt/wrapper.h"

#define COCO_PACKET_SCHEME "provider.attestation-agent"

/* Gets a key-encryption key of COCO_LAYER_KEY_SIZE bytes by its kbs:/// URI. */
struct coco_kek_source {
    coco_status (*get)(void *self, coco_ctx *ctx, const char *uri, struct coco_secret *ret,
                       coco_error **err);
    void *self;
};

/* A recipient that wraps by a key-encryption key in a KBS. */
struct coco_kek {
    const char *uri; /* kbs:///repository/type/tag */
    const struct coco_secret *key;
};

/* COCO_ERR_INVALID for a key of another size than COCO_LAYER_KEY_SIZE or a malformed URI. */
struct coco_wrapper coco_kek_recipient(const struct coco_kek *kek);

/*
 * COCO_ERR_PROTO for what is no packet, COCO_ERR_NOTSUP for one of another version; failures
 * of the source (denied, network) are given as they are.
 */
struct coco_wrapper coco_kek_opener(const struct coco_kek_source *source);

/* Appends the packet that holds options: the whole of it in JSON. */
coco_status coco_packet_write(const struct coco_kek *kek, const struct coco_buf *options,
                              struct coco_buf *text, coco_error **err);

/* The kid of a packet, as it is; COCO_ERR_PROTO. */
coco_status coco_packet_kid(const struct coco_buf *blob, struct coco_buf *kid, coco_error **err);

#endif
