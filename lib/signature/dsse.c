/*
 * signature/dsse.c - envelopes that hold what is signed (DSSE), and statements in them (in-toto)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/dsse.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/text.h"

#include <string.h>

#define PAYLOAD_MAX ((size_t)4 << 20)
#define SIGNATURE_MAX ((size_t)8 << 10)

void
coco_dsse_done(struct coco_dsse *dsse)
{
    coco_buf_done(&dsse->payload);
    coco_buf_done(&dsse->signed_data);
    coco_buf_done(&dsse->signature);
    free(dsse->signature_text);
    *dsse = (struct coco_dsse){0};
}

/* protocol.md: PAE(type, body) = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body */
coco_status
coco_dsse_encode(const char *type, const struct coco_buf *payload, struct coco_buf *ret,
                 coco_error **err)
{
    coco_status status =
        coco_buf_printf(ret, err, "DSSEv1 %zu %s %zu ", strlen(type), type, payload->len);

    return status == COCO_OK ? coco_buf_append(ret, coco_buf_text(payload), payload->len, err)
                             : status;
}

static coco_status
read_signature(const cJSON *json, struct coco_dsse *ret, coco_error **err)
{
    const cJSON *list = NULL;
    const char *text = NULL;

    coco_status status = coco_json_get_array(json, "signatures", &list, err);
    if (status == COCO_OK && (cJSON_GetArraySize(list) != 1 || !cJSON_IsObject(list->child)))
        status = coco_fail(err, COCO_ERR_PROTO, "an envelope has one signature");
    if (status == COCO_OK)
        status = coco_json_get_string(list->child, "sig", &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, text, strlen(text), &ret->signature, err);
    if (status != COCO_OK)
        return status;
    ret->signature_text = strdup(text);
    return ret->signature_text ? COCO_OK : coco_fail_nomem(err);
}

coco_status
coco_dsse_parse(const cJSON *json, const char *type, struct coco_dsse *ret, coco_error **err)
{
    _cleanup_dsse_ struct coco_dsse dsse = {
        .payload.limit = PAYLOAD_MAX,
        .signed_data.limit = PAYLOAD_MAX + 1024,
        .signature.limit = SIGNATURE_MAX,
    };
    const char *said = NULL;
    const char *text = NULL;

    coco_status status = coco_json_get_string(json, "payloadType", &said, err);
    if (status == COCO_OK && strcmp(said, type) != 0)
        status = coco_fail(err, COCO_ERR_PROTO, "an envelope of '%.100s', not '%s'", said, type);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "payload", &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, text, strlen(text), &dsse.payload, err);
    if (status == COCO_OK)
        status = coco_dsse_encode(type, &dsse.payload, &dsse.signed_data, err);
    if (status == COCO_OK)
        status = read_signature(json, &dsse, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "envelope");
    *ret = dsse;
    dsse = (struct coco_dsse){0};
    return COCO_OK;
}

/* ---- statements ---- */

static bool
is_statement(const char *type)
{
    static const char *const types[] = {"https://in-toto.io/Statement/v1",
                                        "https://in-toto.io/Statement/v0.1"};

    return strcmp(type, types[0]) == 0 || strcmp(type, types[1]) == 0;
}

coco_status
coco_statement_parse(const void *data, size_t len, struct coco_statement *ret, coco_error **err)
{
    _cleanup_statement_ struct coco_statement statement = {0};
    const char *type = NULL;

    coco_status status = coco_json_parse_object(data, len, &statement.json, err);
    if (status == COCO_OK)
        status = coco_json_get_string(statement.json, "_type", &type, err);
    if (status == COCO_OK && !is_statement(type))
        status = coco_fail(err, COCO_ERR_NOTSUP, "'%.100s' is no statement of in-toto", type);
    if (status == COCO_OK)
        status =
            coco_json_get_string(statement.json, "predicateType", &statement.predicate_type, err);
    if (status == COCO_OK)
        status = coco_json_get_array(statement.json, "subject", &statement.subjects, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(statement.json, "predicate", &statement.predicate, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "statement");
    *ret = statement;
    statement = (struct coco_statement){0};
    return COCO_OK;
}

void
coco_statement_done(struct coco_statement *statement)
{
    coco_json_free(statement->json);
    *statement = (struct coco_statement){0};
}

bool
coco_statement_is_of(const struct coco_statement *statement, const struct coco_digest *digest)
{
    char hex[2 * COCO_DIGEST_SIZE_MAX + 1];
    const cJSON *subject = NULL;

    coco_hex(digest->bytes, coco_hash_size(digest->alg), hex);
    cJSON_ArrayForEach(subject, statement->subjects) {
        const cJSON *digests = cJSON_GetObjectItemCaseSensitive(subject, "digest");
        const char *said = cJSON_GetStringValue(
            cJSON_GetObjectItemCaseSensitive(digests, coco_hash_name(digest->alg)));

        if (said && strcmp(said, hex) == 0)
            return true;
    }
    return false;
}
