/*
 * fuzz/vault_reply/target.c - whatever a Vault answers is read without harm
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/vault_reply.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(coco_status status, const struct coco_secret *found)
{
    if ((status == COCO_OK) == (found->data == NULL))
        abort();
    if (status != COCO_OK && status != COCO_ERR_PROTO && status != COCO_ERR_LIMIT
        && status != COCO_ERR_NOTFOUND)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_vault_login_ struct coco_vault_login login = {0};
    _cleanup_secret_ struct coco_secret first = {0};
    _cleanup_secret_ struct coco_secret second = {0};
    _cleanup_secret_ struct coco_secret ciphertext = {0};
    _cleanup_secret_ struct coco_secret plaintext = {0};
    coco_error *err = NULL;

    check(coco_vault_read_secret(data, len, 1, "data", &first, NULL), &first);
    check(coco_vault_read_secret(data, len, 2, "data", &second, NULL), &second);
    coco_status status = coco_vault_read_ciphertext(data, len, &ciphertext, NULL);
    check(status, &ciphertext);
    if (status == COCO_OK && !coco_vault_is_ciphertext(ciphertext.data, ciphertext.len))
        abort();
    check(coco_vault_read_plaintext(data, len, &plaintext, NULL), &plaintext);
    status = coco_vault_read_login(data, len, &login, NULL);
    check(status, &login.token);
    /* It becomes a header. */
    if (status == COCO_OK && strpbrk((const char *)login.token.data, " \t\r\n"))
        abort();
    if (coco_vault_fail(data, len, COCO_ERR_DENIED, 403, &err) != COCO_ERR_DENIED)
        abort();
    coco_error_free(err);
    return 0;
}
