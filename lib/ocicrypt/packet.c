/*
 * ocicrypt/packet.c - wrapping by a key in a KBS: annotation "keys.provider.attestation-agent"
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/packet.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/json.h"
#include "base/resource.h"
#include "crypto/aead.h"
#include "ocicrypt/options.h"

#include <string.h>

#define WRAP_TYPE "A256GCM"
#define PACKET_VERSION "0.1.0"

/* The annotation packet of CoCo, version 1 or 2. */
struct packet {
    struct coco_resource_path kid;
    uint8_t iv[COCO_AEAD_IV_SIZE];
    struct coco_buf wrapped; /* ciphertext || tag */
};

static void
packet_done(struct packet *packet)
{
    coco_buf_done(&packet->wrapped);
}

/* kid is strictly kbs://[host]/repository/type/tag; who answers is not the packet's choice (T20).
 */
static coco_status
read_kid(const cJSON *json, struct coco_resource_path *ret, coco_error **err)
{
    const char *kid = NULL;
    coco_error *why = NULL;

    coco_status status = coco_json_get_string(json, "kid", &kid, err);
    if (status != COCO_OK)
        return status;
    status = coco_resource_uri_parse(kid, ret, &why);
    if (status != COCO_OK)
        status = coco_fail(err, status == COCO_ERR_NOMEM ? status : COCO_ERR_PROTO, "kid: %s",
                           coco_error_message(why));
    coco_error_free(why);
    return status;
}

