/*
 * coco/initdata.h - what a host passes to a confidential machine at its start
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_INITDATA_H
#define COCO_INITDATA_H

#include <coco/bytes.h>
#include <coco/error.h>
#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Init data: configuration that an untrusted host injects into a machine, and
 * whose digest the hardware puts into evidence (kbs/docs/initdata.md of Trustee).
 *
 * A document is TOML: "version" is "0.1.0", "algorithm" the hash, and "data" a
 * table of texts by name: "aa.toml", "cdh.toml", "policy.rego". It is not
 * secret. The digest is that of the text as it is, byte by byte, so two documents
 * that say the same are two documents.
 *
 * Threads: init data that does not change any more may be shared.
 */

/** One document. */
typedef struct coco_initdata coco_initdata;

/**
 * Creates a document without data.
 *
 * @param algorithm  "sha256", "sha384" or "sha512"
 * @param ret        the document; free with coco_initdata_free()
 * @param err        ::COCO_ERR_NOTSUP for another algorithm
 */
COCO_API COCO_MUST_CHECK coco_status coco_initdata_new(const char *algorithm, coco_initdata **ret,
                                                       coco_error **err);

/**
 * Reads a document.
 *
 * @param text  TOML, or what the annotation io.katacontainers.config.hypervisor.cc_init_data
 *              holds: that, packed with gzip, in base64
 * @param ret   the document; free with coco_initdata_free()
 * @param err   ::COCO_ERR_PROTO if it is none, ::COCO_ERR_NOTSUP for another algorithm,
 *              ::COCO_ERR_LIMIT for more than 4 MiB
 */
COCO_API COCO_MUST_CHECK coco_status coco_initdata_parse(const char *text, coco_initdata **ret,
                                                         coco_error **err);

/** Frees @p initdata; NULL is fine. */
COCO_API void coco_initdata_free(coco_initdata *initdata);

/**
 * Adds a text to a document of coco_initdata_new().
 *
 * @param initdata  the document
 * @param name      such as "aa.toml"; UTF-8, and no other but for case
 * @param content   UTF-8
 * @param err       ::COCO_ERR_INVALID for what cannot be added, ::COCO_ERR_LIMIT past 4 MiB
 */
COCO_API COCO_MUST_CHECK coco_status coco_initdata_add(coco_initdata *initdata, const char *name,
                                                       const char *content, coco_error **err);

/** The text of the document, TOML. Valid until something is added to it. */
COCO_API const char *coco_initdata_text(const coco_initdata *initdata);

/** Its algorithm, such as "sha384". Static. */
COCO_API const char *coco_initdata_algorithm(const coco_initdata *initdata);

/** Name of text @p index, or NULL past the last. Valid as long as @p initdata. */
COCO_API const char *coco_initdata_name(const coco_initdata *initdata, size_t index);

/** Content of text @p index, or NULL past the last. Valid as long as @p initdata. */
COCO_API const char *coco_initdata_content(const coco_initdata *initdata, size_t index);

/**
 * Computes the digest of a document, by its algorithm.
 *
 * @param initdata  the document
 * @param ret       32 to 64 bytes; free with coco_bytes_free()
 * @param err       ::COCO_ERR_NOMEM
 */
COCO_API COCO_MUST_CHECK coco_status coco_initdata_digest(const coco_initdata *initdata,
                                                          coco_bytes **ret, coco_error **err);

/**
 * Packs a document for Kata's annotation io.katacontainers.config.hypervisor.cc_init_data.
 *
 * @param initdata  the document
 * @param ret       base64; free with coco_bytes_free()
 * @param err       ::COCO_ERR_NOMEM
 */
COCO_API COCO_MUST_CHECK coco_status coco_initdata_annotation(const coco_initdata *initdata,
                                                              coco_bytes **ret, coco_error **err);

/** Name of TEE @p index that binds evidence to init data, or NULL past the last. Static. */
COCO_API const char *coco_initdata_tee(size_t index);

/** Where @p tee keeps it, such as "MRCONFIGID"; NULL for one that does not. Static. */
COCO_API const char *coco_initdata_place(const char *tee);

/**
 * Computes what evidence of a machine that was started with a document holds.
 *
 * The digest is cut, or filled up with zeros, to the field of the TEE; a PCR is
 * extended with it. Upstream's attesters of TPMs take digests by SHA-256 alone.
 *
 * @param initdata  the document
 * @param tee       a name of coco_initdata_tee()
 * @param ret       the bytes; free with coco_bytes_free()
 * @param err       ::COCO_ERR_NOTSUP for another TEE
 */
COCO_API COCO_MUST_CHECK coco_status coco_initdata_field(const coco_initdata *initdata,
                                                         const char *tee, coco_bytes **ret,
                                                         coco_error **err);

/**
 * Checks that @p field, from evidence that holds, is what a document gives.
 *
 * @param initdata  the document
 * @param tee       a name of coco_initdata_tee()
 * @param field     the bytes
 * @param len       number of them
 * @param err       ::COCO_ERR_VERIFY if it was other init data, ::COCO_ERR_NOTSUP as
 *                  coco_initdata_field()
 */
COCO_API COCO_MUST_CHECK coco_status coco_initdata_check(const coco_initdata *initdata,
                                                         const char *tee, const uint8_t *field,
                                                         size_t len, coco_error **err);

#ifdef __cplusplus
}
#endif

#endif
