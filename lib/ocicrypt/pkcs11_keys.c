/*
 * ocicrypt/pkcs11_keys.c - wrapping by RSA-OAEP for tokens of PKCS#11: annotation "keys.pkcs11"
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/pkcs11_keys.h"

#include "base/base64.h"
#include "base/fail.h"
#include "crypto/keywrap.h"
#include "crypto/ossl.h"

#include "config.h"

#include <string.h>

#if COCO_HAVE_PKCS11
#include "crypto/pkcs11.h"
#endif

#define SHA1 "sha1"
#define SHA256 "sha256"
#define WRAPPED_MAX ((size_t)1024) /* RSA of 8192 bits */

/* ---- tokens ---- */

#if COCO_HAVE_PKCS11

/* Each blob of each layer is a try, and tokens lock themselves after three with a wrong PIN. */
static coco_status
open_token(struct coco_token_key *key, struct coco_pkcs11 *token, struct coco_pkcs11_object *object,
           coco_error **err)
{
    if (atomic_load(&key->refused))
        return coco_fail(err, COCO_ERR_DENIED, "the token has refused the PIN");
    coco_status status = coco_pkcs11_open_key(&key->uri, token, object, err);
    if (status == COCO_ERR_DENIED)
        atomic_store(&key->refused, true);
    return status;
}

static coco_status
wrap_by_token(struct coco_token_key *key, bool by_sha1, const struct coco_buf *options,
              struct coco_buf *ret, coco_error **err)
{
    struct coco_pkcs11 token = {0};
    struct coco_pkcs11_object object;

    coco_status status = open_token(key, &token, &object, err);
    if (status == COCO_OK)
        status =
            coco_pkcs11_rsa_wrap(&token, &object, by_sha1, options->data, options->len, ret, err);
    coco_pkcs11_close(&token);
    return status;
}

static coco_status
unwrap_by_token(struct coco_token_key *key, bool by_sha1, const struct coco_buf *wrapped,
                struct coco_secret *ret, coco_error **err)
{
    struct coco_pkcs11 token = {0};
    struct coco_pkcs11_object object;

    coco_status status = open_token(key, &token, &object, err);
    if (status == COCO_OK)
        status =
            coco_pkcs11_rsa_unwrap(&token, &object, by_sha1, wrapped->data, wrapped->len, ret, err);
    coco_pkcs11_close(&token);
    return status;
}

#else

static coco_status
wrap_by_token(struct coco_token_key *key, bool by_sha1, const struct coco_buf *options,
              struct coco_buf *ret, coco_error **err)
{
    (void)key;
    (void)by_sha1;
    (void)options;
    (void)ret;
    return coco_fail(err, COCO_ERR_NOTSUP, "this build has no PKCS#11");
}

static coco_status
unwrap_by_token(struct coco_token_key *key, bool by_sha1, const struct coco_buf *wrapped,
                struct coco_secret *ret, coco_error **err)
{
    (void)key;
    (void)by_sha1;
    (void)wrapped;
    (void)ret;
    return coco_fail(err, COCO_ERR_NOTSUP, "this build has no PKCS#11");
}

#endif

/* ---- wrapping ---- */

/* RFC 8017 section 7.1.1: of what is longer OpenSSL says that something went wrong. */
static coco_status
wrap_by_key(EVP_PKEY *key, bool by_sha1, const struct coco_buf *options, struct coco_buf *ret,
            coco_error **err)
{
    _cleanup_secret_ struct coco_secret secret = {0};
    size_t around = 2 + 2 * (size_t)(by_sha1 ? 20 : 32);

    if (options->len + around > (size_t)EVP_PKEY_get_size(key))
        return coco_fail(err, COCO_ERR_LIMIT, "RSA of %d bits is too short for a layer's key by %s",
                         EVP_PKEY_get_bits(key), by_sha1 ? "SHA-1" : "SHA-256");
    coco_status status = coco_secret_copy(options->data, options->len, &secret, err);
    if (status == COCO_OK)
        status = coco_oaep_wrap(key, by_sha1 ? EVP_sha1() : EVP_sha256(), &secret, ret, err);
    return status;
}

