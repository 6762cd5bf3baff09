/*
 * signature/log_entry.c - entries of a transparency log, read
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/log.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/text.h"
#include "signature/protojson.h"

#include <string.h>

#define BODY_MAX ((size_t)1 << 20)
#define PROMISE_MAX ((size_t)1 << 10)
#define CHECKPOINT_MAX ((size_t)16 << 10)

static struct coco_log_entry
empty_entry(void)
{
    return (struct coco_log_entry){.body.limit = BODY_MAX, .promise.limit = PROMISE_MAX};
}

void
coco_log_entry_done(struct coco_log_entry *entry)
{
    coco_buf_done(&entry->body);
    coco_buf_done(&entry->promise);
    free(entry->checkpoint);
    *entry = (struct coco_log_entry){0};
}

/* ---- cosign's annotation ---- */

static coco_status
read_payload(const cJSON *payload, struct coco_log_entry *ret, coco_error **err)
{
    static const char *const members[] = {"body", "integratedTime", "logIndex", "logID", NULL};
    const char *id = NULL;

    coco_status status = coco_json_check_members(payload, members, err);
    if (status == COCO_OK)
        status = coco_protojson_bytes(payload, "body", &ret->body, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(payload, "integratedTime", &ret->time, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(payload, "logIndex", &ret->index, err);
    if (status == COCO_OK)
        status = coco_json_get_string(payload, "logID", &id, err);
    if (status == COCO_OK && !coco_unhex(id, strlen(id), ret->log_id, COCO_LOG_ID_SIZE))
        status = coco_fail(err, COCO_ERR_PROTO, "logID is no SHA-256");
    return status;
}

coco_status
coco_log_entry_parse_annotation(const char *text, size_t len, struct coco_log_entry *ret,
                                coco_error **err)
{
    static const char *const members[] = {"SignedEntryTimestamp", "Payload", NULL};
    _cleanup_log_entry_ struct coco_log_entry entry = empty_entry();
    _cleanup_json_ cJSON *json = NULL;
    const cJSON *payload = NULL;

    coco_status status = coco_json_parse_object(text, len, &json, err);
    if (status == COCO_OK)
        status = coco_json_check_members(json, members, err);
    if (status == COCO_OK)
        status = coco_protojson_bytes(json, "SignedEntryTimestamp", &entry.promise, err);
    if (status == COCO_OK)
        status = coco_json_get_object(json, "Payload", &payload, err);
    if (status == COCO_OK)
        status = read_payload(payload, &entry, err);
    if (status != COCO_OK)
        return status;
    *ret = entry;
    entry = (struct coco_log_entry){0};
    return COCO_OK;
}

/* ---- an entry of a bundle ---- */

static coco_status
read_hashes(const cJSON *proof, struct coco_log_entry *ret, coco_error **err)
{
    const cJSON *list = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_get_array_opt(proof, "hashes", &list, err);
    cJSON_ArrayForEach(item, list) {
        _cleanup_buf_ struct coco_buf hash = {.limit = COCO_DIGEST_SIZE_MAX};
        struct coco_digest *at = &ret->hashes[ret->n_hashes];

        if (!cJSON_IsString(item) || ret->n_hashes == COCO_LOG_HASHES_MAX)
            return coco_fail(err, COCO_ERR_PROTO, "hashes of a proof that are none");
        status = coco_base64_decode(COCO_BASE64, item->valuestring, strlen(item->valuestring),
                                    &hash, err);
        if (status == COCO_OK && hash.len != 32)
            status = coco_fail(err, COCO_ERR_PROTO, "a hash of a proof that is no SHA-256");
        if (status != COCO_OK)
            return status;
        at->alg = COCO_SHA256;
        memcpy(at->bytes, hash.data, hash.len);
        ret->n_hashes++;
    }
    return status;
}

static coco_status
read_proof(const cJSON *proof, struct coco_log_entry *ret, coco_error **err)
{
    const cJSON *checkpoint = NULL;
    const char *text = NULL;

    coco_status status = coco_protojson_u64(proof, "logIndex", &ret->proof_index, err);
    if (status == COCO_OK)
        status = coco_protojson_u64(proof, "treeSize", &ret->proof_size, err);
    if (status == COCO_OK)
        status = read_hashes(proof, ret, err);
    if (status == COCO_OK)
        status = coco_json_get_object(proof, "checkpoint", &checkpoint, err);
    if (status == COCO_OK)
        status = coco_json_get_string(checkpoint, "envelope", &text, err);
    if (status == COCO_OK && strlen(text) > CHECKPOINT_MAX)
        status =
            coco_fail(err, COCO_ERR_LIMIT, "a checkpoint of more than %zu bytes", CHECKPOINT_MAX);
    if (status != COCO_OK)
        return coco_wrap(err, status, "inclusionProof");
    ret->checkpoint = strdup(text);
    ret->has_proof = true;
    return ret->checkpoint ? COCO_OK : coco_fail_nomem(err);
}

static coco_status
read_log_id(const cJSON *json, struct coco_log_entry *ret, coco_error **err)
{
    const cJSON *id = NULL;

    coco_status status = coco_json_get_object(json, "logId", &id, err);
    return status == COCO_OK ? coco_json_get_base64(id, "keyId", ret->log_id, COCO_LOG_ID_SIZE, err)
                             : status;
}

coco_status
coco_log_entry_parse(const cJSON *json, struct coco_log_entry *ret, coco_error **err)
{
    _cleanup_log_entry_ struct coco_log_entry entry = empty_entry();
    const cJSON *promise = NULL;
    const cJSON *proof = NULL;

    if (!cJSON_IsObject(json))
        return coco_fail(err, COCO_ERR_PROTO, "an entry of a log that is no object");
    coco_status status = coco_protojson_u64(json, "logIndex", &entry.index, err);
    if (status == COCO_OK)
        status = coco_protojson_u64(json, "integratedTime", &entry.time, err);
    if (status == COCO_OK)
        status = read_log_id(json, &entry, err);
    if (status == COCO_OK)
        status = coco_protojson_bytes(json, "canonicalizedBody", &entry.body, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(json, "inclusionPromise", &promise, err);
    if (status == COCO_OK && promise)
        status = coco_protojson_bytes(promise, "signedEntryTimestamp", &entry.promise, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(json, "inclusionProof", &proof, err);
    if (status == COCO_OK && proof)
        status = read_proof(proof, &entry, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "entry of a log");
    *ret = entry;
    entry = (struct coco_log_entry){0};
    return COCO_OK;
}
