/*
 * verifier/roots.c - roots of the makers of hardware
 *
 * Pinned by the SHA-256 of the certificate; the certificate itself comes along
 * with the evidence or its collateral.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/roots.h"

#include <string.h>

/* A product of AMD has a root of its own, which must not vouch for another. */
static const char *const makers[] = {
    "intel", "amd/Milan", "amd/Genoa", "amd/Turin", "amd/Naples", "amd/Rome", "hygon", "aws", "ibm",
};

static const struct {
    const char *maker;
    const char *fingerprint;
} roots[] = {
    /* Intel SGX Root CA, of 2018; TDX has the same. */
    {"intel", "sha256:44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3"},
    /* ARK-Milan, ARK-Genoa, ARK-Turin (AMD KDS, publication 57230). */
    {"amd/Milan", "sha256:69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd"},
    {"amd/Genoa", "sha256:4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1"},
    {"amd/Turin", "sha256:1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a"},
    /* Of the ARK in AMD's format for SEV (publication 55766, appendix B). */
    {"amd/Naples", "sha256:dedabca561e1dece8cc00b7bda864cf5f20b95017864408cfe18eaee0dce24b9"},
    {"amd/Rome", "sha256:865977b268c16d5b27772b00aaefb4e737ba9499e818ed8e9f65b0cecefbc529"},
    /* Of the HRK in Hygon's format. */
    {"hygon", "sha256:296efa97580464aca0ab5eefe42199ee05862182508d1629f29cf4dc175b10cd"},
    /* aws.nitro-enclaves, until 2049 (AWS Nitro Enclaves user guide, "Verifying the root"). */
    {"aws", "sha256:641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"},
};

const char *
coco_root_maker(const char *name)
{
    for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
        if (strcmp(makers[i], name) == 0)
            return makers[i];
    return NULL;
}

bool
coco_root_is_known(const char *maker, const struct coco_digest *fingerprint)
{
    char text[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(fingerprint, text);
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
        if (strcmp(roots[i].maker, maker) == 0 && strcmp(roots[i].fingerprint, text) == 0)
            return true;
    return false;
}
