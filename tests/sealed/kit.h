/*
 * tests/sealed/kit.h - keys, texts and a provider for tests of sealed secrets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_SEALED_KIT_H
#define COCO_TESTS_SEALED_KIT_H

#include "sealed/sealed.h"

#include "base/base64.h"
#include "base/bytes.h"
#include "base/context.h"
#include "base/fail.h"
#include "crypto/jwk.h"
#include "tests/support.h"

#include <coco/sealed.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

COCO_DEFINE_CLEANUP(coco_kbc *, coco_kbc_free);
COCO_DEFINE_CLEANUP(coco_sealer *, coco_sealer_free);
COCO_DEFINE_CLEANUP(coco_unsealer *, coco_unsealer_free);

#define KEY_URI "kbs:///default/sealed-secret/owner"
#define KEY_PATH "default/sealed-secret/owner"
#define SECRET_URI "kbs:///default/key/1"
#define SECRET_PATH "default/key/1"
#define SECRET "what only the guest may know, all of it"

/* One provider: two resources, and keys that are wrapped by turning their bits. */
struct kit_provider {
    const char *key;    /* resource KEY_PATH, or NULL */
    const char *secret; /* resource SECRET_PATH, or NULL */
    const char *key_id; /* of the key that wraps */
    size_t cut;         /* bytes that what is unwrapped lacks */
    unsigned asked;     /* for resources */
};

static inline void
kit_get(void *user, coco_ctx *ctx, const char *path, coco_kbc_answer *answer)
{
    struct kit_provider *provider = user;
    const char *found = NULL;

    (void)ctx;
    provider->asked++;
    if (strcmp(path, KEY_PATH) == 0)
        found = provider->key;
    if (strcmp(path, SECRET_PATH) == 0)
        found = provider->secret;
    if (found)
        coco_kbc_answer_give(answer, (const uint8_t *)found, strlen(found));
    else
        coco_kbc_answer_fail(answer, COCO_ERR_NOTFOUND, "no such resource");
}

static inline void
kit_turn(struct kit_provider *provider, const char *id, const uint8_t *data, size_t len,
         coco_kbc_answer *answer)
{
    uint8_t turned[64];

    if (strcmp(id, provider->key_id) != 0) {
        coco_kbc_answer_fail(answer, COCO_ERR_NOTFOUND, "no such key");
        return;
    }
    assert_true(len <= sizeof(turned));
    for (size_t i = 0; i < len; i++)
        turned[i] = data[i] ^ 0xff;
    coco_kbc_answer_give(answer, turned, len);
    explicit_bzero(turned, sizeof(turned));
}

static inline void
kit_wrap(void *user, coco_ctx *ctx, const char *id, const uint8_t *key, size_t len,
         coco_kbc_answer *answer)
{
    (void)ctx;
    kit_turn(user, id, key, len, answer);
}

static inline void
kit_unwrap(void *user, coco_ctx *ctx, const char *id, const uint8_t *wrapped, size_t len,
           coco_kbc_answer *answer)
{
    struct kit_provider *provider = user;

    (void)ctx;
    kit_turn(provider, id, wrapped, len - provider->cut, answer);
}

static inline coco_kbc *
kit_kbc(struct kit_provider *provider)
{
    const coco_kbc_plugin plugin = {
        .size = sizeof(plugin),
        .name = "kit_kbc",
        .get_resource = kit_get,
        .wrap_key = kit_wrap,
        .unwrap_key = kit_unwrap,
    };
    coco_kbc *kbc = NULL;
    coco_error *err = NULL;

    assert_ok(coco_kbc_new_plugin(&plugin, provider, &kbc, &err), err);
    return kbc;
}

static inline EVP_PKEY *
kit_key(enum coco_key_kind kind)
{
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_generate(kind, &key, &err), err);
    return key;
}

/* Its public half as a JWK, as upstream's generator puts it into a broker. */
static inline char *
kit_jwk(const EVP_PKEY *key)
{
    _cleanup_json_ cJSON *jwk = NULL;
    struct coco_buf buf = {.limit = 4096};
    coco_error *err = NULL;

    assert_ok(coco_jwk_public(key, "ES256", &jwk, &err), err);
    assert_ok(coco_json_add_string(jwk, "use", "sig", &err), err);
    assert_ok(coco_json_write(jwk, COCO_JSON_COMPACT, &buf, &err), err);
    return (char *)buf.data;
}

static inline char *
kit_pem(const EVP_PKEY *key)
{
    struct coco_buf buf = {.limit = 4096};
    coco_error *err = NULL;

    assert_ok(coco_key_private_pem(key, &buf, &err), err);
    return (char *)buf.data;
}

static inline coco_sealer *
kit_sealer(const EVP_PKEY *key, const char *kid)
{
    _cleanup_free_ char *pem = kit_pem(key);
    coco_sealer *sealer = NULL;
    coco_error *err = NULL;

    assert_ok(coco_sealer_new(kid, (const uint8_t *)pem, strlen(pem), &sealer, &err), err);
    return sealer;
}

/* <prefix><base64url of header>.<base64url of payload>.<signature> as they are given. */
static inline char *
kit_text(const char *prefix, const char *header, const char *payload, const char *signature)
{
    struct coco_buf buf = {.limit = 1 << 20};
    coco_error *err = NULL;

    assert_ok(coco_buf_append_text(&buf, prefix, &err), err);
    assert_ok(coco_base64_encode(COCO_BASE64URL, header, strlen(header), &buf, &err), err);
    assert_ok(coco_buf_append_text(&buf, ".", &err), err);
    assert_ok(coco_base64_encode(COCO_BASE64URL, payload, strlen(payload), &buf, &err), err);
    assert_ok(coco_buf_printf(&buf, &err, ".%s", signature), err);
    return (char *)buf.data;
}

/* Of the payload alone, as it was done while nobody signed. */
static inline char *
kit_unsigned(const char *payload)
{
    struct coco_buf buf = {.limit = 1 << 20};
    coco_error *err = NULL;

    assert_ok(coco_buf_append_text(&buf, "sealed.fakejwsheader.", &err), err);
    assert_ok(coco_base64_encode(COCO_BASE64URL, payload, strlen(payload), &buf, &err), err);
    assert_ok(coco_buf_append_text(&buf, ".fakesignature", &err), err);
    return (char *)buf.data;
}

#define VAULT(name)                                                                                \
    "{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"" name                                   \
    "\",\"provider\":\"kbs\",\"provider_settings\":{},\"annotations\":{}}"

#endif
