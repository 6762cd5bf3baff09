/*
 * fuzz/tpm/target.c - structures of a TPM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/tpm.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
is_same(const struct coco_buf *buf, const uint8_t *data, size_t len)
{
    return buf->len == len && (len == 0 || memcmp(buf->data, data, len) == 0);
}

/* Other sizes of a selection are read and not written. */
static bool
is_usual(const struct coco_tpm_attest *attest, const uint8_t *data, size_t len)
{
    size_t rest = 4 + 2 + 2 + attest->signer.len + 2 + attest->extra.len + 17 + 8 + 4
                  + 6 * attest->n_selections + 2 + attest->digest.len;

    for (size_t i = 0; i < attest->n_selections; i++)
        if (attest->selections[i].pcrs > COCO_TPM_PCRS_ALL)
            return false;
    for (size_t i = 0; i < attest->n_selections && rest == len; i++)
        if (data[len - 2 - attest->digest.len - 6 * (attest->n_selections - i) + 2] != 3)
            return false;
    return rest == len;
}

/* What is read is written as it was. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_buf_ struct coco_buf attest_again = {.limit = COCO_TPM_MESSAGE_MAX};
    _cleanup_buf_ struct coco_buf signature_again = {.limit = 6 + COCO_TPM_SIGNATURE_MAX};
    struct coco_tpm_attest attest;
    const uint8_t *signature = NULL;
    size_t signature_len = 0;

    if (coco_tpm_attest_parse(data, len, &attest, NULL) == COCO_OK) {
        if (coco_tpm_attest_format(&attest, &attest_again, NULL) != COCO_OK
            || (is_usual(&attest, data, len) && !is_same(&attest_again, data, len)))
            abort();
    }
    if (coco_tpm_signature_parse(data, len, &signature, &signature_len, NULL) == COCO_OK
        && signature_len <= COCO_TPM_SIGNATURE_MAX
        && (coco_tpm_signature_format(signature, signature_len, &signature_again, NULL) != COCO_OK
            || !is_same(&signature_again, data, len)))
        abort();
    return 0;
}
