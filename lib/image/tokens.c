/*
 * image/tokens.c - keys in tokens of PKCS#11 that a client opens layers with or encrypts them to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/tokens.h"

#include "base/fail.h"
#include "image/client.h"

#include <string.h>

static void
recipient_done(struct coco_pkcs11_recipient *recipient)
{
    EVP_PKEY_free(recipient->key);
    if (recipient->token)
        coco_token_key_done(recipient->token);
    free(recipient->token);
}

void
coco_client_tokens_done(struct coco_client_tokens *tokens)
{
    for (size_t i = 0; i < tokens->n_openers; i++)
        recipient_done(&tokens->openers[i]);
    for (size_t i = 0; i < tokens->n_recipients; i++)
        recipient_done(&tokens->recipients[i]);
    coco_token_modules_done(&tokens->modules);
}

coco_status
coco_image_client_set_pkcs11_modules(coco_image_client *client, const uint8_t *yaml, size_t len,
                                     coco_error **err)
{
    struct coco_token_modules modules = {0};

    coco_status status = coco_token_modules_parse((const char *)yaml, len, &modules, err);
    if (status != COCO_OK)
        return status;
    coco_token_modules_done(&client->tokens.modules);
    client->tokens.modules = modules;
    return COCO_OK;
}

/* Adds a recipient, which is taken, to a list of n. */
static coco_status
add(struct coco_pkcs11_recipient *recipient, struct coco_pkcs11_recipient *list, size_t *n,
    coco_error **err)
{
    if (*n == COCO_PKCS11_RECIPIENTS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d keys of PKCS#11",
                         COCO_PKCS11_RECIPIENTS_MAX);
    list[(*n)++] = *recipient;
    *recipient = (struct coco_pkcs11_recipient){0};
    return COCO_OK;
}

static coco_status
read_token(const struct coco_client_tokens *tokens, const uint8_t *yaml, size_t len,
           struct coco_token_key **ret, coco_error **err)
{
    struct coco_token_key *key = calloc(1, sizeof(*key));

    if (!key)
        return coco_fail_nomem(err);
    coco_status status = coco_token_key_parse((const char *)yaml, len, &tokens->modules, key, err);
    if (status == COCO_OK)
        *ret = coco_steal(&key);
    free(key);
    return status;
}

coco_status
coco_image_client_add_pkcs11_key(coco_image_client *client, const uint8_t *yaml, size_t len,
                                 coco_error **err)
{
    struct coco_client_tokens *tokens = &client->tokens;
    _cleanup_(recipient_done) struct coco_pkcs11_recipient opener = {0};

    coco_status status = read_token(tokens, yaml, len, &opener.token, err);
    if (status == COCO_OK)
        status = add(&opener, tokens->openers, &tokens->n_openers, err);
    return status;
}

/* A public key of RSA, which is all that OAEP takes. */
static coco_status
read_public(const uint8_t *data, size_t len, EVP_PKEY **ret, coco_error **err)
{
    coco_status status = coco_key_parse_public(data, len, ret, err);

    if (status == COCO_OK && !EVP_PKEY_is_a(*ret, "RSA"))
        status = coco_fail(err, COCO_ERR_NOTSUP, "a key for PKCS#11 that is not RSA");
    return status;
}

bool
coco_token_is_meant(const uint8_t *data, size_t len)
{
    return memmem(data, len, COCO_TOKEN_WORD, strlen(COCO_TOKEN_WORD)) != NULL;
}

coco_status
coco_image_client_add_pkcs11_recipient(coco_image_client *client, const uint8_t *key, size_t len,
                                       coco_error **err)
{
    struct coco_client_tokens *tokens = &client->tokens;
    _cleanup_(recipient_done) struct coco_pkcs11_recipient recipient = {0};

    coco_status status = coco_token_is_meant(key, len)
                             ? read_token(tokens, key, len, &recipient.token, err)
                             : read_public(key, len, &recipient.key, err);
    if (status == COCO_OK)
        status = add(&recipient, tokens->recipients, &tokens->n_recipients, err);
    return status;
}

coco_status
coco_image_client_set_pkcs11_hash(coco_image_client *client, const char *hash, coco_error **err)
{
    if (strcmp(hash, "sha1") != 0 && strcmp(hash, "sha256") != 0)
        return coco_fail(err, COCO_ERR_INVALID, "%s is none of sha1 and sha256", hash);
    client->tokens.by_sha1 = strcmp(hash, "sha1") == 0;
    return COCO_OK;
}
