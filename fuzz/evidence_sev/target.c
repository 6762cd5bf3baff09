/*
 * fuzz/evidence_sev/target.c - evidence of a launch on AMD SEV
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/verifier/bound.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The ARK of the evidence in corpus/, and the key of the guest's owner. */
#define ROOT "sha256:0e658f559a290f771fc62a0c52152d2b981b3f66ad368924473df08ed86f7344"
static const char owner[] = "-----BEGIN PRIVATE KEY-----\n"
                            "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDA40bwxaCzTlH1MqdF5\n"
                            "p7luNNSD8HoeOxQsHOp09MQ5VSCabfl507uOdVz+3V72CfShZANiAATv/WZUFpT7\n"
                            "iO5LzbcNopUdEXelOQ/UJB+hhCJtPeW+GN35jdsyi9IX/0GbVAsGt2Feg5dEIgnc\n"
                            "X96ljkwCYFenY9RlOm1+K81lQZlE2GHw165k5Jud9V+eOou+eLQZBFA=\n"
                            "-----END PRIVATE KEY-----\n";

/* Of the session. */
static const uint8_t report_data[] = {
    0xac, 0xc6, 0x67, 0x62, 0x9a, 0xf2, 0x67, 0x1f, 0x20, 0xfc, 0x74, 0x22, 0xba, 0x03, 0x7a, 0x6e,
    0xc0, 0xc7, 0xe6, 0xeb, 0x93, 0x53, 0x61, 0xb3, 0x79, 0x46, 0x9a, 0x76, 0x28, 0x84, 0x66, 0x11};

/* Only one launch was ever measured: whatever is valid says what that one says. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_free_ char *evidence = strndup((const char *)data, len);

    if (!evidence || coco_verifier_new(&verifier, NULL) != COCO_OK
        || coco_verifier_trust_root(verifier, "amd/Rome", ROOT, NULL) != COCO_OK
        || coco_verifier_set_private_key(verifier, "sev", (const uint8_t *)owner, strlen(owner),
                                         NULL)
               != COCO_OK)
        abort();
    coco_status status =
        verify_bound(verifier, "sev", evidence, report_data, sizeof(report_data), &verdict, NULL);
    if (status == COCO_OK && coco_verdict_valid(verdict)
        && !strstr(coco_verdict_claims(verdict), "\"measurement\":\"d1d1d1d1d1d1d1d1d1d1d1d1"))
        abort();
    return 0;
}
