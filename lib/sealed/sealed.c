/*
 * sealed/sealed.c - a sealed secret: what is signed, and by whom
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sealed/sealed.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/resource.h"
#include "base/text.h"

#include <string.h>

#define PREFIX "sealed."
#define ALG "ES256"
/* What generators wrote for a header while nobody looked at it (upstream up to v0.17). */
#define FAKE_HEADER "fakejwsheader."

#define PROVIDER_MAX 32
#define PROVIDER_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_-"

void
coco_sealed_done(struct coco_sealed *sealed)
{
    coco_jws_done(&sealed->jws);
    *sealed = (struct coco_sealed){0};
}

const char *
coco_sealed_type_name(enum coco_sealed_type type)
{
    return type == COCO_SEALED_VAULT ? "vault" : "envelope";
}

bool
coco_sealed_is_uri(const char *name)
{
    return strstr(name, "://") != NULL;
}

/* ---- names ---- */

coco_status
coco_sealed_check_provider(const char *name, coco_error **err)
{
    if (coco_text_is_all(name, PROVIDER_CHARS, PROVIDER_MAX))
        return COCO_OK;
    return coco_fail(err, COCO_ERR_INVALID,
                     "name of a provider is not 1 to %d of a-z, 0-9, _ and -", PROVIDER_MAX);
}

static bool
is_name(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len > COCO_SEALED_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
            return false;
    return true;
}

coco_status
coco_sealed_check_kid(const char *kid, coco_error **err)
{
    struct coco_resource_path path;

    if (!is_name(kid))
        return coco_fail(err, COCO_ERR_INVALID,
                         "name of a key is not 1 to %zu bytes without spaces",
                         COCO_SEALED_NAME_MAX);
    return coco_sealed_is_uri(kid) ? coco_resource_uri_parse(kid, &path, err) : COCO_OK;
}

/* ---- reading ---- */

/* T35: one algorithm, and a payload that is signed as the text that it is here. */
static coco_status
read_header(struct coco_sealed *sealed, coco_error **err)
{
    const cJSON *b64 = cJSON_GetObjectItemCaseSensitive(sealed->jws.header, "b64");
    const char *alg = NULL;

    coco_status status = coco_json_get_string(sealed->jws.header, "alg", &alg, err);
    if (status == COCO_OK)
        status = coco_json_get_string(sealed->jws.header, "kid", &sealed->kid, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "header");
    if (strcmp(alg, ALG) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "signed by '%.20s', not " ALG, alg);
    if (b64 && !cJSON_IsTrue(b64))
        return coco_fail(err, COCO_ERR_NOTSUP, "payload is not signed as base64url");
    if (coco_sealed_check_kid(sealed->kid, NULL) != COCO_OK)
        return coco_fail(err, COCO_ERR_PROTO, "kid '%.100s' is no name of a key", sealed->kid);
    return COCO_OK;
}

/* sealed.fakejwsheader.<payload>.<anything>: of upstream's forms that without a signature. */
static coco_status
read_unsigned(const char *text, size_t len, cJSON **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf json = {.limit = COCO_SEALED_MAX};
    const char *dot = memchr(text, '.', len);

    if (!dot || memchr(dot + 1, '.', len - (size_t)(dot + 1 - text)))
        return coco_fail(err, COCO_ERR_PROTO, "has not three parts");
    coco_status status = coco_base64_decode(COCO_BASE64URL, text, (size_t)(dot - text), &json, err);
    if (status == COCO_OK)
        status = coco_json_parse_object(coco_buf_text(&json), json.len, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "payload");
}

/* Upstream compares names of providers whatever their case. */
static void
lower(cJSON *payload)
{
    cJSON *provider = cJSON_GetObjectItemCaseSensitive(payload, "provider");

    for (char *p = cJSON_GetStringValue(provider); p && *p; p++)
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
}

static coco_status
read_type(const char *name, enum coco_sealed_type *ret, coco_error **err)
{
    if (strcmp(name, "vault") == 0)
        *ret = COCO_SEALED_VAULT;
    else if (strcmp(name, "envelope") == 0)
        *ret = COCO_SEALED_ENVELOPE;
    else
        return coco_fail(err, COCO_ERR_NOTSUP, "no type '%.32s' of sealed secrets", name);
    return COCO_OK;
}

