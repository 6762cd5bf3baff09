/*
 * sealed/inspect.c - what a sealed secret says, without believing it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sealed/sealed.h"

#include "base/bytes.h"
#include "base/fail.h"
#include "sealed/envelope.h"

#include <coco/sealed.h>

#include <string.h>

static coco_status
add_signature(const struct coco_sealed *sealed, cJSON *object, coco_error **err)
{
    const char *alg = NULL;

    coco_status status = coco_json_add_bool(object, "signed", sealed->kid != NULL, err);
    if (status != COCO_OK || !sealed->kid)
        return status;
    status = coco_json_get_string(sealed->jws.header, "alg", &alg, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "alg", alg, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "kid", sealed->kid, err);
    return status;
}

static coco_status
add_envelope(const struct coco_sealed *sealed, cJSON *object, coco_error **err)
{
    _cleanup_envelope_ struct coco_envelope envelope = {0};

    coco_status status = coco_envelope_read(sealed->jws.payload, &envelope, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "wrap_type", COCO_ENVELOPE_WRAP_TYPE, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "bytes", coco_envelope_size(&envelope), err);
    return status;
}

static coco_status
add_payload(const struct coco_sealed *sealed, cJSON *object, coco_error **err)
{
    static const char *const objects[] = {"provider_settings", "annotations"};
    const bool vault = sealed->type == COCO_SEALED_VAULT;

    coco_status status = coco_json_add_string(object, "version", COCO_SEALED_VERSION, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "type", coco_sealed_type_name(sealed->type), err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "provider", sealed->provider, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, vault ? "name" : "key_id", sealed->name, err);
    if (status == COCO_OK && !vault)
        status = add_envelope(sealed, object, err);
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]) && status == COCO_OK; i++) {
        const cJSON *theirs = NULL;

        status = coco_json_get_object_opt(sealed->jws.payload, objects[i], &theirs, err);
        if (status == COCO_OK && theirs)
            status = coco_json_add_copy(object, objects[i], theirs, err);
    }
    return status;
}

coco_status
coco_sealed_inspect(const char *text, coco_bytes **ret, coco_error **err)
{
    _cleanup_sealed_ struct coco_sealed sealed = {0};
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_buf_ struct coco_buf buf = {.limit = 2 * COCO_SEALED_MAX};

    coco_status status = coco_sealed_parse(text, strlen(text), &sealed, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = add_signature(&sealed, object, err);
    if (status == COCO_OK)
        status = add_payload(&sealed, object, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, &buf, err);
    if (status == COCO_OK)
        status = coco_bytes_take(&buf, ret, err);
    return status;
}
