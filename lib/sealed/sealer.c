/*
 * sealed/sealer.c - who seals secrets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sealed/sealed.h"

#include "base/bytes.h"
#include "base/fail.h"
#include "base/resource.h"
#include "sealed/envelope.h"

#include <coco/sealed.h>

#include <string.h>

#define EXTRAS_MAX ((size_t)64 << 10)
#define PROVIDER_KBS "kbs"

struct coco_sealer {
    EVP_PKEY *key;
    char *kid;
    cJSON *settings;
    cJSON *annotations;
    char *provider; /* of keys for envelopes; or NULL, as kbc */
    coco_kbc *kbc;  /* lent */
};

COCO_DEFINE_CLEANUP(coco_sealer *, coco_sealer_free);

void
coco_sealer_free(coco_sealer *sealer)
{
    if (!sealer)
        return;
    EVP_PKEY_free(sealer->key);
    coco_json_free(sealer->settings);
    coco_json_free(sealer->annotations);
    free(sealer->provider);
    free(sealer->kid);
    free(sealer);
}

coco_status
coco_sealer_new(const char *kid, const uint8_t *key, size_t len, coco_sealer **ret,
                coco_error **err)
{
    coco_status status = coco_sealed_check_kid(kid, err);
    if (status != COCO_OK)
        return status;

    _cleanup_(coco_sealer_freep) coco_sealer *sealer = calloc(1, sizeof(*sealer));
    if (!sealer || !(sealer->kid = strdup(kid)))
        return coco_fail_nomem(err);
    status = coco_json_new_object(&sealer->settings, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&sealer->annotations, err);
    if (status == COCO_OK)
        status = coco_key_parse_private(key, len, &sealer->key, err);
    if (status == COCO_OK)
        status = coco_sealed_check_key(sealer->key, err);
    if (status == COCO_OK)
        *ret = coco_steal(&sealer);
    return status;
}

static coco_status
set_object(cJSON **object, const char *json, const char *what, coco_error **err)
{
    cJSON *made = NULL;
    size_t len = strlen(json);

    if (len > EXTRAS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "%s of more than %zu bytes", what, EXTRAS_MAX);
    coco_status status = coco_json_parse_object(json, len, &made, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", what);
    coco_json_free(*object);
    *object = made;
    return COCO_OK;
}

coco_status
coco_sealer_set_settings(coco_sealer *sealer, const char *json, coco_error **err)
{
    return set_object(&sealer->settings, json, "provider_settings", err);
}

coco_status
coco_sealer_set_annotations(coco_sealer *sealer, const char *json, coco_error **err)
{
    return set_object(&sealer->annotations, json, "annotations", err);
}

coco_status
coco_sealer_set_provider(coco_sealer *sealer, const char *name, coco_kbc *kbc, coco_error **err)
{
    coco_status status = coco_sealed_check_provider(name, err);
    if (status != COCO_OK)
        return status;
    char *copy = strdup(name);
    if (!copy)
        return coco_fail_nomem(err);
    free(sealer->provider);
    sealer->provider = copy;
    sealer->kbc = kbc;
    return COCO_OK;
}

/* Members in upstream's order, of which the type's own come in between. */
static coco_status
begin_payload(enum coco_sealed_type type, cJSON **ret, coco_error **err)
{
    coco_status status = coco_json_new_object(ret, err);
    if (status == COCO_OK)
        status = coco_json_add_string(*ret, "version", COCO_SEALED_VERSION, err);
    if (status == COCO_OK)
        status = coco_json_add_string(*ret, "type", coco_sealed_type_name(type), err);
    return status;
}

/* Signs it; what comes of it must be one that can be unsealed. */
static coco_status
end_payload(const coco_sealer *sealer, const char *provider, cJSON *payload, coco_bytes **ret,
            coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_SEALED_MAX};
    _cleanup_sealed_ struct coco_sealed made = {0};

    coco_status status = coco_json_add_string(payload, "provider", provider, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(payload, "provider_settings", sealer->settings, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(payload, "annotations", sealer->annotations, err);
    if (status == COCO_OK)
        status = coco_sealed_write(sealer->key, sealer->kid, payload, &buf, err);
    if (status == COCO_OK)
        status = coco_sealed_parse(coco_buf_text(&buf), buf.len, &made, err);
    if (status == COCO_OK)
        status = coco_bytes_take(&buf, ret, err);
    return status;
}

coco_status
coco_sealer_seal_name(const coco_sealer *sealer, const char *provider, const char *name,
                      coco_bytes **ret, coco_error **err)
{
    _cleanup_json_ cJSON *payload = NULL;
    struct coco_resource_path path;

    coco_status status = coco_sealed_check_provider(provider, err);
    if (status == COCO_OK)
        status = strcmp(provider, PROVIDER_KBS) == 0 ? coco_resource_uri_parse(name, &path, err)
                                                     : coco_sealed_check_kid(name, err);
    if (status == COCO_OK)
        status = begin_payload(COCO_SEALED_VAULT, &payload, err);
    if (status == COCO_OK)
        status = coco_json_add_string(payload, "name", name, err);
    if (status == COCO_OK)
        status = end_payload(sealer, provider, payload, ret, err);
    return status;
}

static coco_status
wrap(const coco_sealer *sealer, coco_ctx *ctx, const char *key_id, const struct coco_secret *key,
     struct coco_envelope *envelope, coco_error **err)
{
    _cleanup_(coco_bytes_freep) coco_bytes *wrapped = NULL;

    coco_status status =
        coco_kbc_wrap_key(sealer->kbc, ctx, key_id, key->data, key->len, &wrapped, err);
    if (status == COCO_OK)
        status = coco_buf_append(&envelope->wrapped, coco_bytes_data(wrapped),
                                 coco_bytes_size(wrapped), err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%s", sealer->provider);
}

coco_status
coco_sealer_seal_data(const coco_sealer *sealer, coco_ctx *ctx, const char *key_id,
                      const uint8_t *data, size_t len, coco_bytes **ret, coco_error **err)
{
    _cleanup_envelope_ struct coco_envelope envelope = {0};
    _cleanup_secret_ struct coco_secret key = {0};
    _cleanup_json_ cJSON *payload = NULL;

    if (!sealer->provider)
        return coco_fail(err, COCO_ERR_INVALID, "no provider to wrap keys was set");
    coco_status status = coco_envelope_seal(data, len, &envelope, &key, err);
    if (status == COCO_OK)
        status = wrap(sealer, ctx, key_id, &key, &envelope, err);
    if (status == COCO_OK)
        status = begin_payload(COCO_SEALED_ENVELOPE, &payload, err);
    if (status == COCO_OK)
        status = coco_json_add_string(payload, "key_id", key_id, err);
    if (status == COCO_OK)
        status = coco_envelope_write(&envelope, payload, err);
    if (status == COCO_OK)
        status = end_payload(sealer, sealer->provider, payload, ret, err);
    return status;
}
