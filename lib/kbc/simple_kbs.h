/*
 * kbc/simple_kbs.h - the calls of simple-kbs, a broker for SEV and SEV-ES
 *
 * Whoever launches a guest takes the session of its owner from it (bundle), shows it the
 * launch's measurement and gets a packet of secrets for the firmware to inject (secret);
 * one of these connects the guest that runs with it, which asks for more (online secret).
 * guest-protocols 5.9, evidence 9.3.
 *
 * What it says of failures is INTERNAL and a text, for all of them. The texts that are known
 * become COCO_ERR_DENIED (policies, measurements, connections and launches it does not know),
 * COCO_ERR_NOTFOUND (a secret that cannot be had) and COCO_ERR_INVALID.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_SIMPLE_KBS_H
#define COCO_KBC_SIMPLE_KBS_H

#include "base/secret.h"
#include "net/retry.h"
#include "rpc/grpc.h"

#define COCO_SIMPLE_KBS_GUID_LEN 36
#define COCO_SIMPLE_KBS_SECRETS_MAX 64

struct coco_simple_kbs {
    struct coco_grpc grpc;
    struct coco_retry_policy policy;
};

/* What a guest that was launched with it has. */
struct coco_simple_kbs_connection {
    char client_id[COCO_SIMPLE_KBS_GUID_LEN + 1];
    struct coco_secret key;
};

/* {"client_id": "<uuid>", "key": "<base64 of 32 bytes>"} */
coco_status coco_simple_kbs_connection_parse(const char *text, size_t len,
                                             struct coco_simple_kbs_connection *ret,
                                             coco_error **err);
void coco_simple_kbs_connection_done(struct coco_simple_kbs_connection *connection);

/* A secret: type is "key", "bundle", "resource", "report" or "connection". */
struct coco_simple_kbs_request {
    const char *guid;   /* what it is called in what comes back */
    const char *format; /* "binary" or "json" */
    const char *type;
    const char *id;
};

/* Gets one secret for the guest of connection; what comes back is sealed with its key. */
coco_status coco_simple_kbs_get_online(const struct coco_simple_kbs *kbs, coco_ctx *ctx,
                                       const struct coco_simple_kbs_connection *connection,
                                       const char *type, const char *id, struct coco_secret *ret,
                                       coco_error **err);

/*
 * The value of guid, in the one entry that there is: a map of texts to bytes as bincode
 * writes it, all numbers little-endian in 64 bits. COCO_ERR_PROTO for any other.
 */
coco_status coco_simple_kbs_payload_parse(const void *data, size_t len, const char *guid,
                                          struct coco_secret *ret, coco_error **err);

/* What a launch begins with. */
struct coco_simple_kbs_bundle {
    struct coco_buf owner_key; /* the certificate of GODH */
    struct coco_buf session;   /* the launch blob */
    char launch_id[COCO_SIMPLE_KBS_GUID_LEN + 1];
};

/* Gets one for the platform of chain, certificates as sevctl exports them. */
coco_status coco_simple_kbs_get_bundle(const struct coco_simple_kbs *kbs, coco_ctx *ctx,
                                       const struct coco_buf *chain, uint32_t policy,
                                       struct coco_simple_kbs_bundle *ret, coco_error **err);
void coco_simple_kbs_bundle_done(struct coco_simple_kbs_bundle *bundle);

/* What the firmware says of a launch, and what is wanted for it. */
struct coco_simple_kbs_launch {
    const char *launch_id;
    uint32_t policy;
    uint32_t api_major;
    uint32_t api_minor;
    uint32_t build_id;
    const uint8_t *measurement; /* 48 bytes */
    const uint8_t *digest;      /* 32 bytes */
    const char *description;
    const struct coco_simple_kbs_request *requests;
    size_t n_requests;
};

/* Gets the packet to inject: its header, and what is encrypted. */
coco_status coco_simple_kbs_get_secret(const struct coco_simple_kbs *kbs, coco_ctx *ctx,
                                       const struct coco_simple_kbs_launch *launch,
                                       struct coco_buf *header, struct coco_buf *data,
                                       coco_error **err);

#endif
