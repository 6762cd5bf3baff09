/*
 * kbc/vault_reply.h - what a Vault answers (its HTTP API, version 1)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_VAULT_REPLY_H
#define COCO_KBC_VAULT_REPLY_H

#include "base/secret.h"

#include <coco/error.h>

#define COCO_VAULT_TOKEN_MAX ((size_t)16 << 10)

/* A lease of a token: 0 s is one that does not end. */
struct coco_vault_login {
    struct coco_secret token; /* text with a NUL behind it */
    uint64_t seconds;
};

void coco_vault_login_done(struct coco_vault_login *login);
#define _cleanup_vault_login_ _cleanup_(coco_vault_login_done)

/* {"auth":{"client_token","lease_duration"}} of a login. */
coco_status coco_vault_read_login(const void *text, size_t len, struct coco_vault_login *ret,
                                  coco_error **err);

/*
 * The secret in an entry of version kv, which is its value field: a text or an array of
 * bytes, as Trustee's KBS has it. COCO_ERR_NOTFOUND for one without, or that was deleted.
 */
coco_status coco_vault_read_secret(const void *text, size_t len, unsigned kv, const char *field,
                                   struct coco_secret *ret, coco_error **err);

/* {"data":{"ciphertext":"vault:v1:..."}} of transit's encrypt. */
coco_status coco_vault_read_ciphertext(const void *text, size_t len, struct coco_secret *ret,
                                       coco_error **err);

/* {"data":{"plaintext":"<base64>"}} of its decrypt. */
coco_status coco_vault_read_plaintext(const void *text, size_t len, struct coco_secret *ret,
                                      coco_error **err);

/* Whether text begins as all ciphertexts of transit do, and is one word. */
bool coco_vault_is_ciphertext(const uint8_t *text, size_t len);

/*
 * Fails with status, and in the Vault's words where it has some: the first of {"errors":[...]},
 * or of "warnings", which tell of paths that no engine has, or what became of the version.
 */
coco_status coco_vault_fail(const void *text, size_t len, coco_status status, long http,
                            coco_error **err);

#endif
