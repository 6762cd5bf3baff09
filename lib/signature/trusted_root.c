/*
 * signature/trusted_root.c - trusted_root.json: who may certify, log and stamp
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/trust.h"

#include "base/fail.h"
#include "base/rfc3339.h"
#include "signature/protojson.h"

#include <string.h>

#define MEDIA_TYPE "application/vnd.dev.sigstore.trustedroot"

/* {"start", "end"}, of which each may be left out. */
static coco_status
read_validity(const cJSON *json, int64_t *from, int64_t *to, coco_error **err)
{
    const cJSON *period = NULL;
    const char *start = NULL;
    const char *end = NULL;

    *from = 0;
    *to = INT64_MAX;
    coco_status status = coco_json_get_object_opt(json, "validFor", &period, err);
    if (status != COCO_OK || !period)
        return status;
    status = coco_json_get_string_opt(period, "start", &start, err);
    if (status == COCO_OK && start)
        status = coco_rfc3339_parse(start, from, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(period, "end", &end, err);
    if (status == COCO_OK && end)
        status = coco_rfc3339_parse(end, to, err);
    return status;
}

static coco_status
add_log(const cJSON *json, struct coco_log *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf der = {.limit = COCO_CERT_SIZE_MAX};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    const cJSON *public = NULL;

    coco_status status = coco_json_get_object(json, "publicKey", &public, err);
    if (status == COCO_OK)
        status = coco_protojson_bytes(public, "rawBytes", &der, err);
    if (status == COCO_OK)
        status = coco_key_parse_public(der.data, der.len, &key, err);
    if (status == COCO_OK)
        status = coco_log_make(&key, ret, err);
    return status == COCO_OK ? read_validity(public, &ret->from, &ret->to, err) : status;
}

static coco_status
add_authority(const cJSON *json, struct coco_authority *ret, coco_error **err)
{
    const cJSON *chain = NULL;
    const cJSON *list = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_get_object(json, "certChain", &chain, err);
    if (status == COCO_OK)
        status = coco_json_get_array(chain, "certificates", &list, err);
    cJSON_ArrayForEach(item, list) {
        _cleanup_buf_ struct coco_buf der = {.limit = COCO_CERT_SIZE_MAX};
        _cleanup_cert_ X509 *cert = NULL;

        if (status == COCO_OK)
            status = coco_protojson_bytes(item, "rawBytes", &der, err);
        if (status == COCO_OK)
            status = coco_cert_parse(der.data, der.len, &cert, err);
        if (status == COCO_OK)
            status = coco_cert_chain_add(&ret->chain, &cert, err);
    }
    if (status == COCO_OK && ret->chain.n == 0)
        status = coco_fail(err, COCO_ERR_PROTO, "no certificate");
    return status == COCO_OK ? read_validity(json, &ret->from, &ret->to, err) : status;
}

/* An array of the document, of which each becomes one of a list. */
struct section {
    const char *name;
    struct coco_log *logs;
    struct coco_authority *authorities;
    size_t *n;
};

static coco_status
read_section(const cJSON *root, const struct section *section, coco_error **err)
{
    const cJSON *list = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_get_array_opt(root, section->name, &list, err);
    cJSON_ArrayForEach(item, list) {
        size_t at = *section->n;

        if (!cJSON_IsObject(item) || at == COCO_TRUST_MAX)
            return coco_fail(err, COCO_ERR_PROTO, "%s: not a list of at most %d objects",
                             section->name, COCO_TRUST_MAX);
        /* It counts from here on, for what it holds must be freed. */
        ++*section->n;
        status = section->logs ? add_log(item, &section->logs[at], err)
                               : add_authority(item, &section->authorities[at], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "%s %zu", section->name, at);
    }
    return status;
}

coco_status
coco_trusted_root_parse(const void *json, size_t len, struct coco_trust *ret, coco_error **err)
{
    const struct section sections[] = {
        {"tlogs", ret->logs, NULL, &ret->n_logs},
        {"certificateAuthorities", NULL, ret->authorities, &ret->n_authorities},
        {"ctlogs", ret->ct_logs, NULL, &ret->n_ct_logs},
        {"timestampAuthorities", NULL, ret->stampers, &ret->n_stampers},
    };
    _cleanup_json_ cJSON *root = NULL;
    const char *type = NULL;

    coco_status status = coco_json_parse_object(json, len, &root, err);
    if (status == COCO_OK)
        status = coco_json_get_string(root, "mediaType", &type, err);
    if (status == COCO_OK && strncmp(type, MEDIA_TYPE, strlen(MEDIA_TYPE)) != 0)
        status = coco_fail(err, COCO_ERR_NOTSUP, "'%.100s' is no trusted root", type);
    for (size_t i = 0; status == COCO_OK && i < sizeof(sections) / sizeof(sections[0]); i++)
        status = read_section(root, &sections[i], err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "trusted root");
}
