/*
 * sealed/unsealer.c - who unseals secrets
 *
 *     text -> signature, by a key that is trusted -> provider -> secret
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sealed/sealed.h"

#include "base/bytes.h"
#include "base/context.h"
#include "base/fail.h"
#include "base/resource.h"
#include "sealed/envelope.h"

#include <coco/sealed.h>

#include <stdio.h>
#include <string.h>

#define PROVIDERS_MAX 16
#define KEYS_MAX 64
#define PROVIDER_KBS "kbs"
#define URI "kbs:///"

struct provider {
    char *name;
    coco_kbc *kbc; /* lent */
};

struct trusted {
    char *kid; /* NULL: whatever it is called */
    EVP_PKEY *key;
};

struct coco_unsealer {
    struct provider providers[PROVIDERS_MAX];
    size_t n_providers;
    struct trusted keys[KEYS_MAX];
    size_t n_keys;
    bool pinned; /* one of the keys has no name: no other is asked for */
    struct coco_resource_prefix prefix;
    bool allow_unsigned;
};

coco_status
coco_unsealer_new(coco_unsealer **ret, coco_error **err)
{
    coco_unsealer *unsealer = calloc(1, sizeof(*unsealer));

    if (!unsealer)
        return coco_fail_nomem(err);
    *ret = unsealer;
    return COCO_OK;
}

void
coco_unsealer_free(coco_unsealer *unsealer)
{
    if (!unsealer)
        return;
    for (size_t i = 0; i < unsealer->n_providers; i++)
        free(unsealer->providers[i].name);
    for (size_t i = 0; i < unsealer->n_keys; i++) {
        EVP_PKEY_free(unsealer->keys[i].key);
        free(unsealer->keys[i].kid);
    }
    free(unsealer);
}

/* ---- what it knows ---- */

static coco_kbc *
find_provider(const coco_unsealer *unsealer, const char *name)
{
    for (size_t i = 0; i < unsealer->n_providers; i++)
        if (strcmp(unsealer->providers[i].name, name) == 0)
            return unsealer->providers[i].kbc;
    return NULL;
}

coco_status
coco_unsealer_set_provider(coco_unsealer *unsealer, const char *name, coco_kbc *kbc,
                           coco_error **err)
{
    coco_status status = coco_sealed_check_provider(name, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < unsealer->n_providers; i++) {
        if (strcmp(unsealer->providers[i].name, name) == 0) {
            unsealer->providers[i].kbc = kbc;
            return COCO_OK;
        }
    }
    if (unsealer->n_providers == PROVIDERS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d providers", PROVIDERS_MAX);
    char *copy = strdup(name);
    if (!copy)
        return coco_fail_nomem(err);
    unsealer->providers[unsealer->n_providers++] = (struct provider){.name = copy, .kbc = kbc};
    return COCO_OK;
}

static coco_status
read_key(const void *data, size_t len, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    coco_status status = coco_key_parse_public(data, len, &key, err);
    if (status == COCO_OK)
        status = coco_sealed_check_key(key, err);
    if (status == COCO_OK)
        *ret = coco_steal(&key);
    return status;
}

coco_status
coco_unsealer_trust_key(coco_unsealer *unsealer, const char *kid, const uint8_t *key, size_t len,
                        coco_error **err)
{
    _cleanup_free_ char *copy = NULL;
    EVP_PKEY *parsed = NULL;

    coco_status status = kid ? coco_sealed_check_kid(kid, err) : COCO_OK;
    if (status == COCO_OK && unsealer->n_keys == KEYS_MAX)
        status = coco_fail(err, COCO_ERR_LIMIT, "more than %d keys", KEYS_MAX);
    if (status == COCO_OK && kid && !(copy = strdup(kid)))
        status = coco_fail_nomem(err);
    if (status == COCO_OK)
        status = read_key(key, len, &parsed, err);
    if (status != COCO_OK)
        return status;
    if (!kid)
        unsealer->pinned = true;
    unsealer->keys[unsealer->n_keys++] = (struct trusted){.kid = coco_steal(&copy), .key = parsed};
    return COCO_OK;
}

coco_status
coco_unsealer_set_key_prefix(coco_unsealer *unsealer, const char *prefix, coco_error **err)
{
    struct coco_resource_prefix parsed;

    coco_status status = coco_resource_prefix_parse(prefix, &parsed, err);
    if (status == COCO_OK)
        unsealer->prefix = parsed;
    return status;
}

void
coco_unsealer_set_allow_unsigned(coco_unsealer *unsealer, bool allow)
{
    unsealer->allow_unsigned = allow;
}

/* ---- signatures ---- */

/* T35: which key may sign is the guest's to say; the text only chooses among those. */
static coco_status
ask_for_key(const coco_unsealer *unsealer, coco_ctx *ctx, const char *kid, EVP_PKEY **ret,
            coco_error **err)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    coco_kbc *kbc = find_provider(unsealer, PROVIDER_KBS);
    struct coco_resource_path path;

    if (!coco_sealed_is_uri(kid) || !kbc)
        return coco_fail(err, COCO_ERR_NOTFOUND, "nobody has the key '%.100s'", kid);
    coco_status status = coco_resource_uri_parse(kid, &path, err);
    if (status == COCO_OK && !coco_resource_prefix_covers(&unsealer->prefix, &path))
        status = coco_fail(err, COCO_ERR_DENIED, "the key %s is not under " URI "%s", kid,
                           unsealer->prefix.text);
    if (status == COCO_OK)
        status = coco_kbc_get_resource(kbc, ctx, kid, &bytes, err);
    if (status == COCO_OK)
        status = read_key(coco_bytes_data(bytes), coco_bytes_size(bytes), ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "key that verifies");
}

