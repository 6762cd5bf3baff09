/*
 * signature/protojson.c - what the JSON of Sigstore's messages has in common
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/protojson.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/text.h"

#include <string.h>

#define DIGITS_MAX 18 /* so that it fits */

coco_status
coco_protojson_u64(const cJSON *json, const char *name, uint64_t *ret, coco_error **err)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

    *ret = 0;
    if (!item || cJSON_IsNumber(item))
        return coco_json_get_u64_opt(json, name, 0, ret, err);
    const char *text = cJSON_GetStringValue(item);
    if (!text || !coco_text_is_all(text, "0123456789", DIGITS_MAX))
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' is no number", name);
    for (; *text; text++)
        *ret = 10 * *ret + (uint64_t)(*text - '0');
    return COCO_OK;
}

coco_status
coco_protojson_bytes(const cJSON *json, const char *name, struct coco_buf *ret, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(json, name, &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, text, strlen(text), ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%s", name);
}

static const struct {
    const char *name;
    enum coco_hash_alg alg;
} algorithms[] = {
    {"SHA2_256", COCO_SHA256},
    {"SHA2_384", COCO_SHA384},
    {"SHA2_512", COCO_SHA512},
};

coco_status
coco_protojson_hash(const cJSON *json, const char *name, struct coco_digest *ret, coco_error **err)
{
    const cJSON *output = NULL;
    const char *algorithm = NULL;
    struct coco_digest digest = {0};

    coco_status status = coco_json_get_object(json, name, &output, err);
    if (status == COCO_OK)
        status = coco_json_get_string(output, "algorithm", &algorithm, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", name);
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (strcmp(algorithms[i].name, algorithm) == 0)
            digest.alg = algorithms[i].alg;
    if (!digest.alg)
        return coco_fail(err, COCO_ERR_NOTSUP, "%s: by '%.60s'", name, algorithm);
    status = coco_json_get_base64(output, "digest", digest.bytes, coco_hash_size(digest.alg), err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", name);
    *ret = digest;
    return COCO_OK;
}
