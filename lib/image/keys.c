/*
 * image/keys.c - what a client opens layers with and whom it encrypts them to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/keys.h"

#include "base/bytes.h"
#include "base/fail.h"
#include "crypto/jwe.h"

#include <coco/kbc.h>

#include <string.h>

#define KEYS_MAX ((size_t)1024)

static void
free_keys(EVP_PKEY **keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        EVP_PKEY_free(keys[i]);
    free(keys);
}

static void
free_certs(X509 **certs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        X509_free(certs[i]);
    free(certs);
}

static void
free_parameters(struct coco_client_provider *list, size_t *n)
{
    for (size_t i = 0; i < *n; i++) {
        /* It may be a key, for all we know. */
        if (list[i].parameter)
            OPENSSL_cleanse(list[i].parameter, strlen(list[i].parameter));
        free(list[i].parameter);
    }
    *n = 0;
}

static void
forget_providers(coco_image_client *client)
{
    free_parameters(client->provider_keys, &client->n_provider_keys);
    free_parameters(client->provider_recipients, &client->n_provider_recipients);
    coco_providers_done(&client->providers);
}

void
coco_client_keys_done(coco_image_client *client)
{
    free_keys(client->keys, client->n_keys);
    free_certs(client->certificates, client->n_certificates);
    free_keys(client->recipients, client->n_recipients);
    free_certs(client->cert_recipients, client->n_cert_recipients);
    for (size_t i = 0; i < client->n_kbs_recipients; i++) {
        free(client->kbs_recipients[i].uri);
        coco_secret_done(&client->kbs_recipients[i].key);
    }
    free(client->kbs_recipients);
    coco_client_pgp_done(&client->pgp);
    coco_client_tokens_done(&client->tokens);
    for (size_t i = 0; i < client->n_passwords; i++)
        coco_secret_done(&client->passwords[i]);
    forget_providers(client);
}

/*
 * *ret takes the place of array, with room for one more than its n items of size
 * bytes, of which max are allowed.
 */
static coco_status
grow(void *array, size_t n, size_t max, size_t size, void **ret, coco_error **err)
{
    if (n >= max)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %zu keys", max);
    void *grown = realloc(array, (n + 1) * size);
    if (!grown)
        return coco_fail_nomem(err);
    *ret = grown;
    return COCO_OK;
}

/* Adds a key, which is taken, to a list of n. */
static coco_status
add_key(EVP_PKEY **key, EVP_PKEY ***keys, size_t *n, size_t max, coco_error **err)
{
    enum coco_jwe_alg alg = 0;
    void *grown = NULL;

    /* What wraps nothing is told now, not when the first layer has been encrypted. */
    coco_status status = coco_jwe_alg_for(*key, &alg, err);
    if (status == COCO_OK)
        status = grow(*keys, *n, max, sizeof(EVP_PKEY *), &grown, err);
    if (status != COCO_OK)
        return status;
    *keys = grown;
    (*keys)[(*n)++] = coco_steal(key);
    return COCO_OK;
}