/* Whether one of the keys that may have signed it has, whatever it is called. */
static coco_status
verify_pinned(const coco_unsealer *unsealer, const struct coco_sealed *sealed, coco_error **err)
{
    for (size_t i = 0; i < unsealer->n_keys; i++) {
        const struct trusted *trusted = &unsealer->keys[i];

        if (trusted->kid && strcmp(trusted->kid, sealed->kid) != 0)
            continue;
        coco_status status = coco_sealed_verify(sealed, trusted->key, NULL);
        if (status != COCO_ERR_VERIFY)
            return status == COCO_OK ? status : coco_fail_nomem(err);
    }
    return coco_fail(err, COCO_ERR_VERIFY, "sealed secret is not signed by a key that is trusted");
}

static coco_status
verify(const coco_unsealer *unsealer, coco_ctx *ctx, const struct coco_sealed *sealed,
       coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    if (!sealed->kid)
        return unsealer->allow_unsigned
                   ? COCO_OK
                   : coco_fail(err, COCO_ERR_DENIED, "nobody signed the sealed secret");
    if (unsealer->pinned)
        return verify_pinned(unsealer, sealed, err);
    for (size_t i = 0; i < unsealer->n_keys; i++)
        if (strcmp(unsealer->keys[i].kid, sealed->kid) == 0)
            return coco_sealed_verify(sealed, unsealer->keys[i].key, err);
    coco_status status = ask_for_key(unsealer, ctx, sealed->kid, &key, err);
    if (status == COCO_OK)
        status = coco_sealed_verify(sealed, key, err);
    return status;
}

/* ---- secrets ---- */

/* T20: settings in the secret choose no server; the provider's name, one of ours. */
static coco_status
open_vault(const struct coco_sealed *sealed, coco_kbc *kbc, coco_ctx *ctx, coco_bytes **ret,
           coco_error **err)
{
    char uri[sizeof(URI) + COCO_SEALED_NAME_MAX];

    (void)snprintf(uri, sizeof(uri), "%s%s", coco_sealed_is_uri(sealed->name) ? "" : URI,
                   sealed->name);
    return coco_kbc_get_resource(kbc, ctx, uri, ret, err);
}

static coco_status
open_envelope(const struct coco_sealed *sealed, coco_kbc *kbc, coco_ctx *ctx, coco_bytes **ret,
              coco_error **err)
{
    _cleanup_envelope_ struct coco_envelope envelope = {0};
    _cleanup_(coco_bytes_freep) coco_bytes *key = NULL;
    _cleanup_secret_ struct coco_secret secret = {0};

    coco_status status = coco_envelope_read(sealed->jws.payload, &envelope, err);
    if (status == COCO_OK)
        status = coco_kbc_unwrap_key(kbc, ctx, sealed->name, envelope.wrapped.data,
                                     envelope.wrapped.len, &key, err);
    if (status == COCO_OK)
        status =
            coco_envelope_open(&envelope, coco_bytes_data(key), coco_bytes_size(key), &secret, err);
    if (status == COCO_OK)
        status = coco_bytes_new(secret.data, secret.len, ret, err);
    return status;
}

coco_status
coco_unsealer_unseal(const coco_unsealer *unsealer, coco_ctx *ctx, const char *text,
                     coco_bytes **ret, coco_error **err)
{
    _cleanup_sealed_ struct coco_sealed sealed = {0};

    coco_status status = coco_sealed_parse(text, strlen(text), &sealed, err);
    if (status == COCO_OK)
        status = coco_ctx_check(ctx, err);
    if (status == COCO_OK)
        status = verify(unsealer, ctx, &sealed, err);
    if (status != COCO_OK)
        return status;

    coco_kbc *kbc = find_provider(unsealer, sealed.provider);
    if (!kbc)
        return coco_fail(err, COCO_ERR_NOTSUP, "sealed for the provider '%s', which is not set up",
                         sealed.provider);
    status = sealed.type == COCO_SEALED_VAULT ? open_vault(&sealed, kbc, ctx, ret, err)
                                              : open_envelope(&sealed, kbc, ctx, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%s", sealed.provider);
}