static coco_status
read_payload(struct coco_sealed *sealed, coco_error **err)
{
    static const char *const objects[] = {"provider_settings", "annotations"};
    const cJSON *payload = sealed->jws.payload;
    const cJSON *object = NULL;
    const char *version = NULL;
    const char *type = NULL;

    coco_status status = coco_json_get_string(payload, "version", &version, err);
    if (status == COCO_OK && strcmp(version, COCO_SEALED_VERSION) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "version '%.20s' is not " COCO_SEALED_VERSION,
                         version);
    if (status == COCO_OK)
        status = coco_json_get_string(payload, "type", &type, err);
    if (status == COCO_OK)
        status = read_type(type, &sealed->type, err);
    if (status == COCO_OK)
        status = coco_json_get_string(payload, "provider", &sealed->provider, err);
    if (status == COCO_OK)
        status = coco_json_get_string(
            payload, sealed->type == COCO_SEALED_VAULT ? "name" : "key_id", &sealed->name, err);
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]) && status == COCO_OK; i++)
        status = coco_json_get_object_opt(payload, objects[i], &object, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "payload");
    if (coco_sealed_check_provider(sealed->provider, NULL) != COCO_OK || !is_name(sealed->name))
        return coco_fail(err, COCO_ERR_PROTO, "payload: no name of a provider, or of its secret");
    return COCO_OK;
}

static coco_status
parse(const char *text, size_t len, struct coco_sealed *sealed, coco_error **err)
{
    coco_status status = COCO_OK;

    /* Once: upstream takes as many of them as there are (guest-protocols 10, number 24). */
    if (len >= strlen(PREFIX) && strncmp(text, PREFIX, strlen(PREFIX)) == 0) {
        text += strlen(PREFIX);
        len -= strlen(PREFIX);
    }
    if (len >= strlen(FAKE_HEADER) && strncmp(text, FAKE_HEADER, strlen(FAKE_HEADER)) == 0) {
        text += strlen(FAKE_HEADER);
        status = read_unsigned(text, len - strlen(FAKE_HEADER), &sealed->jws.payload, err);
    } else {
        status = coco_jws_parse(text, len, &sealed->jws, err);
        if (status == COCO_OK)
            status = read_header(sealed, err);
    }
    if (status != COCO_OK)
        return status;
    lower(sealed->jws.payload);
    return read_payload(sealed, err);
}

coco_status
coco_sealed_parse(const char *text, size_t len, struct coco_sealed *ret, coco_error **err)
{
    _cleanup_sealed_ struct coco_sealed sealed = {0};

    if (len > COCO_SEALED_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "sealed secret of more than %zu bytes",
                         COCO_SEALED_MAX);
    coco_status status = parse(text, len, &sealed, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "sealed secret");
    *ret = sealed;
    sealed = (struct coco_sealed){0};
    return COCO_OK;
}

/* ---- signatures ---- */

coco_status
coco_sealed_check_key(const EVP_PKEY *key, coco_error **err)
{
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(key, &kind, err);
    if (status == COCO_OK && kind != COCO_KEY_P256)
        status = coco_fail(err, COCO_ERR_NOTSUP, "key for sealed secrets is not on P-256");
    return status;
}

coco_status
coco_sealed_verify(const struct coco_sealed *sealed, EVP_PKEY *key, coco_error **err)
{
    coco_status status = coco_sealed_check_key(key, err);
    if (status == COCO_OK)
        status = coco_jws_verify(&sealed->jws, key, err);
    return status;
}

coco_status
coco_sealed_write(EVP_PKEY *key, const char *kid, const cJSON *payload, struct coco_buf *buf,
                  coco_error **err)
{
    _cleanup_json_ cJSON *header = NULL;

    coco_status status = coco_json_new_object(&header, err);
    if (status == COCO_OK)
        status = coco_json_add_string(header, "kid", kid, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(buf, PREFIX, err);
    if (status == COCO_OK)
        status = coco_jws_sign_typed(key, NULL, header, payload, buf, err);
    return status;
}
