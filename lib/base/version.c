/*
 * base/version.c - what this build of libcoco is and can do
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <coco/version.h>

#include "config.h"

#include <string.h>

static const struct {
    const char *name;
    bool built;
} features[] = {
    {"isal", COCO_HAVE_ISAL}, {"openpgp", COCO_HAVE_OPENPGP}, {"pkcs11", COCO_HAVE_PKCS11},
    {"rpc", COCO_HAVE_RPC},   {"sodium", COCO_HAVE_SODIUM},   {"tpm", COCO_HAVE_TPM},
};

const char *
coco_version(void)
{
    return COCO_VERSION;
}

bool
coco_supports(const char *feature)
{
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
        if (strcmp(features[i].name, feature) == 0)
            return features[i].built;
    return false;
}