static coco_status
add_recipient(const struct coco_pkcs11_recipient *recipient, bool by_sha1,
              const struct coco_buf *options, cJSON *to, coco_error **err)
{
    _cleanup_buf_ struct coco_buf wrapped = {.limit = WRAPPED_MAX};
    cJSON *json = NULL;

    coco_status status = recipient->key
                             ? wrap_by_key(recipient->key, by_sha1, options, &wrapped, err)
                             : wrap_by_token(recipient->token, by_sha1, options, &wrapped, err);
    if (status == COCO_OK)
        status = coco_json_add_object(to, NULL, &json, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "version", 0, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(json, "blob", wrapped.data, wrapped.len, err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "hash", by_sha1 ? SHA1 : SHA256, err);
    return status;
}

static coco_status
wrap(const void *self, coco_ctx *ctx, const struct coco_buf *options, struct coco_buf *blob,
     coco_error **err)
{
    const struct coco_pkcs11_keys *keys = self;
    _cleanup_json_ cJSON *json = NULL;
    cJSON *recipients = NULL;

    (void)ctx;
    if (keys->n > COCO_PKCS11_RECIPIENTS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "more than %d keys of PKCS#11 to encrypt to",
                         COCO_PKCS11_RECIPIENTS_MAX);
    coco_status status = coco_json_new_object(&json, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "version", 0, err);
    if (status == COCO_OK)
        status = coco_json_add_array(json, "recipients", &recipients, err);
    for (size_t i = 0; i < keys->n && status == COCO_OK; i++)
        status = add_recipient(&keys->list[i], keys->by_sha1, options, recipients, err);
    if (status == COCO_OK)
        status = coco_json_write(json, COCO_JSON_COMPACT, blob, err);
    return status;
}

/* ---- unwrapping ---- */

static coco_status
check_version(const cJSON *json, coco_error **err)
{
    uint64_t version = 0;

    coco_status status = coco_json_get_u64_opt(json, "version", 0, &version, err);
    if (status == COCO_OK && version != 0)
        status = coco_fail(err, COCO_ERR_NOTSUP, "a version that is not known");
    return status;
}

/* One recipient of a blob. Before there was a hash there was SHA-1. */
static coco_status
read_recipient(const cJSON *json, bool *by_sha1, struct coco_buf *wrapped, coco_error **err)
{
    const char *text = NULL;
    const char *hash = NULL;

    coco_status status = check_version(json, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(json, "hash", &hash, err);
    if (status != COCO_OK)
        return status;
    *by_sha1 = !hash || hash[0] == '\0' || strcmp(hash, SHA1) == 0;
    if (!*by_sha1 && strcmp(hash, SHA256) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "a hash that is not known");
    status = coco_json_get_string(json, "blob", &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, text, strlen(text), wrapped, err);
    return status;
}

/* Every key is tried: which it is for is nowhere said. */
static coco_status
try_keys(const struct coco_pkcs11_keys *keys, bool by_sha1, const struct coco_buf *wrapped,
         struct coco_secret *ret, coco_error **err)
{
    for (size_t i = 0; i < keys->n; i++) {
        coco_error *why = NULL;

        if (!keys->list[i].token)
            continue;
        coco_status status = unwrap_by_token(keys->list[i].token, by_sha1, wrapped, ret, &why);
        if (status != COCO_OK && status != COCO_ERR_VERIFY)
            coco_error_give(err, why);
        else
            coco_error_free(why);
        if (status != COCO_ERR_VERIFY)
            return status;
    }
    return coco_fail(err, COCO_ERR_VERIFY, COCO_NO_KEY_OPENS);
}

static coco_status
read_blob(const struct coco_buf *blob, cJSON **ret, const cJSON **recipients, coco_error **err)
{
    coco_status status = coco_json_parse_object((const char *)blob->data, blob->len, ret, err);

    if (status == COCO_OK)
        status = check_version(*ret, err);
    if (status == COCO_OK)
        status = coco_json_get_array(*ret, "recipients", recipients, err);
    if (status == COCO_OK && cJSON_GetArraySize(*recipients) > COCO_PKCS11_RECIPIENTS_MAX)
        status =
            coco_fail(err, COCO_ERR_LIMIT, "more than %d recipients", COCO_PKCS11_RECIPIENTS_MAX);
    return status == COCO_OK ? status : coco_wrap(err, status, "keys of PKCS#11");
}

static coco_status
unwrap(const void *self, coco_ctx *ctx, const struct coco_buf *blob, struct coco_secret *ret,
       coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    const cJSON *recipients = NULL;
    const cJSON *recipient = NULL;

    (void)ctx;
    coco_status status = read_blob(blob, &json, &recipients, err);
    if (status != COCO_OK)
        return status;
    cJSON_ArrayForEach(recipient, recipients) {
        _cleanup_buf_ struct coco_buf wrapped = {.limit = WRAPPED_MAX};
        coco_error *why = NULL;
        bool by_sha1 = false;

        status = read_recipient(recipient, &by_sha1, &wrapped, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "keys of PKCS#11");
        status = try_keys(self, by_sha1, &wrapped, ret, &why);
        if (status != COCO_OK && status != COCO_ERR_VERIFY)
            coco_error_give(err, why);
        else
            coco_error_free(why);
        if (status != COCO_ERR_VERIFY)
            return status;
    }
    return coco_fail(err, COCO_ERR_VERIFY, COCO_NO_KEY_OPENS);
}

struct coco_wrapper
coco_pkcs11_wrapper(const struct coco_pkcs11_keys *keys)
{
    return (struct coco_wrapper){.scheme = "pkcs11", .wrap = wrap, .unwrap = unwrap, .self = keys};
}
