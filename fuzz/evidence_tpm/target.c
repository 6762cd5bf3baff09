/*
 * fuzz/evidence_tpm/target.c - evidence of a TPM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/verifier/bound.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The key of the evidence in corpus/, whose private half nobody has kept. */
static const char key[] = "-----BEGIN PUBLIC KEY-----\n"
                          "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0WOF1KcsZ2nKjPgOlQBP\n"
                          "LsgNaOOdQMyVazMndmk0bIE5Lv7D2RBiZOFLl/x3NgUD/+SpTB2rgGh084OiIOWX\n"
                          "XQTwi644UaB0xpxccs/5p4vhJ2UPQ9ghwlyIRBQF4e3+oP/T92mjcRkzPuachYzu\n"
                          "I73zPuy/qJRVhVxaq550w2K+mIEqagvTbXJWvvi/ArhElBPPR0hDFhTwNWwt/1T0\n"
                          "sSDBUo241OLl6iA5tGD02mPytNezVbDip2GTq5jBUCnbf3xF5qOJ2i5pKWovf9Ox\n"
                          "wMf4HAkpxtrEyNo+FWdOnTBfgzXjxPlKcM5/hm49v14u6kyCwgZj7y4iZraL9hdf\n"
                          "bwIDAQAB\n"
                          "-----END PUBLIC KEY-----\n";
#define REPORT_DATA "nonce"
#define INIT_DATA "0808080808080808080808080808080808080808080808080808080808080808"

/* Only one quote was ever signed that is of all PCRs: whatever is valid says what that one says. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_free_ char *evidence = strndup((const char *)data, len);

    if (!evidence || coco_verifier_new(&verifier, NULL) != COCO_OK
        || coco_verifier_trust_key(verifier, "tpm", (const uint8_t *)key, strlen(key), NULL)
               != COCO_OK)
        abort();
    coco_status status =
        verify_bound(verifier, "tpm", evidence, REPORT_DATA, strlen(REPORT_DATA), &verdict, NULL);
    if (status == COCO_OK && coco_verdict_valid(verdict)
        && !strstr(coco_verdict_claims(verdict), "{\"init_data\":\"" INIT_DATA "\""))
        abort();
    return 0;
}
