/*
 * signature/payload.c - what simple signing and cosign sign: a name and a digest
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/payload.h"

#include "base/fail.h"

#include "config.h"

#include <inttypes.h>
#include <string.h>

/* The object name of from, which has exactly those members. */
static coco_status
get_exact(const cJSON *from, const char *name, const char *const *members, const cJSON **ret,
          coco_error **err)
{
    coco_status status = coco_json_get_object(from, name, ret, err);

    if (status == COCO_OK)
        status = coco_json_check_members(*ret, members, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%s", name);
}

/* Nothing in it counts, but who writes it wrongly may write the rest so. */
static coco_status
check_optional(const cJSON *json, coco_error **err)
{
    const cJSON *optional = NULL;
    const char *creator = NULL;
    uint64_t timestamp = 0;

    coco_status status = coco_json_get_any(json, "optional", &optional, err);
    if (status != COCO_OK || cJSON_IsNull(optional))
        return status;
    status = coco_json_get_object(json, "optional", &optional, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(optional, "creator", &creator, err);
    if (status == COCO_OK)
        status = coco_json_get_u64_opt(optional, "timestamp", 0, &timestamp, err);
    return status;
}

static coco_status
read_critical(struct coco_payload *payload, const char *type, coco_error **err)
{
    static const char *const of_critical[] = {"type", "image", "identity", NULL};
    static const char *const of_image[] = {"docker-manifest-digest", NULL};
    static const char *const of_identity[] = {"docker-reference", NULL};
    const cJSON *critical = NULL;
    const cJSON *image = NULL;
    const cJSON *identity = NULL;
    const char *said = NULL;
    const char *digest = NULL;

    coco_status status = get_exact(payload->json, "critical", of_critical, &critical, err);
    if (status == COCO_OK)
        status = coco_json_get_string(critical, "type", &said, err);
    if (status == COCO_OK && strcmp(said, type) != 0)
        status =
            coco_fail(err, COCO_ERR_PROTO, "a signature of type '%.100s', not '%s'", said, type);
    if (status == COCO_OK)
        status = get_exact(critical, "image", of_image, &image, err);
    if (status == COCO_OK)
        status = coco_json_get_string(image, "docker-manifest-digest", &digest, err);
    if (status == COCO_OK)
        status = coco_digest_parse(digest, &payload->digest, err);
    if (status == COCO_OK)
        status = get_exact(critical, "identity", of_identity, &identity, err);
    if (status == COCO_OK)
        status = coco_json_get_string(identity, "docker-reference", &payload->reference, err);
    return status;
}

coco_status
coco_payload_parse(const void *data, size_t len, const char *type, struct coco_payload *ret,
                   coco_error **err)
{
    static const char *const members[] = {"critical", "optional", NULL};
    _cleanup_payload_ struct coco_payload payload = {0};

    coco_status status = coco_json_parse_object(data, len, &payload.json, err);
    if (status == COCO_OK)
        status = coco_json_check_members(payload.json, members, err);
    if (status == COCO_OK)
        status = read_critical(&payload, type, err);
    if (status == COCO_OK)
        status = check_optional(payload.json, err);
    if (status != COCO_OK)
        return status;
    *ret = payload;
    payload = (struct coco_payload){0};
    return COCO_OK;
}

void
coco_payload_done(struct coco_payload *payload)
{
    coco_json_free(payload->json);
    *payload = (struct coco_payload){0};
}

coco_status
coco_payload_write(const char *reference, const struct coco_digest *digest, struct coco_buf *ret,
                   coco_error **err)
{
    char text[COCO_DIGEST_TEXT_SIZE];

    /* A name of an image in a registry needs no escapes. */
    coco_digest_format(digest, text);
    return coco_buf_printf(ret, err,
                           "{\"critical\":{\"identity\":{\"docker-reference\":\"%s\"},"
                           "\"image\":{\"docker-manifest-digest\":\"%s\"},"
                           "\"type\":\"" COCO_PAYLOAD_COSIGN "\"},\"optional\":null}",
                           reference, text);
}

coco_status
coco_payload_write_atomic(const char *reference, const struct coco_digest *digest, uint64_t now,
                          struct coco_buf *ret, coco_error **err)
{
    char text[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(digest, text);
    return coco_buf_printf(ret, err,
                           "{\"critical\":{\"identity\":{\"docker-reference\":\"%s\"},"
                           "\"image\":{\"docker-manifest-digest\":\"%s\"},"
                           "\"type\":\"" COCO_PAYLOAD_ATOMIC "\"},"
                           "\"optional\":{\"creator\":\"libcoco " COCO_VERSION
                           "\",\"timestamp\":%" PRIu64 "}}",
                           reference, text, now);
}
