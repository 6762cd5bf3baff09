/*
 * signature/log.h - transparency logs, as Rekor keeps them
 *
 * An entry is proved by what the log signed of it: that it will be there
 * (SignedEntryTimestamp, over the entry's canonical JSON, with the time) or that it is there (the
 * tree's root, signed, and the hashes that lead to it; RFC 6962 section 2.1.1). Rekor 2 signs no
 * promise and no time.
 *
 * Sources: rekor openapi.yaml, pkg/verify; containers/image, signature/internal/rekor_set.go;
 * transparency-dev/formats, "checkpoint".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_LOG_H
#define COCO_SIGNATURE_LOG_H

#include "base/digest.h"
#include "base/json.h"
#include "crypto/cert.h"
#include "crypto/key.h"

#define COCO_LOG_ID_SIZE ((size_t)32)
#define COCO_LOG_HASHES_MAX 64

/* A log that is known: its key, and when it was in use. */
struct coco_log {
    EVP_PKEY *key;
    uint8_t id[COCO_LOG_ID_SIZE]; /* by which entries name it */
    char *name;                   /* its checkpoints' origin, or NULL if nobody told */
    int64_t from, to;             /* seconds since 1970 */
};

/*
 * Takes the key on success; from 0 to INT64_MAX for one that ends never. The id is the SHA-256 of
 * the key's SubjectPublicKeyInfo, as Rekor 1 has it.
 */
coco_status coco_log_make(EVP_PKEY **key, struct coco_log *ret, coco_error **err);
void coco_log_done(struct coco_log *log);

/* An entry taken apart, not yet verified. */
struct coco_log_entry {
    struct coco_buf body; /* JSON, as it is hashed */
    uint8_t log_id[COCO_LOG_ID_SIZE];
    uint64_t index;
    uint64_t time; /* when the log says it was added, seconds since 1970; 0: it does not */
    struct coco_buf promise; /* SignedEntryTimestamp; empty if there is none */
    bool has_proof;
    uint64_t proof_index, proof_size;
    struct coco_digest hashes[COCO_LOG_HASHES_MAX];
    size_t n_hashes;
    char *checkpoint; /* a signed note */
};

void coco_log_entry_done(struct coco_log_entry *entry);
#define _cleanup_log_entry_ _cleanup_(coco_log_entry_done)

/*
 * Reads cosign's annotation dev.sigstore.cosign/bundle: {"SignedEntryTimestamp", "Payload":
 * {"body", "integratedTime", "logIndex", "logID"}} and nothing else.
 */
coco_status coco_log_entry_parse_annotation(const char *text, size_t len,
                                            struct coco_log_entry *ret, coco_error **err);

/* Reads a TransparencyLogEntry of a Sigstore bundle (sigstore_rekor.proto, as JSON). */
coco_status coco_log_entry_parse(const cJSON *json, struct coco_log_entry *ret, coco_error **err);

/*
 * COCO_ERR_VERIFY unless one of the logs signed all that the entry has of it, and there is
 * something. *signed_time says whether the log signed the time, too.
 */
coco_status coco_log_entry_check(const struct coco_log_entry *entry, const struct coco_log *logs,
                                 size_t n, bool *signed_time, coco_error **err);

/* The log that the entry says it is of, or NULL if it is not known. */
const struct coco_log *coco_log_of(const struct coco_log_entry *entry, const struct coco_log *logs,
                                   size_t n);

/* What an entry must be about. */
struct coco_log_subject {
    const void *signed_data; /* what was signed: its hash is in the log */
    size_t signed_len;
    const struct coco_digest *digest; /* in the place of it, where nothing else is known */
    const void *signature;
    size_t signature_len;
    const char *signature_text; /* of an envelope: the signature in base64 as it is there */
    const void *payload;        /* of an envelope: what is in it, or NULL */
    size_t payload_len;
    const EVP_PKEY *key; /* the signer's */
    const X509 *cert;    /* the signer's, if it is the certificate that is trusted */
};

/* COCO_ERR_VERIFY unless the entry is of that signature by that key; COCO_ERR_NOTSUP for kinds
 * that are not known. */
coco_status coco_log_entry_is_of(const struct coco_log_entry *entry,
                                 const struct coco_log_subject *subject, coco_error **err);

#endif
