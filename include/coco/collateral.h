/*
 * coco/collateral.h - what verifying needs beside the evidence
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_COLLATERAL_H
#define COCO_COLLATERAL_H

#include <coco/bytes.h>
#include <coco/error.h>
#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Collateral: certificates between a chip and its maker's root, lists of what
 * was revoked, and the makers' word on which firmware is up to date.
 *
 * Nothing of it is trusted for where it came from: it is signed by the makers,
 * and the verifier checks that. What it is, is told by a name with slashes:
 *
 *     intel/root-ca.crl                       DER
 *     intel/pck-crl/platform.crl              DER; also processor.crl
 *     intel/tdx/tcb-info/<fmspc>.json         as the PCS gives it; also intel/sgx/
 *     intel/tdx/tcb-info/<fmspc>.pem          chain of who signed it, root last
 *     intel/tdx/qe-identity.json              and .pem; also intel/sgx/
 *     amd/<product>/vcek/chain.pem            ASK and ARK; also vlek/
 *     amd/<product>/vcek.crl                  DER
 *     amd/<product>/vcek/<chip id>/<tcb>.der  tcb: bl02_tee00_snp05_ucode68, for Turin
 *                                             with _fmc00 behind it
 *     amd/<Naples|Rome>/ask_ark.cert          both, in AMD's own format
 *     hygon/hrk.cert                          in Hygon's own format
 *     hygon/hsk_cek/<serial number>.cert      both, in Hygon's own format
 *
 * fmspc and chip id are lower-case hex, products are spelt as AMD does: "Milan",
 * "Genoa", "Turin".
 *
 * Threads: a source may be used by several threads at once.
 */

/** Where collateral comes from. */
typedef struct coco_collateral coco_collateral;

/**
 * Takes collateral from files that have its names, beneath @p dir.
 *
 * @param dir  a directory; it is looked into when something is asked for
 * @param ret  the source; free with coco_collateral_free()
 * @param err  ::COCO_ERR_NOTFOUND when there is no such directory
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_new_dir(const char *dir, coco_collateral **ret,
                                                             coco_error **err);

/** Frees @p collateral; NULL is fine. */
COCO_API void coco_collateral_free(coco_collateral *collateral);

/**
 * Gets the collateral called @p name.
 *
 * @param collateral  whom to ask
 * @param name        one of the names above
 * @param ret         what it has, at most 1 MiB; free with coco_bytes_free()
 * @param err         ::COCO_ERR_NOTFOUND where it has none of that name, ::COCO_ERR_INVALID for
 *                    what cannot be a name
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_get(coco_collateral *collateral,
                                                         const char *name, coco_bytes **ret,
                                                         coco_error **err);

#ifdef __cplusplus
}
#endif

#endif
