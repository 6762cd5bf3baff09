/*
 * attester/paths.h - where the kernel shows what this machine is
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_PATHS_H
#define COCO_ATTESTER_PATHS_H

#include "base/buf.h"
#include "base/cleanup.h"

#include <stdbool.h>

/*
 * Every file of /sys, /dev and /run that attesters use, in one table, so that a
 * software TEE and tests can have theirs: COCO_TEE_ROOT names a directory, an
 * absolute path, below which all of them are looked for.
 *
 * What that means for trust: none is given away. Evidence proves nothing to
 * whoever collects it, and who sets the environment of a process may do with it
 * what they like, so evidence from below such a root is what somebody else's is:
 * a verifier finds whose keys signed it. In secure execution, that is with
 * privileges its caller does not have, a process ignores the variable
 * (secure_getenv(3)).
 */
#define COCO_TEE_ROOT_VARIABLE "COCO_TEE_ROOT"

enum coco_path {
    COCO_PATH_TSM_REPORT,       /* directory of configfs-tsm */
    COCO_PATH_TDX_GUEST,        /* device */
    COCO_PATH_TDX_MEASUREMENTS, /* directory of its registers, Linux 6.16 */
    COCO_PATH_SEV_GUEST,        /* device */
    COCO_PATH_SEV_PLATFORM,     /* directory */
    COCO_PATH_SEV_VMPL,         /* file */
    COCO_PATH_EFI_SECRETS,      /* directory, Linux 5.19 */
    COCO_PATH_EFI_SECRETS_OLD,  /* before it */
    COCO_PATH_GRAMINE,          /* directory of files that Gramine makes up */
    COCO_PATH_OCCLUM,           /* device that Occlum makes up */
    COCO_PATH_CSV_GUEST,        /* device */
    COCO_PATH_UV,               /* device of the ultravisor */
    COCO_PATH_UV_GUEST,         /* "1" in a guest of Secure Execution */
    COCO_PATH_NSM,              /* device of the Nitro Secure Module */
    COCO_PATH_TPM,              /* device, without its number */
    COCO_PATH_TPMRM,            /* the same through the kernel's resource manager */
    COCO_PATH_TPM_LOG,          /* log of the firmware, raw */
    COCO_PATH_CCEL,             /* log of the firmware of a TEE, raw */
    COCO_PATH_CCEL_TABLE,       /* the ACPI table that says how long it is */
    COCO_PATH_AAEL,             /* log of what was measured since */
    COCO_PATHS,
};

/* Appends the path; COCO_ERR_INVALID for a root that is no absolute path. */
coco_status coco_path_append(enum coco_path which, struct coco_buf *buf, coco_error **err);

/* The same with "/" and name behind it; name NULL for none. Free it. */
coco_status coco_path_get(enum coco_path which, const char *name, char **ret, coco_error **err);

/* Whether something is there, by that name. */
bool coco_path_exists(enum coco_path which);

#endif
