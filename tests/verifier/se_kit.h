/*
 * tests/verifier/se_kit.h - a machine of IBM that answers requests for evidence
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_VERIFIER_SE_KIT_H
#define COCO_TESTS_VERIFIER_SE_KIT_H

#include "tests/verifier/ibm.h"
#include "verifier/se.h"

/* Whoever verifies has key for what comes back. */
static inline void
se_kit_set_key(coco_verifier *verifier, EVP_PKEY *key)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = 1 << 14};

    assert_int_equal(coco_key_private_pem(key, &pem, NULL), COCO_OK);
    assert_int_equal(coco_verifier_set_private_key(verifier, "se", pem.data, pem.len, NULL),
                     COCO_OK);
}

static inline void
se_kit_append(struct coco_buf *buf, const void *data, size_t len)
{
    buf->limit = 4096;
    assert_int_equal(coco_buf_append(buf, data, len, NULL), COCO_OK);
}

/* Measures what is in evidence, as an ultravisor that has opened the request does. */
static inline void
se_kit_measure(struct coco_se_evidence *evidence, const struct coco_se_secrets *secrets)
{
    const struct coco_se_measured measured = {
        .tags = &evidence->tags,
        .cuid = evidence->cuid,
        .user = evidence->user.data,
        .user_len = evidence->user.len,
        .nonce = secrets->nonce.data,
        .additional = evidence->additional.data,
        .additional_len = evidence->additional.len,
    };
    uint8_t mac[COCO_SE_MEASUREMENT_SIZE];

    assert_int_equal(coco_se_measure(&secrets->measurement_key, &measured, mac, NULL), COCO_OK);
    coco_buf_reset(&evidence->measurement);
    se_kit_append(&evidence->measurement, mac, sizeof(mac));
}

/* What the machine that has host makes of a control block. */
static inline void
se_kit_open(const struct pki_cert *host, const void *block, size_t len,
            struct coco_se_secrets *secrets)
{
    struct coco_se_block parsed;

    assert_int_equal(coco_se_block_parse(block, len, &parsed, NULL), COCO_OK);
    assert_int_equal(coco_se_block_open(&parsed, host->key, host->key, secrets, NULL), COCO_OK);
}

/* The answer of the machine that has host, for a guest that has 64 bytes of user data. */
static inline void
se_kit_answer(const struct pki_cert *host, const struct coco_se_request *request,
              const uint8_t user[64], struct coco_se_evidence *ret, struct coco_se_secrets *secrets)
{
    uint8_t additional[64];

    se_kit_open(host, request->control_block.data, request->control_block.len, secrets);
    *ret = (struct coco_se_evidence){.cuid = {0xc1}, .tags = request->tags};
    memset(additional, 0xad, sizeof(additional));
    se_kit_append(&ret->user, user, 64);
    se_kit_append(&ret->additional, additional, sizeof(additional));
    se_kit_append(&ret->key, request->key.data, request->key.len);
    se_kit_append(&ret->nonce, request->nonce.data, request->nonce.len);
    se_kit_measure(ret, secrets);
}

#endif
