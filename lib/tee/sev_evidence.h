/*
 * tee/sev_evidence.h - evidence of the launch of a guest on AMD SEV or SEV-ES
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_SEV_EVIDENCE_H
#define COCO_TEE_SEV_EVIDENCE_H

#include "base/json.h"
#include "tee/sev_cert.h"
#include "tee/sev_launch.h"
#include "tee/sev_session.h"

/*
 * SEV attests before the guest runs, to its owner, who was part of it: a session
 * with the platform comes first, and the firmware's answer is a MAC under a key of
 * that session. Nobody has a JSON form of it, so this is ours:
 *
 *     {"certificate_chain": base64 of PDH, PEK, OCA and CEK and perhaps ASK and ARK,
 *                           as `sevctl export --full` writes them,
 *      "session":           base64 of the session's 128 bytes (the "launch blob"),
 *      "measurement":       base64 of HMAC and mnonce, as LAUNCH_MEASURE gives them,
 *      "launch_digest":     base64 of the 32 bytes that the MAC is said to be over,
 *      "policy": n, "api_major": n, "api_minor": n, "build_id": n}
 *
 * The last five are hearsay until the MAC fits. Fresh is what is of the session
 * that the owner made for this launch: its SHA-256 is the report data.
 */

/* Certificates of a platform, and of AMD above it if they came along. */
struct coco_sev_chain {
    struct coco_sev_cert pdh;
    struct coco_sev_cert pek;
    struct coco_sev_cert oca;
    struct coco_sev_cert cek;
    bool has_cas;
    struct coco_sev_ca ask;
    struct coco_sev_ca ark;
};

struct coco_sev_evidence {
    struct coco_sev_chain chain;
    struct coco_sev_session session;
    struct coco_sev_launch launch;
    uint8_t mac[COCO_SEV_MAC_SIZE];
};

coco_status coco_sev_chain_parse(const void *data, size_t len, struct coco_sev_chain *ret,
                                 coco_error **err);
coco_status coco_sev_chain_format(const struct coco_sev_chain *chain, struct coco_buf *buf,
                                  coco_error **err);

/* ASK and ARK, one behind the other. */
coco_status coco_sev_cas_parse(const void *data, size_t len, struct coco_sev_ca *ask,
                               struct coco_sev_ca *ark, coco_error **err);

coco_status coco_sev_evidence_parse(const cJSON *object, struct coco_sev_evidence *ret,
                                    coco_error **err);
/* Appends the JSON text. */
coco_status coco_sev_evidence_format(const struct coco_sev_evidence *evidence, struct coco_buf *buf,
                                     coco_error **err);

#endif
