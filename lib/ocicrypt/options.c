/*
 * ocicrypt/options.c - the public and the private options of an encrypted layer
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/options.h"

#include "base/fail.h"
#include "base/json.h"

#include <string.h>

#define CIPHER "AES_256_CTR_HMAC_SHA256"

coco_status
coco_public_options_read(const char *text, size_t len, uint8_t mac[COCO_LAYER_MAC_SIZE],
                         coco_error **err)
{
    _cleanup_json_ cJSON *options = NULL;
    const char *cipher = NULL;

    coco_status status = coco_json_parse_object(text, len, &options, err);
    if (status == COCO_OK)
        status = coco_json_get_string(options, "cipher", &cipher, err);
    if (status == COCO_OK && strcmp(cipher, CIPHER) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "layer cipher is not " CIPHER);
    if (status == COCO_OK)
        status = coco_json_get_base64(options, "hmac", mac, COCO_LAYER_MAC_SIZE, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "public options of the layer");
    return COCO_OK;
}

coco_status
coco_public_options_write(const struct coco_layer_key *key, struct coco_buf *text, coco_error **err)
{
    _cleanup_json_ cJSON *options = NULL;
    cJSON *none = NULL;

    coco_status status = coco_json_new_object(&options, err);
    if (status == COCO_OK)
        status = coco_json_add_string(options, "cipher", CIPHER, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(options, "hmac", key->mac, sizeof(key->mac), err);
    if (status == COCO_OK)
        status = coco_json_add_object(options, "cipheroptions", &none, err);
    if (status == COCO_OK)
        status = coco_json_write(options, COCO_JSON_COMPACT, text, err);
    return status;
}

coco_status
coco_private_options_read(const struct coco_secret *text, struct coco_layer_key *key,
                          coco_error **err)
{
    _cleanup_json_ cJSON *options = NULL;
    const cJSON *cipher_options = NULL;
    const char *digest = NULL;

    coco_status status = coco_json_parse_object((const char *)text->data, text->len, &options, err);
    if (status == COCO_OK)
        status = coco_secret_alloc(COCO_LAYER_KEY_SIZE, &key->key, err);
    if (status == COCO_OK)
        status = coco_json_get_base64(options, "symkey", key->key.data, key->key.len, err);
    if (status == COCO_OK)
        status = coco_json_get_object(options, "cipheroptions", &cipher_options, err);
    if (status == COCO_OK)
        status = coco_json_get_base64(cipher_options, "nonce", key->nonce, sizeof(key->nonce), err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(options, "digest", &digest, err);
    if (status == COCO_OK && digest && digest[0] != '\0')
        status = coco_digest_parse(digest, &key->plain, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "private options of the layer");
    return COCO_OK;
}

coco_status
coco_private_options_write(const struct coco_layer_key *key, struct coco_buf *text,
                           coco_error **err)
{
    _cleanup_json_ cJSON *options = NULL;
    char digest[COCO_DIGEST_TEXT_SIZE] = "";
    cJSON *cipher_options = NULL;

    if (key->plain.alg)
        coco_digest_format(&key->plain, digest);
    coco_status status = coco_json_new_object(&options, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(options, "symkey", key->key.data, key->key.len, err);
    if (status == COCO_OK)
        status = coco_json_add_string(options, "digest", digest, err);
    if (status == COCO_OK)
        status = coco_json_add_object(options, "cipheroptions", &cipher_options, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(cipher_options, "nonce", key->nonce, sizeof(key->nonce), err);
    if (status == COCO_OK)
        status = coco_json_write(options, COCO_JSON_COMPACT, text, err);
    return status;
}
