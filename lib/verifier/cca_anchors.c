/*
 * verifier/cca_anchors.c - trust anchors of Arm CCA, as Trustee keeps them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/cca_anchors.h"

#include "base/fail.h"
#include "base/text.h"

#include <string.h>

bool
coco_cca_anchors_are(const void *text, size_t len)
{
    const char *p = text;
    size_t at = 0;

    while (at < len && p[at] && strchr(" \t\r\n", p[at]))
        at++;
    return at < len && p[at] == '[';
}

static coco_status
get_hex(const cJSON *anchor, const char *name, uint8_t *ret, size_t len, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(anchor, name, &text, err);
    if (status != COCO_OK)
        return status;
    if (!coco_unhex(text, strlen(text), ret, len))
        return coco_fail(err, COCO_ERR_PROTO, "%s is not %zu bytes of hex", name, len);
    return COCO_OK;
}

coco_status
coco_cca_anchor_get(const cJSON *anchor, struct coco_buf *jwk,
                    uint8_t instance_id[COCO_CCA_INSTANCE_SIZE], coco_error **err)
{
    static const char *const names[] = {"pkey", "implementation-id", "instance-id", NULL};
    uint8_t implementation_id[COCO_CCA_IMPLEMENTATION_SIZE];
    uint8_t instance[COCO_CCA_INSTANCE_SIZE];
    const cJSON *key = NULL;

    coco_status status = coco_json_check_members(anchor, names, err);
    if (status == COCO_OK)
        status = get_hex(anchor, "instance-id", instance, sizeof(instance), err);
    if (status == COCO_OK)
        status =
            get_hex(anchor, "implementation-id", implementation_id, sizeof(implementation_id), err);
    if (status == COCO_OK)
        status = coco_json_get_object(anchor, "pkey", &key, err);
    if (status == COCO_OK)
        status = coco_json_write(key, COCO_JSON_COMPACT, jwk, err);
    if (status == COCO_OK)
        memcpy(instance_id, instance, sizeof(instance));
    return status;
}

coco_status
coco_cca_anchors_parse(const void *text, size_t len, cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *store = NULL;
    const cJSON *anchor;

    coco_status status = coco_json_parse(text, len, &store, err);
    if (status != COCO_OK)
        return status;
    if (!cJSON_IsArray(store) || !store->child)
        return coco_fail(err, COCO_ERR_PROTO, "no list of trust anchors");
    cJSON_ArrayForEach(anchor, store)
        if (!cJSON_IsObject(anchor))
            return coco_fail(err, COCO_ERR_PROTO, "trust anchor that is no object");
    *ret = coco_steal(&store);
    return COCO_OK;
}
