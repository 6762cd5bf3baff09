/*
 * signature/log.c - transparency logs, as Rekor keeps them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/log.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/text.h"
#include "signature/checkpoint.h"

#include <inttypes.h>
#include <string.h>

#define KEY_DER_MAX ((size_t)4 << 10)
#define CANONICAL_MAX ((size_t)2 << 20)

coco_status
coco_log_make(EVP_PKEY **key, struct coco_log *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf der = {.limit = KEY_DER_MAX};
    struct coco_digest id = {0};

    coco_status status = coco_key_public_der(*key, &der, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, der.data, der.len, &id, err);
    if (status != COCO_OK)
        return status;
    *ret = (struct coco_log){.key = coco_steal(key), .to = INT64_MAX};
    memcpy(ret->id, id.bytes, COCO_LOG_ID_SIZE);
    return COCO_OK;
}

void
coco_log_done(struct coco_log *log)
{
    EVP_PKEY_free(log->key);
    free(log->name);
    *log = (struct coco_log){0};
}

/* ---- SignedEntryTimestamp ---- */

/* RFC 8785 of {body, integratedTime, logID, logIndex}: no character in it needs an escape. */
static coco_status
write_canonical(const struct coco_log_entry *entry, struct coco_buf *ret, coco_error **err)
{
    coco_status status = coco_buf_append_text(ret, "{\"body\":\"", err);

    if (status == COCO_OK)
        status = coco_base64_encode(COCO_BASE64, entry->body.data, entry->body.len, ret, err);
    if (status == COCO_OK)
        status = coco_buf_printf(ret, err, "\",\"integratedTime\":%" PRIu64 ",\"logID\":\"",
                                 entry->time);
    if (status == COCO_OK)
        status = coco_buf_append_hex(ret, entry->log_id, COCO_LOG_ID_SIZE, err);
    if (status == COCO_OK)
        status = coco_buf_printf(ret, err, "\",\"logIndex\":%" PRIu64 "}", entry->index);
    return status;
}

static coco_status
check_promise(const struct coco_log_entry *entry, const struct coco_log *log, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = CANONICAL_MAX};
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(log->key, &kind, err);
    /* Rekor 1 has no other keys; those of Rekor 2 sign checkpoints and nothing else. */
    if (status == COCO_OK && (kind == COCO_KEY_ED25519 || kind == COCO_KEY_RSA))
        status = coco_fail(err, COCO_ERR_VERIFY, "the log's key is none for that");
    if (status == COCO_OK)
        status = write_canonical(entry, &text, err);
    if (status == COCO_OK)
        status = coco_key_verify(log->key, text.data, text.len, entry->promise.data,
                                 entry->promise.len, err);
    if (status == COCO_OK
        && (entry->time > INT64_MAX || (int64_t)entry->time < log->from
            || (int64_t)entry->time > log->to))
        status = coco_fail(err, COCO_ERR_VERIFY, "it was added when the log was not in use");
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "signed entry timestamp");
}

/* ---- proof that it is there ---- */

static coco_status
hash_of(uint8_t prefix, const void *a, size_t a_len, const void *b, size_t b_len,
        struct coco_digest *ret, coco_error **err)
{
    _cleanup_hash_ struct coco_hash hash = {0};

    coco_status status = coco_hash_begin(&hash, COCO_SHA256, err);
    if (status == COCO_OK)
        status = coco_hash_add(&hash, &prefix, 1, err);
    if (status == COCO_OK)
        status = coco_hash_add(&hash, a, a_len, err);
    if (status == COCO_OK && b_len > 0)
        status = coco_hash_add(&hash, b, b_len, err);
    return status == COCO_OK ? coco_hash_end(&hash, ret, err) : status;
}

/* RFC 9162 section 2.1.3.2: the root that the hashes lead to. */
static coco_status
root_of(const struct coco_log_entry *entry, struct coco_digest *ret, coco_error **err)
{
    uint64_t at = entry->proof_index;
    uint64_t last = entry->proof_size - 1;
    struct coco_digest root = {0};

    if (entry->proof_index >= entry->proof_size)
        return coco_fail(err, COCO_ERR_VERIFY, "the entry is past the end of its tree");
    coco_status status =
        hash_of(0, coco_buf_text(&entry->body), entry->body.len, NULL, 0, &root, err);
    for (size_t i = 0; status == COCO_OK && i < entry->n_hashes; i++) {
        const struct coco_digest left = root;
        const struct coco_digest *other = &entry->hashes[i];

        if (last == 0)
            return coco_fail(err, COCO_ERR_VERIFY, "a proof that is too long");
        if ((at & 1) || at == last) {
            status = hash_of(1, other->bytes, 32, left.bytes, 32, &root, err);
            while (!(at & 1) && at != 0) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            status = hash_of(1, left.bytes, 32, other->bytes, 32, &root, err);
        }
        at >>= 1;
        last >>= 1;
    }
    if (status == COCO_OK && last != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "a proof that is too short");
    *ret = root;
    return status;
}

static coco_status
check_proof(const struct coco_log_entry *entry, const struct coco_log *log, coco_error **err)
{
    bool is_tiled = coco_checkpoint_is_tiled(entry->checkpoint);
    struct coco_digest root = {0};
    coco_status status = COCO_OK;

    /* Rekor 1 numbers entries across its trees, Rekor 2 has one tree. */
    if (is_tiled && entry->index != entry->proof_index)
        status = coco_fail(err, COCO_ERR_VERIFY, "it is of another entry");
    if (status == COCO_OK)
        status = root_of(entry, &root, err);
    if (status == COCO_OK)
        status = coco_checkpoint_check(entry->checkpoint, log, entry->proof_size, &root, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "inclusion proof");
}

const struct coco_log *
coco_log_of(const struct coco_log_entry *entry, const struct coco_log *logs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (CRYPTO_memcmp(entry->log_id, logs[i].id, COCO_LOG_ID_SIZE) == 0)
            return &logs[i];
    return NULL;
}

coco_status
coco_log_entry_check(const struct coco_log_entry *entry, const struct coco_log *logs, size_t n,
                     bool *signed_time, coco_error **err)
{
    const struct coco_log *log = coco_log_of(entry, logs, n);
    coco_status status = COCO_OK;

    *signed_time = false;
    if (!log)
        return coco_fail(err, COCO_ERR_VERIFY, "the entry is of a log that is not known");
    if (entry->promise.len == 0 && !entry->has_proof)
        return coco_fail(err, COCO_ERR_VERIFY, "nothing proves the entry");
    if (entry->promise.len > 0)
        status = check_promise(entry, log, err);
    if (status == COCO_OK && entry->has_proof)
        status = check_proof(entry, log, err);
    *signed_time = status == COCO_OK && entry->promise.len > 0 && entry->time > 0;
    return status;
}
