/*
 * signature/trust.h - whom a requirement trusts: keys, authorities, logs
 *
 * Sources: containers-policy.json(5), "sigstoreSigned"; sigstore/protobuf-specs,
 * sigstore_trustroot.proto. Members of our own, which others refuse: trustedRootPath and
 * trustedRootData, which stand for caPath, rekorPublicKeyPath and the rest; in "fulcio"
 * subjectURI and ctfePublicKeyPath and its kin; timestampAuthorityPath and …Data.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_TRUST_H
#define COCO_SIGNATURE_TRUST_H

#include "crypto/timestamp.h"
#include "signature/log.h"
#include "signature/material.h"

#define COCO_TRUST_MAX 16 /* authorities and logs of each kind */

/* Certificates that are trusted, and when they were in use. */
struct coco_authority {
    struct coco_cert_chain chain;
    int64_t from, to;
};

struct coco_trust {
    struct coco_signer_keys keys; /* of signers; none: they have certificates */
    struct coco_authority authorities[COCO_TRUST_MAX];
    size_t n_authorities;
    struct coco_cert_chain between; /* certificates that may lead to them */
    struct coco_log logs[COCO_TRUST_MAX];
    size_t n_logs;
    struct coco_log ct_logs[COCO_TRUST_MAX];
    size_t n_ct_logs;
    struct coco_authority stampers[COCO_TRUST_MAX]; /* time-stamping authorities */
    size_t n_stampers;
    bool by_certificate;
    bool is_pki; /* certificates that last, which are valid now */
    /* What a certificate must say; NULL for what it need not. Lent by the requirement. */
    const char *issuer, *email, *uri, *host;
};

/* Reads what requirement, which has passed coco_policy_parse(), names. */
coco_status coco_trust_read(const cJSON *requirement, const struct coco_signature_source *source,
                            struct coco_trust *ret, coco_error **err);
/*
 * The same of one that names certificates, by the members of stem, and perhaps time-stamping
 * authorities; nobody is trusted where it has none of stem's.
 */
coco_status coco_trust_read_store(const cJSON *requirement, const char *stem,
                                  const struct coco_signature_source *source,
                                  struct coco_trust *ret, coco_error **err);
void coco_trust_done(struct coco_trust *trust);

/*
 * When one of the time-stamping authorities, in use then, stamped len bytes of data:
 * COCO_ERR_VERIFY if none did.
 */
coco_status coco_trust_stamped(const struct coco_trust *trust, const struct coco_buf *stamp,
                               const void *data, size_t len, struct coco_timestamp *ret,
                               coco_error **err);

#define _cleanup_trust_ _cleanup_(coco_trust_done)

/* Adds what a trusted_root.json has. */
coco_status coco_trusted_root_parse(const void *json, size_t len, struct coco_trust *ret,
                                    coco_error **err);

#endif
