/*
 * tests/verifier/tpmkit.h - a TPM of which a test knows the key
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_VERIFIER_TPMKIT_H
#define COCO_TESTS_VERIFIER_TPMKIT_H

#include "crypto/key.h"
#include "tee/tpm.h"
#include "tests/support.h"
#include "tests/verifier/failing.h"
#include "verifier/driver.h"

#include <string.h>

/* Those of a test program: its group's setup and teardown. */
static EVP_PKEY *the_ak;
static EVP_PKEY *another_ak;

static inline int
tpmkit_make_keys(void **state)
{
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_RSA, &the_ak, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_RSA, &another_ak, &err), err);
    return 0;
}

static inline int
tpmkit_free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(the_ak);
    EVP_PKEY_free(another_ak);
    return 0;
}

/* A quote of PCRs 00.., 01.., 02.. and so on; each member may be changed before tpmkit_sign(). */
static inline void
tpmkit_begin(struct coco_tpm_quote *quote, struct coco_tpm_attest *attest, const void *extra,
             size_t len)
{
    struct coco_digest digest = {0};
    coco_error *err = NULL;

    *quote = coco_tpm_quote_empty();
    for (size_t i = 0; i < COCO_TPM_PCRS; i++)
        memset(quote->pcrs[i], (int)i, COCO_TPM_PCR_SIZE);
    assert_ok(coco_tpm_quote_digest(quote, &digest, &err), err);

    *attest = (struct coco_tpm_attest){
        .signer = {.bytes = {0x00, 0x0b}, .len = 34},
        .extra.len = len,
        .clock = 1,
        .safe = true,
        .selections = {{.hash = COCO_TPM_ALG_SHA256, .pcrs = COCO_TPM_PCRS_ALL}},
        .n_selections = 1,
        .digest.len = COCO_TPM_PCR_SIZE,
    };
    assert_true(len <= sizeof(attest->extra.bytes));
    memcpy(attest->extra.bytes, extra, len);
    memcpy(attest->digest.bytes, digest.bytes, COCO_TPM_PCR_SIZE);
}

static inline void
tpmkit_sign(struct coco_tpm_quote *quote, const struct coco_tpm_attest *attest, EVP_PKEY *ak)
{
    coco_error *err = NULL;

    coco_buf_reset(&quote->message);
    coco_buf_reset(&quote->signature);
    assert_ok(coco_tpm_attest_format(attest, &quote->message, &err), err);
    assert_ok(coco_key_sign(ak, quote->message.data, quote->message.len, &quote->signature, &err),
              err);
}

#endif
