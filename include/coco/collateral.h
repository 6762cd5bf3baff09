/*
 * coco/collateral.h - what verifying needs beside the evidence
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_COLLATERAL_H
#define COCO_COLLATERAL_H

#include <coco/bytes.h>
#include <coco/context.h>
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
 *     ibm/chain.pem                           signing key of host keys, CA, root
 *     ibm/signing-key.crl                     also intermediate-ca.crl, root-ca.crl
 *
 * fmspc and chip id are lower-case hex, products are spelt as AMD does: "Milan",
 * "Genoa", "Turin".
 *
 * Threads: a source that is set up may be used by several threads at once.
 */

/** Where collateral comes from. */
typedef struct coco_collateral coco_collateral;

/** As a source of coco_collateral_open(): the services of Intel and AMD themselves. */
#define COCO_COLLATERAL_MAKERS "makers"

/**
 * Opens the source that @p source names: "makers", the address of a PCCS
 * ("https://…", "http://…"), "intel=" or "amd=" and the address of what stands for
 * that maker's service, a directory, one like Trustee's kds-store, a bundle, or a
 * file of Intel's PCS client tool.
 *
 * @param ctx      as coco_collateral_new_http() needs it
 * @param source   what to open
 * @param key      public key of the owner of a bundle, PEM, or NULL
 * @param key_len  number of its bytes
 * @param early    coco_collateral_set_early()
 * @param ret      the source; free with coco_collateral_free()
 * @param err      ::COCO_ERR_NOTFOUND, ::COCO_ERR_INVALID for a bundle without a key, and what
 *                 the calls below fail with
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_open(coco_ctx *ctx, const char *source,
                                                          const uint8_t *key, size_t key_len,
                                                          bool early, coco_collateral **ret,
                                                          coco_error **err);

/**
 * Takes collateral from files that have its names, beneath @p dir.
 *
 * @param dir  a directory; it is looked into when something is asked for
 * @param ret  the source; free with coco_collateral_free()
 * @param err  ::COCO_ERR_NOTFOUND when there is no such directory
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_new_dir(const char *dir, coco_collateral **ret,
                                                             coco_error **err);

/**
 * Takes collateral from a bundle, one file that its owner signed: for sites that
 * reach no service of the makers. coco_collateral_export() makes one.
 *
 * @param bundle   content of the file
 * @param len      number of its bytes, at most 66 MiB
 * @param key      public key of its owner, PEM: P-256 or Ed25519
 * @param key_len  number of its bytes
 * @param ret      the source; free with coco_collateral_free()
 * @param err      ::COCO_ERR_VERIFY unless all of it is signed by @p key, ::COCO_ERR_PROTO,
 *                 ::COCO_ERR_LIMIT, ::COCO_ERR_NOTSUP for a key of another kind
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_new_bundle(const uint8_t *bundle, size_t len,
                                                                const uint8_t *key, size_t key_len,
                                                                coco_collateral **ret,
                                                                coco_error **err);

/**
 * Takes collateral from where Trustee keeps it.
 *
 * @param path   a file of Intel's PCS client tool, {"collaterals":...}, which is read now, or a
 *               directory like its kds-store, which has files
 *               vcek/CHIP_ID/bl02_tee00_snp05_ucode68_vcek.der or vcek/CHIP_ID/vcek.der
 * @param early  of two answers of Intel's, that which came earlier: coco_collateral_set_early()
 * @param ret    the source; free with coco_collateral_free()
 * @param err    ::COCO_ERR_NOTFOUND, ::COCO_ERR_PROTO, ::COCO_ERR_LIMIT
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_new_trustee(const char *path, bool early,
                                                                 coco_collateral **ret,
                                                                 coco_error **err);

/** Creates a source that holds what coco_collateral_add() gives it. */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_new_memory(coco_collateral **ret,
                                                                coco_error **err);

