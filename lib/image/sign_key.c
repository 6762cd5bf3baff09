/*
 * image/sign_key.c - a private key that signs images: here, or in a token of PKCS#11
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/sign_key.h"

#include "base/fail.h"

#include "config.h"

#include <ctype.h>
#include <string.h>

#if COCO_HAVE_PKCS11
#include "crypto/pkcs11.h"
#endif

#define URI_MAX ((size_t)4096)

/* ---- in a token ---- */

#if COCO_HAVE_PKCS11

struct coco_sign_token {
    struct coco_token_key file;
    struct coco_pkcs11 token;
};

static void
token_free(struct coco_sign_token *token)
{
    if (!token)
        return;
    coco_pkcs11_close(&token->token);
    coco_token_key_done(&token->file);
    free(token);
}

COCO_DEFINE_CLEANUP(struct coco_sign_token *, token_free);

/* A key file has a URI as well, behind the same word. */
static bool
is_uri(const uint8_t *text, size_t len)
{
    size_t head = strlen(COCO_TOKEN_WORD);

    return len > head && strncmp((const char *)text, COCO_TOKEN_WORD, head) == 0
           && !isspace(text[head]);
}

static coco_status
read_uri(const uint8_t *text, size_t len, const struct coco_token_modules *modules,
         struct coco_token_key *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf uri = {.limit = URI_MAX + 1};

    while (len > 0 && isspace(text[len - 1]))
        len--;
    coco_status status = coco_buf_append(&uri, text, len, err);
    if (status == COCO_OK && strlen(coco_buf_text(&uri)) != len)
        status = coco_fail(err, COCO_ERR_INVALID, "not a URI of PKCS#11");
    if (status == COCO_OK)
        status = coco_token_key_parse_uri(coco_buf_text(&uri), modules, ret, err);
    /* Where a URI is written others may look. */
    if (status == COCO_OK && ret->uri.pin[0] != '\0')
        status = coco_fail(err, COCO_ERR_INVALID, "a PIN in a URI; pin-source names a file of it");
    return status;
}

static coco_status
open_token(const coco_image_client *client, const uint8_t *text, size_t len,
           struct coco_sign_key *ret, coco_error **err)
{
    const struct coco_token_modules *modules = &client->tokens.modules;
    _cleanup_(token_freep) struct coco_sign_token *token = calloc(1, sizeof(*token));
    struct coco_pkcs11_object object;

    if (!token)
        return coco_fail_nomem(err);
    coco_status status = is_uri(text, len) ? read_uri(text, len, modules, &token->file, err)
                                           : coco_token_key_parse((const char *)text, len, modules,
                                                                  &token->file, err);
    if (status == COCO_OK)
        status = coco_pkcs11_open_key(&token->file.uri, &token->token, &object, err);
    if (status == COCO_OK)
        status = coco_pkcs11_public_key(&token->token, &object, &ret->key, err);
    if (status == COCO_OK)
        ret->token = coco_steal(&token);
    return status;
}

static coco_status
sign_by_token(const struct coco_sign_key *key, const void *data, size_t len, struct coco_buf *ret,
              coco_error **err)
{
    return coco_pkcs11_sign(&key->token->token, &key->token->file.uri, key->key, data, len, ret,
                            err);
}

#else

static void
token_free(struct coco_sign_token *token)
{
    (void)token;
}

static coco_status
open_token(const coco_image_client *client, const uint8_t *text, size_t len,
           struct coco_sign_key *ret, coco_error **err)
{
    (void)client;
    (void)text;
    (void)len;
    (void)ret;
    return coco_fail(err, COCO_ERR_NOTSUP, "this build has no PKCS#11");
}

static coco_status
sign_by_token(const struct coco_sign_key *key, const void *data, size_t len, struct coco_buf *ret,
              coco_error **err)
{
    (void)key;
    (void)data;
    (void)len;
    (void)ret;
    return coco_fail(err, COCO_ERR_NOTSUP, "this build has no PKCS#11");
}

#endif

/* ---- any ---- */

coco_status
coco_sign_key_open(const coco_image_client *client, const uint8_t *text, size_t len,
                   struct coco_sign_key *ret, coco_error **err)
{
    const struct coco_key_passwords passwords = {client->passwords, client->n_passwords};
    _cleanup_sign_key_ struct coco_sign_key key = {0};

    coco_status status = coco_token_is_meant(text, len)
                             ? open_token(client, text, len, &key, err)
                             : coco_key_parse_locked(text, len, &passwords, &key.key, err);
    if (status != COCO_OK)
        return status;
    *ret = key;
    key = (struct coco_sign_key){0};
    return COCO_OK;
}

void
coco_sign_key_done(struct coco_sign_key *key)
{
    EVP_PKEY_free(key->key);
    token_free(key->token);
}

/* With SHA-256 whatever the curve: so does cosign, and containers/image knows no other. */
coco_status
coco_sign_key_sign(const struct coco_sign_key *key, const void *data, size_t len,
                   struct coco_buf *ret, coco_error **err)
{
    enum coco_key_kind kind = 0;

    if (key->token)
        return sign_by_token(key, data, len, ret, err);
    coco_status status = coco_key_kind_of(key->key, &kind, err);
    if (status == COCO_OK)
        status = coco_key_sign_with(key->key, kind == COCO_KEY_ED25519 ? NULL : EVP_sha256(), data,
                                    len, ret, err);
    return status;
}
