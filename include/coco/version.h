/*
 * coco/version.h - what this build of libcoco is and can do
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERSION_H
#define COCO_VERSION_H

#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the library at run time, such as "0.1.0". */
COCO_API const char *coco_version(void);

/**
 * Whether this build has the optional @p feature.
 *
 * Features: "isal" (igzip inflates gzip layers), "openpgp" (keys and signatures of OpenPGP),
 * "pkcs11" (keys in tokens), "rpc" (gRPC, and the brokers that speak it), "sodium" (private keys
 * under a password as cosign keeps them), "tpm" (attesters that ask a TPM). Unknown names are
 * false.
 */
COCO_API bool coco_supports(const char *feature);

#ifdef __cplusplus
}
#endif

#endif