/**
 * Adds what is called @p name to a source of coco_collateral_new_memory(), in place of
 * what it was. Not while others use the source.
 *
 * @param collateral  what to add to
 * @param name        one of the names above
 * @param data        a copy is kept, of at most 1 MiB
 * @param len         number of its bytes
 * @param fetched     when it was got from its maker, seconds since 1970; 0 if nobody knows
 * @param err         ::COCO_ERR_NOTSUP for another source, ::COCO_ERR_INVALID, ::COCO_ERR_LIMIT
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_add(coco_collateral *collateral,
                                                         const char *name, const uint8_t *data,
                                                         size_t len, int64_t fetched,
                                                         coco_error **err);

/**
 * Takes collateral from the services of the makers: Intel's PCS, or a cache of it (PCCS),
 * and AMD's KDS.
 *
 * What was got is kept for a day, certificates longer, and for as long as it is valid
 * when the service does not answer. Threads that want the same wait for one request.
 * What failed is not tried again for half a minute, what there is not for five.
 *
 * @param ctx    log and cancellation of the requests; must outlive all use of the source
 * @param intel  address such as "https://pccs.example:8081"; "" to ask nobody, NULL for
 *               Intel's own. All is signed by the maker, so it may be plain HTTP
 * @param amd    the same of AMD
 * @param ret    the source; free with coco_collateral_free()
 * @param err    ::COCO_ERR_INVALID for an address that is none
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_new_http(coco_ctx *ctx, const char *intel,
                                                              const char *amd,
                                                              coco_collateral **ret,
                                                              coco_error **err);

/**
 * Keeps what comes from services in files that have its names, beneath @p dir.
 *
 * Others may take it from there with coco_collateral_new_dir(), and several
 * processes may share it.
 *
 * @param collateral  a source of coco_collateral_new_http(), that nobody uses yet, as below
 * @param dir         a directory, which is made if it is missing
 * @param err         ::COCO_ERR_IO, ::COCO_ERR_NOTSUP for another source
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_set_cache(coco_collateral *collateral,
                                                               const char *dir, coco_error **err);

/** Trusts the certificates in @p pem, and no others, for TLS with the services. */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_set_tls_ca(coco_collateral *collateral,
                                                                const uint8_t *pem, size_t len,
                                                                coco_error **err);

/**
 * Reaches the services through a proxy.
 *
 * @param collateral  a source of coco_collateral_new_http()
 * @param url         as coco_image_client_set_proxy() takes it, "" for none, or NULL for what the
 *                    environment says
 * @param no_proxy    hosts that are reached directly, with commas between, or NULL
 * @param err         ::COCO_ERR_INVALID, ::COCO_ERR_NOTSUP
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_set_proxy(coco_collateral *collateral,
                                                               const char *url,
                                                               const char *no_proxy,
                                                               coco_error **err);

/**
 * Asks Intel for the answers that already demand what was published last, not for
 * those that leave operators some months to update their machines.
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_set_early(coco_collateral *collateral,
                                                               bool early, coco_error **err);

/**
 * Creates a source that gets all from @p inner and remembers it: what verifying one
 * piece of evidence took is what coco_collateral_list() then tells, and
 * coco_collateral_export() signs.
 *
 * @param inner  which the source owns, also if this fails
 * @param ret    the source; free with coco_collateral_free()
 * @param err    ::COCO_ERR_NOMEM
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_new_recorder(coco_collateral *inner,
                                                                  coco_collateral **ret,
                                                                  coco_error **err);

/**
 * Creates a source that asks @p second for what @p first does not have.
 *
 * @param first   which the source owns, also if this fails
 * @param second  the same
 * @param ret     the source; free with coco_collateral_free()
 * @param err     ::COCO_ERR_NOMEM
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_new_either(coco_collateral *first,
                                                                coco_collateral *second,
                                                                coco_collateral **ret,
                                                                coco_error **err);

/**
 * Gives @p ret, which is the same source, to whoever is to own it: it goes away with
 * the last of them.
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_share(coco_collateral *collateral,
                                                           coco_collateral **ret, coco_error **err);

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

/**
 * Tells what @p collateral has.
 *
 * @param collateral  whose
 * @param ret         JSON, an array of objects that have name, size, fetched and expires, both
 *                    seconds since 1970 or null, and problem for what is not what its name
 *                    says; expires is its own word, which nobody has verified here. Free with
 *                    coco_bytes_free()
 * @param err         ::COCO_ERR_NOTSUP for a source that cannot tell, ::COCO_ERR_LIMIT for more
 *                    than 4096 or 64 MiB
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_list(coco_collateral *collateral,
                                                          coco_bytes **ret, coco_error **err);

/**
 * Makes a bundle of all that coco_collateral_list() tells, for
 * coco_collateral_new_bundle().
 *
 * @param collateral  what to put into it
 * @param key         private key that signs it, PEM: P-256 or Ed25519
 * @param key_len     number of its bytes
 * @param ret         the bundle; free with coco_bytes_free()
 * @param err         as coco_collateral_list(), ::COCO_ERR_PROTO if it is no key
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_export(coco_collateral *collateral,
                                                            const uint8_t *key, size_t key_len,
                                                            coco_bytes **ret, coco_error **err);

/**
 * Writes all that coco_collateral_list() tells to files that have its names, beneath
 * @p dir, for coco_collateral_new_dir(); each appears whole or not at all, and is as old
 * as what it holds.
 */
COCO_API COCO_MUST_CHECK coco_status coco_collateral_write_dir(coco_collateral *collateral,
                                                               const char *dir, coco_error **err);

#ifdef __cplusplus
}
#endif

#endif
