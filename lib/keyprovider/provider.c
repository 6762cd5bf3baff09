/*
 * keyprovider/provider.c - a key provider for those who encrypt images for guests
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keyprovider/provider.h"

#include "base/fail.h"
#include "base/fd.h"
#include "keyprovider/params.h"
#include "ocicrypt/layer.h"
#include "ocicrypt/packet.h"
#include "ocicrypt/provider_json.h"

#include <coco/admin.h>

#include <string.h>

#define SAMPLE_URI "kbs:///default/test-key/1"
#define UUID_SIZE 16

/* What sample_kbc has, too; everybody knows it (guest-protocols 5.7). */
static const uint8_t sample_key[COCO_LAYER_KEY_SIZE] = {
    0xd9, 0x9b, 0x77, 0x05, 0xb0, 0xba, 0x7a, 0x16, 0x82, 0x95, 0xb3, 0xa3, 0x36, 0x72, 0x70, 0xb0,
    0xdd, 0x9b, 0x37, 0x1b, 0xf5, 0x14, 0xca, 0x8b, 0x9b, 0xa7, 0xf0, 0xa3, 0x37, 0x11, 0xda, 0xea,
};

COCO_DEFINE_CLEANUP(coco_admin *, coco_admin_free);

static coco_status
read_key(const char *path, struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf key = {.limit = COCO_LAYER_KEY_SIZE + 1};

    coco_status status = coco_file_read_regular(path, &key, err);
    if (status == COCO_ERR_LIMIT || (status == COCO_OK && key.len != COCO_LAYER_KEY_SIZE)) {
        if (status != COCO_OK && err) {
            coco_error_free(*err);
            *err = NULL;
        }
        return coco_fail(err, COCO_ERR_INVALID, "the file of keypath does not have %d bytes",
                         COCO_LAYER_KEY_SIZE);
    }
    if (status == COCO_OK)
        status = coco_secret_take(&key, ret, err);
    return status;
}

static coco_status
get_key(const struct coco_keyprovider *provider, const struct coco_keyprovider_params *params,
        struct coco_secret *ret, coco_error **err)
{
    if (params->sample)
        return coco_secret_copy(sample_key, sizeof(sample_key), ret, err);
    if (params->path.len > 0)
        return read_key(coco_buf_text(&params->path), ret, err);
    /* Upstream makes one, and nobody ever sees it again. */
    if (!provider->kbs)
        return coco_fail(err, COCO_ERR_INVALID,
                         "a key that was made would be nowhere: there is no KBS, nor a keypath");
    return coco_secret_random(COCO_LAYER_KEY_SIZE, ret, err);
}

/* A UUID of RFC 4122, version 4, as upstream names keys that nobody named. */
static coco_status
name_key(struct coco_keyprovider_params *params, coco_error **err)
{
    uint8_t id[UUID_SIZE];

    coco_status status = coco_random(id, sizeof(id), err);
    if (status != COCO_OK)
        return status;
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
    status = coco_buf_append_text(&params->uri, "kbs:///default/image-kek/", err);
    for (size_t i = 0; i < sizeof(id) && status == COCO_OK; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            status = coco_buf_append_text(&params->uri, "-", err);
        if (status == COCO_OK)
            status = coco_buf_append_hex(&params->uri, &id[i], 1, err);
    }
    if (status == COCO_OK)
        status = coco_resource_uri_parse(coco_buf_text(&params->uri), &params->key, err);
    return status;
}

static coco_status
set_name(struct coco_keyprovider_params *params, coco_error **err)
{
    if (params->uri.len > 0)
        return COCO_OK;
    if (!params->sample)
        return name_key(params, err);
    coco_status status = coco_buf_append_text(&params->uri, SAMPLE_URI, err);
    if (status == COCO_OK)
        status = coco_resource_uri_parse(SAMPLE_URI, &params->key, err);
    return status;
}

static coco_status
put_key(const struct coco_keyprovider *provider, coco_ctx *ctx, const char *path,
        const struct coco_secret *key, coco_error **err)
{
    _cleanup_(coco_admin_freep) coco_admin *admin = NULL;

    coco_status status = coco_admin_new(provider->kbs, &admin, err);
    if (status == COCO_OK && provider->kbs_ca.len > 0)
        status = coco_admin_set_tls_ca(admin, provider->kbs_ca.data, provider->kbs_ca.len, err);
    if (status == COCO_OK && provider->admin_key.len > 0)
        status = coco_admin_set_key(admin, provider->admin_key.data, provider->admin_key.len, err);
    if (status == COCO_OK)
        status = coco_admin_put_resource(admin, ctx, path, key->data, key->len, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "putting the key into the KBS");
}

static coco_status
wrap(const struct coco_keyprovider *provider, coco_ctx *ctx,
     const struct coco_provider_request *request, struct coco_buf *packet, coco_error **err)
{
    _cleanup_(coco_keyprovider_params_done) struct coco_keyprovider_params params = {0};
    _cleanup_secret_ struct coco_secret key = {0};
    _cleanup_buf_ struct coco_buf options = {.limit = COCO_PROVIDER_JSON_MAX};
    const struct coco_secret *text = request->n_parameters > 0 ? &request->parameters[0] : NULL;

    coco_status status = coco_keyprovider_params_parse(text ? (const char *)text->data : "",
                                                       text ? text->len : 0, &params, err);
    if (status == COCO_OK)
        status = set_name(&params, err);
    if (status == COCO_OK)
        status = get_key(provider, &params, &key, err);
    if (status == COCO_OK && provider->kbs && !params.sample)
        status = put_key(provider, ctx, params.key.text, &key, err);
    if (status == COCO_OK)
        status = coco_buf_append(&options, request->data.data, request->data.len, err);
    const struct coco_kek kek = {.uri = coco_buf_text(&params.uri), .key = &key};
    if (status == COCO_OK)
        status = coco_packet_write(&kek, &options, packet, err);
    return status;
}

coco_status
coco_keyprovider_answer(const struct coco_keyprovider *provider, coco_ctx *ctx, const char *request,
                        size_t len, struct coco_buf *reply, coco_error **err)
{
    _cleanup_(coco_provider_request_done) struct coco_provider_request asked = {0};
    _cleanup_buf_ struct coco_buf packet = {.limit = COCO_BLOB_MAX};

    coco_status status =
        coco_provider_request_read(request, len, COCO_KEYPROVIDER_NAME, &asked, err);
    if (status != COCO_OK)
        return status;
    if (!asked.wrap)
        return coco_fail(err, COCO_ERR_NOTSUP, "keys are unwrapped in guests, not here");
    status = wrap(provider, ctx, &asked, &packet, err);
    if (status == COCO_OK)
        status = coco_provider_reply_write(true, packet.data, packet.len, reply, err);
    return status;
}
