/*
 * rcar/version.h - the versions of the KBS protocol
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RCAR_VERSION_H
#define COCO_RCAR_VERSION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Every version that a release of guest-components or Trustee has spoken, and
 * 0.3.0, which their main branches spoke for three weeks; newer ones are greater.
 * Released peers know one each and refuse all others (kbs-protocol A.1).
 *
 * Before v0.8.0 guest-components bound its evidence to other bytes, and called
 * that 0.1.0 as well; nobody can tell the two apart, and that one is not here.
 */
enum coco_rcar_version {
    COCO_RCAR_0_1_0,
    COCO_RCAR_0_1_1,
    COCO_RCAR_0_2_0,
    COCO_RCAR_0_3_0,
    COCO_RCAR_0_4_0,
};

#define COCO_RCAR_OLDEST COCO_RCAR_0_1_0
#define COCO_RCAR_NEWEST COCO_RCAR_0_4_0
#define COCO_RCAR_VERSIONS ((size_t)COCO_RCAR_NEWEST + 1)

/* "0.4.0" */
const char *coco_rcar_version_name(enum coco_rcar_version version);

/* False, with ret as it was, for any other text: peers compare the whole of it too. */
bool coco_rcar_version_parse(const char *name, enum coco_rcar_version *ret);

/* ---- What changed on the wire ---- */

/* extra-params and tee-evidence are JSON values, not texts. */
static inline bool
coco_rcar_has_values(enum coco_rcar_version version)
{
    return version >= COCO_RCAR_0_1_1;
}

/* Resources come as RFC 7516 has them, and keys may be of elliptic curves. */
static inline bool
coco_rcar_has_jwe(enum coco_rcar_version version)
{
    return version >= COCO_RCAR_0_2_0;
}

/* Evidence of devices goes along, and that of the TEE is bound to it. */
static inline bool
coco_rcar_has_devices(enum coco_rcar_version version)
{
    return version >= COCO_RCAR_0_3_0;
}

/* init-data goes along; nonce and key stand in runtime-data. */
static inline bool
coco_rcar_has_init_data(enum coco_rcar_version version)
{
    return version >= COCO_RCAR_0_4_0;
}

#endif
