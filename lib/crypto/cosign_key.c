/*
 * crypto/cosign_key.c - a private key under a password as cosign keeps it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/cosign_key.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/json.h"
#include "crypto/ossl.h"

#include <openssl/evp.h>
#include <string.h>

#define SCRYPT_R 8
#define SCRYPT_P 1
/* What the strongest takes, 128 MiB, and what OpenSSL counts besides. */
#define SCRYPT_MEMORY ((uint64_t)160 << 20)

/* ---- reading ---- */

/* The object name of from, whose own name says what it is: no other is known. */
static coco_status
get_named(const cJSON *from, const char *name, const char *kind, const cJSON **ret,
          coco_error **err)
{
    const char *said = NULL;

    coco_status status = coco_json_get_object(from, name, ret, err);
    if (status == COCO_OK)
        status = coco_json_get_string(*ret, "name", &said, err);
    if (status == COCO_OK && strcmp(said, kind) != 0)
        status = coco_fail(err, COCO_ERR_NOTSUP, "%s '%.40s' is not %s", name, said, kind);
    return status;
}

/* Legacy, standard, and as OWASP recommends it. */
static coco_status
read_params(const cJSON *kdf, uint64_t *ret, coco_error **err)
{
    const cJSON *params = NULL;
    uint64_t n = 0;
    uint64_t r = 0;
    uint64_t p = 0;

    coco_status status = coco_json_get_object(kdf, "params", &params, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(params, "N", &n, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(params, "r", &r, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(params, "p", &p, err);
    if (status != COCO_OK)
        return status;
    if (r != SCRYPT_R || p != SCRYPT_P || (n != 1 << 15 && n != 1 << 16 && n != 1 << 17))
        return coco_fail(err, COCO_ERR_NOTSUP, "strength of scrypt is none of those that are used");
    *ret = n;
    return COCO_OK;
}

static coco_status
read_bytes(const cJSON *from, const char *name, struct coco_buf *ret, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(from, name, &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, text, strlen(text), ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%s", name);
}

static coco_status
read_key(const cJSON *json, struct coco_cosign_key *ret, coco_error **err)
{
    const cJSON *kdf = NULL;
    const cJSON *cipher = NULL;

    coco_status status = get_named(json, "kdf", "scrypt", &kdf, err);
    if (status == COCO_OK)
        status = read_params(kdf, &ret->n, err);
    if (status == COCO_OK)
        status = read_bytes(kdf, "salt", &ret->salt, err);
    if (status == COCO_OK)
        status = get_named(json, "cipher", "nacl/secretbox", &cipher, err);
    if (status == COCO_OK)
        status = coco_json_get_base64(cipher, "nonce", ret->nonce, sizeof(ret->nonce), err);
    if (status == COCO_OK)
        status = read_bytes(json, "ciphertext", &ret->box, err);
    return status;
}

coco_status
coco_cosign_key_parse(const void *json, size_t len, struct coco_cosign_key *ret, coco_error **err)
{
    _cleanup_cosign_key_ struct coco_cosign_key key = {.salt.limit = COCO_COSIGN_SALT_MAX,
                                                       .box.limit = COCO_COSIGN_BOX_MAX};
    _cleanup_json_ cJSON *root = NULL;

    coco_status status = coco_json_parse_object(json, len, &root, err);
    if (status == COCO_OK)
        status = read_key(root, &key, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "key of cosign");
    *ret = key;
    key = (struct coco_cosign_key){0};
    return COCO_OK;
}

void
coco_cosign_key_done(struct coco_cosign_key *key)
{
    coco_buf_done(&key->salt);
    coco_buf_done(&key->box);
}

/* ---- opening ---- */

/* RFC 7914 */
static coco_status
derive(const struct coco_cosign_key *key, const struct coco_secret *password,
       uint8_t ret[COCO_SECRETBOX_KEY_SIZE], coco_error **err)
{
    coco_ossl_errors_are_ours();
    const char *text = password->len > 0 ? (const char *)password->data : "";

    if (EVP_PBE_scrypt(text, password->len, key->salt.data, key->salt.len, key->n, SCRYPT_R,
                       SCRYPT_P, SCRYPT_MEMORY, ret, COCO_SECRETBOX_KEY_SIZE)
        != 1)
        return coco_fail_nomem(err);
    return COCO_OK;
}

coco_status
coco_cosign_key_open(const struct coco_cosign_key *key, const struct coco_secret *password,
                     struct coco_secret *ret, coco_error **err)
{
    uint8_t derived[COCO_SECRETBOX_KEY_SIZE];

    coco_status status = derive(key, password, derived, err);
    if (status == COCO_OK)
        status = coco_secretbox_open(derived, key->nonce, key->box.data, key->box.len, ret, err);
    OPENSSL_cleanse(derived, sizeof(derived));
    return status;
}
