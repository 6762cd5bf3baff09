/*
 * fuzz/evidence_software/target.c - evidence of a software TEE
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/verifier/bound.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The root of the evidence in corpus/, whose private half nobody has kept. */
static const char root[] = "-----BEGIN PUBLIC KEY-----\n"
                           "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEngQqS5hiFt98Fdk4hBqN6QspJtw6\n"
                           "tqeUJzoCoiTS9d0blQO0cQT4lChZ2IHSbJ2VptQpFexAJ+uJauRWIhSdKQ==\n"
                           "-----END PUBLIC KEY-----\n";
#define REPORT_DATA "nonce"
#define LAUNCH_DIGEST                                                                              \
    "e1685b6426d9c5be8691ff8f95eacdc11753355667394aa2"                                             \
    "3124570b14baf68ab322a3aaeb3c599c448ad5016c709a49"

/* Only one report was ever signed: whatever is valid says what that one says. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_free_ char *evidence = strndup((const char *)data, len);

    if (!evidence || coco_verifier_new(&verifier, NULL) != COCO_OK
        || coco_verifier_trust_key(verifier, "software", (const uint8_t *)root, strlen(root), NULL)
               != COCO_OK)
        abort();
    coco_status status = verify_bound(verifier, "software", evidence, REPORT_DATA,
                                      strlen(REPORT_DATA), &verdict, NULL);
    if (status == COCO_OK && coco_verdict_valid(verdict)
        && !strstr(coco_verdict_claims(verdict), "\"launch_digest\":\"" LAUNCH_DIGEST "\""))
        abort();
    return 0;
}
