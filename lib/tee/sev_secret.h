/*
 * tee/sev_secret.h - secrets that a guest's owner has AMD SEV firmware inject
 *
 * AMD, "Secure Encrypted Virtualization API" (55766), section 6.6 for the packet;
 * the table within is OVMF's, by which the guest finds its secrets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_SEV_SECRET_H
#define COCO_TEE_SEV_SECRET_H

#include "tee/guid.h"
#include "tee/sev_session.h"

#define COCO_SEV_SECRETS_MAX ((size_t)64) /* what Linux shows of a table */
#define COCO_SEV_SECRET_TABLE_MAX ((size_t)1 << 16)
#define COCO_SEV_PACKET_HEADER_SIZE ((size_t)52)
#define COCO_SEV_BLOCK_SIZE ((size_t)16)

struct coco_sev_secret {
    uint8_t guid[COCO_GUID_SIZE]; /* in the order of its text */
    struct coco_secret data;
};

struct coco_sev_secrets {
    struct coco_sev_secret list[COCO_SEV_SECRETS_MAX];
    size_t n;
};

void coco_sev_secrets_done(struct coco_sev_secrets *secrets);
#define _cleanup_sev_secrets_ _cleanup_(coco_sev_secrets_done)

/* Appends a copy of data: COCO_ERR_LIMIT. */
coco_status coco_sev_secrets_add(struct coco_sev_secrets *secrets,
                                 const uint8_t guid[COCO_GUID_SIZE], const void *data, size_t len,
                                 coco_error **err);

/* The table, filled up with zeros to a whole number of blocks. */
coco_status coco_sev_secrets_format(const struct coco_sev_secrets *secrets, struct coco_secret *ret,
                                    coco_error **err);
/* What is behind the table is passed over: it lies in a page. */
coco_status coco_sev_secrets_parse(const void *data, size_t len, struct coco_sev_secrets *ret,
                                   coco_error **err);

/* A packet: what LAUNCH_SECRET takes. */
struct coco_sev_packet {
    uint8_t header[COCO_SEV_PACKET_HEADER_SIZE];
    struct coco_buf payload;
};

/*
 * Encrypts table, whole blocks of it, for the launch that has the keys and was
 * measured as measure. Never use an iv twice with keys.
 */
coco_status coco_sev_packet_seal(const struct coco_sev_keys *keys,
                                 const uint8_t measure[COCO_SEV_MAC_SIZE],
                                 const uint8_t iv[COCO_SEV_BLOCK_SIZE],
                                 const struct coco_secret *table, struct coco_sev_packet *ret,
                                 coco_error **err);

/* What the firmware does: COCO_ERR_VERIFY where the packet is for another launch. */
coco_status coco_sev_packet_open(const struct coco_sev_keys *keys,
                                 const uint8_t measure[COCO_SEV_MAC_SIZE],
                                 const struct coco_sev_packet *packet, struct coco_secret *ret,
                                 coco_error **err);

#endif