coco_status
coco_image_client_add_password(coco_image_client *client, const uint8_t *password, size_t len,
                               coco_error **err)
{
    _cleanup_secret_ struct coco_secret copy = {0};

    if (client->n_passwords == COCO_CLIENT_PASSWORDS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d passwords", COCO_CLIENT_PASSWORDS_MAX);
    if (len > COCO_PGP_PASSWORD_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "password of more than %zu bytes",
                         COCO_PGP_PASSWORD_MAX);
    if (memchr(password, '\0', len))
        return coco_fail(err, COCO_ERR_INVALID, "password has a NUL in it");
    coco_status status = coco_secret_copy(password, len, &copy, err);
    if (status == COCO_OK)
        status = coco_client_pgp_add_password(&client->pgp, &copy, err);
    if (status == COCO_OK)
        client->passwords[client->n_passwords++] = coco_secret_steal(&copy);
    return status;
}

coco_status
coco_image_client_add_key(coco_image_client *client, const uint8_t *key, size_t len,
                          coco_error **err)
{
    const struct coco_key_passwords passwords = {client->passwords, client->n_passwords};
    _cleanup_pkey_ EVP_PKEY *parsed = NULL;

    coco_status status = coco_key_parse_locked(key, len, &passwords, &parsed, err);
    if (status == COCO_OK)
        status = add_key(&parsed, &client->keys, &client->n_keys, KEYS_MAX, err);
    return status;
}

coco_status
coco_image_client_add_recipient(coco_image_client *client, const uint8_t *key, size_t len,
                                coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *parsed = NULL;

    coco_status status = coco_key_parse_public(key, len, &parsed, err);
    if (status == COCO_OK)
        status = add_key(&parsed, &client->recipients, &client->n_recipients,
                         COCO_JWE_RECIPIENTS_MAX, err);
    return status;
}

coco_status
coco_image_client_add_kbs_recipient(coco_image_client *client, const char *uri, const uint8_t *key,
                                    size_t len, coco_error **err)
{
    struct coco_resource_path path = {0};
    _cleanup_secret_ struct coco_secret secret = {0};
    _cleanup_free_ char *copy = NULL;
    void *grown = NULL;

    coco_status status = coco_resource_uri_parse(uri, &path, err);
    if (status != COCO_OK)
        return status;
    if (len != COCO_LAYER_KEY_SIZE)
        return coco_fail(err, COCO_ERR_INVALID, "a key of %zu bytes, not %d", len,
                         COCO_LAYER_KEY_SIZE);
    copy = strdup(uri);
    if (!copy)
        return coco_fail_nomem(err);
    status = coco_secret_copy(key, len, &secret, err);
    if (status == COCO_OK)
        status = grow(client->kbs_recipients, client->n_kbs_recipients, COCO_BLOBS_MAX,
                      sizeof(*client->kbs_recipients), &grown, err);
    if (status != COCO_OK)
        return status;
    client->kbs_recipients = grown;
    client->kbs_recipients[client->n_kbs_recipients++] = (struct coco_kbs_recipient){
        .uri = coco_steal(&copy),
        .key = coco_secret_steal(&secret),
    };
    return COCO_OK;
}

/* Reads a certificate whose key can be wrapped to, and adds it to a list of n. */
static coco_status
add_cert(const uint8_t *data, size_t len, X509 ***certs, size_t *n, coco_error **err)
{
    _cleanup_cert_ X509 *cert = NULL;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    void *grown = NULL;

    coco_status status = coco_cert_parse(data, len, &cert, err);
    if (status == COCO_OK)
        status = coco_cert_key(cert, &key, err);
    if (status == COCO_OK && !EVP_PKEY_is_a(key, "RSA"))
        return coco_fail(err, COCO_ERR_NOTSUP, "key of the certificate is not RSA");
    if (status == COCO_OK)
        status = grow(*certs, *n, COCO_CLIENT_CERTS_MAX, sizeof(X509 *), &grown, err);
    if (status != COCO_OK)
        return status;
    *certs = grown;
    (*certs)[(*n)++] = coco_steal(&cert);
    return COCO_OK;
}

coco_status
coco_image_client_add_certificate(coco_image_client *client, const uint8_t *cert, size_t len,
                                  coco_error **err)
{
    return add_cert(cert, len, &client->certificates, &client->n_certificates, err);
}

coco_status
coco_image_client_add_certificate_recipient(coco_image_client *client, const uint8_t *cert,
                                            size_t len, coco_error **err)
{
    return add_cert(cert, len, &client->cert_recipients, &client->n_cert_recipients, err);
}

coco_status
coco_image_client_set_key_providers(coco_image_client *client, const uint8_t *json, size_t len,
                                    coco_error **err)
{
    struct coco_providers providers = {0};

    coco_status status = coco_providers_parse((const char *)json, len, &providers, err);
    if (status != COCO_OK)
        return status;
    forget_providers(client);
    client->providers = providers;
    return COCO_OK;
}

static coco_status
add_provider(coco_image_client *client, const char *name, const char *parameter,
             struct coco_client_provider *list, size_t *n, coco_error **err)
{
    const struct coco_provider *provider = NULL;
    char *copy = NULL;

    coco_status status = coco_providers_find(&client->providers, name, &provider, err);
    if (status != COCO_OK)
        return status;
    if (*n == COCO_BLOBS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d key providers", COCO_BLOBS_MAX);
    if (parameter) {
        copy = strdup(parameter);
        if (!copy)
            return coco_fail_nomem(err);
    }
    list[(*n)++] = (struct coco_client_provider){provider, copy};
    return COCO_OK;
}

coco_status
coco_image_client_add_provider_key(coco_image_client *client, const char *name,
                                   const char *parameter, coco_error **err)
{
    return add_provider(client, name, parameter, client->provider_keys, &client->n_provider_keys,
                        err);
}

coco_status
coco_image_client_add_provider_recipient(coco_image_client *client, const char *name,
                                         const char *parameter, coco_error **err)
{
    return add_provider(client, name, parameter, client->provider_recipients,
                        &client->n_provider_recipients, err);
}

/* Asks a key broker for the key that a layer's key is wrapped by, if that may be one (T21). */
static coco_status
get_kek(void *self, coco_ctx *ctx, const char *uri, struct coco_secret *ret, coco_error **err)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    const coco_image_client *client = *(const coco_image_client **)self;
    struct coco_resource_path path;

    coco_status status = coco_resource_uri_parse(uri, &path, err);
    if (status == COCO_OK && !coco_resource_prefix_covers(&client->kek_prefix, &path))
        status =
            coco_fail(err, COCO_ERR_DENIED, "%s is not under kbs:///%s, where keys of layers are",
                      uri, client->kek_prefix.text);
    if (status == COCO_OK)
        status = coco_kbc_get_resource(client->kbc, ctx, uri, &bytes, err);
    if (status != COCO_OK)
        return status;
    if (coco_bytes_size(bytes) != COCO_LAYER_KEY_SIZE)
        return coco_fail(err, COCO_ERR_VERIFY, "the resource is not a key of %d bytes",
                         COCO_LAYER_KEY_SIZE);
    return coco_secret_copy(coco_bytes_data(bytes), coco_bytes_size(bytes), ret, err);
}

/* A certificate opens with the key that is its own, whichever of them came first. */
static void
pair_certs(const coco_image_client *client, struct coco_client_openers *ret)
{
    ret->cms = (struct coco_cms_keys){.keys = ret->cms_keys};
    for (size_t i = 0; i < client->n_certificates; i++) {
        X509 *cert = client->certificates[i];

        for (size_t j = 0; j < client->n_keys; j++) {
            if (EVP_PKEY_eq(X509_get0_pubkey(cert), client->keys[j]) != 1)
                continue;
            ret->cms_keys[ret->cms.n++] = (struct coco_cms_key){cert, client->keys[j]};
            break;
        }
    }
}

static size_t
use_providers(const struct coco_client_provider *list, size_t n, struct coco_provider_use *uses,
              struct coco_wrapper *ret)
{
    for (size_t i = 0; i < n; i++) {
        uses[i].provider = list[i].provider;
        uses[i].parameter = list[i].parameter;
        ret[i] = coco_provider_wrapper(&uses[i]);
    }
    return n;
}

void
coco_client_own_openers(const coco_image_client *client, struct coco_client_openers *ret)
{
    ret->client = client;
    ret->jwe = (struct coco_jwe_keys){client->keys, client->n_keys};
    ret->n = 0;
    if (client->n_keys > 0)
        ret->list[ret->n++] = coco_jwe_wrapper(&ret->jwe);
    pair_certs(client, ret);
    if (ret->cms.n > 0)
        ret->list[ret->n++] = coco_cms_wrapper(&ret->cms);
    ret->pgp = (struct coco_pgp_keys){.ring = client->pgp.ring};
    if (client->pgp.opens)
        ret->list[ret->n++] = coco_pgp_wrapper(&ret->pgp);
    /* Each by itself: where one token is not there, another is asked all the same. */
    for (size_t i = 0; i < client->tokens.n_openers; i++) {
        ret->tokens[i] = (struct coco_pkcs11_keys){.list = &client->tokens.openers[i], .n = 1};
        ret->list[ret->n++] = coco_pkcs11_wrapper(&ret->tokens[i]);
    }
}

void
coco_client_openers(const coco_image_client *client, struct coco_client_openers *ret)
{
    coco_client_own_openers(client, ret);
    ret->broker = (struct coco_kek_source){.get = get_kek, .self = &ret->client};
    if (client->kbc)
        ret->list[ret->n++] = coco_kek_opener(&ret->broker);
    ret->n += use_providers(client->provider_keys, client->n_provider_keys, ret->providers,
                            ret->list + ret->n);
}

void
coco_client_recipients(const coco_image_client *client, struct coco_client_recipients *ret)
{
    ret->jwe = (struct coco_jwe_keys){client->recipients, client->n_recipients};
    ret->n = 0;
    if (client->n_recipients > 0)
        ret->list[ret->n++] = coco_jwe_wrapper(&ret->jwe);
    for (size_t i = 0; i < client->n_cert_recipients; i++)
        ret->cms_keys[i] = (struct coco_cms_key){.cert = client->cert_recipients[i]};
    ret->cms = (struct coco_cms_keys){ret->cms_keys, client->n_cert_recipients};
    if (ret->cms.n > 0)
        ret->list[ret->n++] = coco_cms_wrapper(&ret->cms);
    ret->pgp = (struct coco_pgp_keys){
        .ring = client->pgp.ring,
        .who = (const char *const *)client->pgp.recipients,
        .n = client->pgp.n_recipients,
    };
    if (ret->pgp.n > 0)
        ret->list[ret->n++] = coco_pgp_wrapper(&ret->pgp);
    ret->tokens = (struct coco_pkcs11_keys){client->tokens.recipients, client->tokens.n_recipients,
                                            client->tokens.by_sha1};
    if (ret->tokens.n > 0)
        ret->list[ret->n++] = coco_pkcs11_wrapper(&ret->tokens);
    for (size_t i = 0; i < client->n_kbs_recipients; i++) {
        ret->keks[i] = (struct coco_kek){
            .uri = client->kbs_recipients[i].uri,
            .key = &client->kbs_recipients[i].key,
        };
        ret->list[ret->n++] = coco_kek_recipient(&ret->keks[i]);
    }
    ret->n += use_providers(client->provider_recipients, client->n_provider_recipients,
                            ret->providers, ret->list + ret->n);
}
