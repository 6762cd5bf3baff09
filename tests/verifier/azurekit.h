/*
 * tests/verifier/azurekit.h - evidence of an Azure VM of which a test knows the TPM's key
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_VERIFIER_AZUREKIT_H
#define COCO_TESTS_VERIFIER_AZUREKIT_H

#include "base/text.h"
#include "crypto/jwk.h"
#include "tee/hcl_evidence.h"
#include "tests/verifier/tpmkit.h"

#include <stdio.h>

struct azurekit {
    struct coco_hcl_evidence evidence;
    struct coco_tpm_attest attest; /* of its quote */
    char runtime[2048];
    uint8_t hash[32]; /* of the runtime data: what the hardware's report must hold */
};

/* Runtime data with the key and, unless it is NULL, 64 bytes of user data. */
static inline void
azurekit_make_runtime(struct azurekit *kit, EVP_PKEY *ak, const uint8_t *user_data)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 1500};
    _cleanup_json_ cJSON *jwk = NULL;
    struct coco_digest digest = {0};
    char hex[129] = "";
    coco_error *err = NULL;

    assert_ok(coco_jwk_public(ak, NULL, &jwk, &err), err);
    assert_ok(coco_json_add_string(jwk, "kid", "HCLAkPub", &err), err);
    assert_ok(coco_json_write(jwk, COCO_JSON_COMPACT, &text, &err), err);
    if (user_data)
        coco_hex(user_data, 64, hex);
    (void)snprintf(kit->runtime, sizeof(kit->runtime), "{\"keys\":[%s]%s%s%s}",
                   coco_buf_text(&text), user_data ? ",\"user-data\":\"" : "", hex,
                   user_data ? "\"" : "");
    assert_ok(coco_digest_of(COCO_SHA256, kit->runtime, strlen(kit->runtime), &digest, &err), err);
    memcpy(kit->hash, digest.bytes, sizeof(kit->hash));
}

/* The HCL's report around the hardware's, in evidence of version 2. */
static inline void
azurekit_lay(struct azurekit *kit, enum coco_hcl_hardware hardware, const uint8_t *report)
{
    const struct coco_hcl_report hcl = {
        .hardware = hardware,
        .report = report,
        .runtime = (const uint8_t *)kit->runtime,
        .runtime_len = strlen(kit->runtime),
    };
    coco_error *err = NULL;

    coco_buf_reset(&kit->evidence.report);
    assert_ok(coco_hcl_report_format(&hcl, &kit->evidence.report, &err), err);
}

/* All but the hardware's report: a key, its quote of extra, user data that begin with extra. */
static inline void
azurekit_begin(struct azurekit *kit, EVP_PKEY *ak, const void *extra, size_t len)
{
    uint8_t user_data[64] = {0};

    kit->evidence = coco_hcl_evidence_empty();
    kit->evidence.version = 2;
    memcpy(user_data, extra, len);
    azurekit_make_runtime(kit, ak, user_data);
    tpmkit_begin(&kit->evidence.quote, &kit->attest, extra, len);
    tpmkit_sign(&kit->evidence.quote, &kit->attest, ak);
}

#endif