/* Members that version 1 does not have; their defaults make one of it. */
static coco_status
check_version(const cJSON *json, coco_error **err)
{
    const char *version = NULL;
    const char *provider = NULL;

    coco_status status = coco_json_get_string_opt(json, "version", &version, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(json, "provider", &provider, err);
    if (status != COCO_OK)
        return status;
    if (version && strcmp(version, PACKET_VERSION) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "version is not " PACKET_VERSION);
    if (provider && strcmp(provider, "kbs") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "provider is not kbs");
    return COCO_OK;
}

static coco_status
read_packet(const struct coco_buf *blob, struct packet *packet, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    const char *wrap_type = NULL;
    const char *wrapped = NULL;

    packet->wrapped.limit = COCO_BLOB_MAX;
    coco_status status = coco_json_parse_object(coco_buf_text(blob), blob->len, &json, err);
    if (status == COCO_OK)
        status = check_version(json, err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "wrap_type", &wrap_type, err);
    /* A256CTR has no tag: whoever relabels a packet would be believed (T20). */
    if (status == COCO_OK && strcmp(wrap_type, WRAP_TYPE) != 0)
        status = coco_fail(err, COCO_ERR_NOTSUP, "wrap_type is not " WRAP_TYPE);
    if (status == COCO_OK)
        status = read_kid(json, &packet->kid, err);
    if (status == COCO_OK)
        status = coco_json_get_base64(json, "iv", packet->iv, sizeof(packet->iv), err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "wrapped_data", &wrapped, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, wrapped, strlen(wrapped), &packet->wrapped, err);
    if (status == COCO_OK && packet->wrapped.len < COCO_AEAD_TAG_SIZE)
        status = coco_fail(err, COCO_ERR_PROTO, "wrapped_data is too short");
    if (status != COCO_OK)
        return coco_wrap(err, status, "key provider packet");
    return COCO_OK;
}

/* T21: any resource can be named; what is no key is not used, and not described. */
static coco_status
open_packet(const struct packet *packet, const struct coco_secret *kek, struct coco_secret *ret,
            coco_error **err)
{
    size_t len = packet->wrapped.len - COCO_AEAD_TAG_SIZE;
    coco_status status = COCO_ERR_VERIFY;

    if (kek->len == COCO_AEAD_KEY_SIZE)
        status = coco_aead_open(kek->data, packet->iv, NULL, packet->wrapped.data, len,
                                packet->wrapped.data + len, ret, NULL);
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (status != COCO_OK)
        return coco_fail(err, COCO_ERR_VERIFY, COCO_NO_KEY_OPENS);
    return COCO_OK;
}

static coco_status
unwrap(const void *self, coco_ctx *ctx, const struct coco_buf *blob, struct coco_secret *ret,
       coco_error **err)
{
    const struct coco_kek_source *source = self;
    _cleanup_(packet_done) struct packet packet = {0};
    _cleanup_buf_ struct coco_buf uri = {.limit = sizeof(packet.kid.text) + sizeof("kbs:///")};
    _cleanup_secret_ struct coco_secret kek = {0};

    coco_status status = read_packet(blob, &packet, err);
    if (status == COCO_OK)
        status = coco_buf_printf(&uri, err, "kbs:///%s", packet.kid.text);
    if (status == COCO_OK)
        status = source->get(source->self, ctx, coco_buf_text(&uri), &kek, err);
    if (status == COCO_OK)
        status = open_packet(&packet, &kek, ret, err);
    return status;
}

/* Version 1, which every released guest reads; members as upstream's coco_keyprovider has them. */
coco_status
coco_packet_write(const struct coco_kek *kek, const struct coco_buf *options, struct coco_buf *text,
                  coco_error **err)
{
    _cleanup_buf_ struct coco_buf wrapped = {.limit = COCO_LAYER_OPTIONS_MAX + COCO_AEAD_TAG_SIZE};
    _cleanup_json_ cJSON *packet = NULL;
    uint8_t iv[COCO_AEAD_IV_SIZE];
    uint8_t tag[COCO_AEAD_TAG_SIZE];

    coco_status status = coco_random(iv, sizeof(iv), err);
    if (status == COCO_OK)
        status = coco_aead_seal(kek->key->data, iv, NULL, options->data, options->len, &wrapped,
                                tag, err);
    if (status == COCO_OK)
        status = coco_buf_append(&wrapped, tag, sizeof(tag), err);
    if (status == COCO_OK)
        status = coco_json_new_object(&packet, err);
    if (status == COCO_OK)
        status = coco_json_add_string(packet, "kid", kek->uri, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(packet, "wrapped_data", wrapped.data, wrapped.len, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(packet, "iv", iv, sizeof(iv), err);
    if (status == COCO_OK)
        status = coco_json_add_string(packet, "wrap_type", WRAP_TYPE, err);
    if (status == COCO_OK)
        status = coco_json_write(packet, COCO_JSON_COMPACT, text, err);
    return status;
}

static coco_status
wrap(const void *self, coco_ctx *ctx, const struct coco_buf *options, struct coco_buf *blob,
     coco_error **err)
{
    const struct coco_kek *kek = self;
    struct coco_resource_path kid;

    (void)ctx;
    if (kek->key->len != COCO_AEAD_KEY_SIZE)
        return coco_fail(err, COCO_ERR_INVALID, "key-encryption key has %zu bytes, not %d",
                         kek->key->len, COCO_AEAD_KEY_SIZE);
    coco_status status = coco_resource_uri_parse(kek->uri, &kid, err);
    if (status == COCO_OK)
        status = coco_packet_write(kek, options, blob, err);
    return status;
}

struct coco_wrapper
coco_kek_recipient(const struct coco_kek *kek)
{
    return (struct coco_wrapper){.scheme = COCO_PACKET_SCHEME, .wrap = wrap, .self = kek};
}

struct coco_wrapper
coco_kek_opener(const struct coco_kek_source *source)
{
    return (struct coco_wrapper){.scheme = COCO_PACKET_SCHEME, .unwrap = unwrap, .self = source};
}

coco_status
coco_packet_kid(const struct coco_buf *blob, struct coco_buf *kid, coco_error **err)
{
    _cleanup_json_ cJSON *packet = NULL;
    const char *text = NULL;

    coco_status status = coco_json_parse_object(coco_buf_text(blob), blob->len, &packet, err);
    if (status == COCO_OK)
        status = coco_json_get_string(packet, "kid", &text, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(kid, text, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "key provider packet");
    return COCO_OK;
}
