/*
 * fuzz/evidence_snp/target.c - evidence of SEV-SNP
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/verifier/bound.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The ARK of the evidence in corpus/, whose private half nobody has kept, and when that was. */
#define ROOT "sha256:9a3804e6749af2dd7a58dc584f3be463a9ebd13b858c5e4f698ebc77a22e9874"
#define NOW 1795856913
#define REPORT_DATA "nonce"
#define MEASUREMENT                                                                                \
    "3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e"                                             \
    "3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e"

/* Only one report was ever signed: whatever is valid says what that one says. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_free_ char *evidence = strndup((const char *)data, len);

    if (!evidence || coco_verifier_new(&verifier, NULL) != COCO_OK
        || coco_verifier_trust_root(verifier, "amd/Milan", ROOT, NULL) != COCO_OK)
        abort();
    coco_verifier_set_time(verifier, NOW);
    coco_status status =
        verify_bound(verifier, "snp", evidence, REPORT_DATA, strlen(REPORT_DATA), &verdict, NULL);
    if (status == COCO_OK && coco_verdict_valid(verdict)
        && !strstr(coco_verdict_claims(verdict), "\"measurement\":\"" MEASUREMENT "\""))
        abort();
    return 0;
}
