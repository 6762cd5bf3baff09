/*
 * rcar/version.c - the versions of the KBS protocol
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rcar/version.h"

#include <string.h>

static const char *const names[COCO_RCAR_VERSIONS] = {
    [COCO_RCAR_0_1_0] = "0.1.0", [COCO_RCAR_0_1_1] = "0.1.1", [COCO_RCAR_0_2_0] = "0.2.0",
    [COCO_RCAR_0_3_0] = "0.3.0", [COCO_RCAR_0_4_0] = "0.4.0",
};

const char *
coco_rcar_version_name(enum coco_rcar_version version)
{
    return names[version];
}

bool
coco_rcar_version_parse(const char *name, enum coco_rcar_version *ret)
{
    for (size_t i = 0; i < COCO_RCAR_VERSIONS; i++)
        if (strcmp(names[i], name) == 0) {
            *ret = (enum coco_rcar_version)i;
            return true;
        }
    return false;
}
