/*
 * coco/references.h - reference values, as files that are kept, signed and compared
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_REFERENCES_H
#define COCO_REFERENCES_H

#include <coco/bytes.h>
#include <coco/error.h>
#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Reference values: what claims of evidence must be, by the names that policies ask for.
 *
 * They are kept in a file of JSON, an array of what Trustee's RVPS keeps of each value:
 *
 *     [{"version": "0.1.0", "name": "mr_td", "expiration": "2027-11-28T12:00:00Z",
 *       "value": ["95e2…"]}]
 *
 * "value" is any JSON: mostly a list of what is accepted. Other forms are read and
 * written by name, of which the first has no ends and the last one for all:
 *
 *     values     {"mr_td": ["95e2…"]}
 *     rvps       a message for Trustee's RVPS and our KBS, of type "sample"; only the latter
 *                takes the ends from it, {"mr_td": "2027-11-28T12:00:00Z"} as "expirations"
 *     corim      a manifest (draft-ietf-rats-corim) in CBOR, which nobody signed
 *
 * and read is what `coco measure --json` prints. A manifest that is signed, as
 * coco_references_sign() makes it, is a COSE_Sign1. In manifests a list of digests in
 * hex is just that; any other value goes along as a raw value, its JSON. All of it ends
 * with the value that ends first.
 *
 * A manifest of somebody else is read, too, if it says nothing that cannot be kept
 * here: its values have the names that Trustee's RVPS gives them.
 *
 * Threads: a set may be used by one thread at a time, by several if none changes it.
 */

/** A set of reference values, each by its own name. */
typedef struct coco_references coco_references;

/** How long a value is good if nobody says, in days. */
#define COCO_REFERENCES_DAYS 365

/** Creates a set of no values; free with coco_references_free(). */
COCO_API COCO_MUST_CHECK coco_status coco_references_new(coco_references **ret, coco_error **err);

/** Frees @p references; NULL is fine. */
COCO_API void coco_references_free(coco_references *references);

/**
 * Reads values that nobody signed, in any of the forms above.
 *
 * @param data  content of the file, at most 1 MiB
 * @param len   number of its bytes
 * @param ret   the values; free with coco_references_free()
 * @param err   ::COCO_ERR_PROTO for none of the forms, and for two values of one name,
 *              ::COCO_ERR_NOTSUP for what cannot be kept, ::COCO_ERR_INVALID if it is signed,
 *              ::COCO_ERR_LIMIT for more than 4096 values
 */
COCO_API COCO_MUST_CHECK coco_status coco_references_parse(const uint8_t *data, size_t len,
                                                           coco_references **ret, coco_error **err);

/**
 * Reads values from a manifest that its owner signed. Whether they have ended
 * coco_references_check() tells.
 *
 * @param data     content of the file, at most 1 MiB
 * @param len      number of its bytes
 * @param key      public key of the owner, PEM: P-256, P-384, P-521 or Ed25519
 * @param key_len  number of its bytes
 * @param ret      the values; free with coco_references_free()
 * @param err      ::COCO_ERR_VERIFY unless @p key signed it, else as coco_references_parse()
 */
COCO_API COCO_MUST_CHECK coco_status coco_references_open(const uint8_t *data, size_t len,
                                                          const uint8_t *key, size_t key_len,
                                                          coco_references **ret, coco_error **err);

/**
 * Adds @p value under @p name.
 *
 * Where there is a list already it is added to that, each item once. One that is no
 * list must be the same, or be replaced.
 *
 * @param references  what to add to
 * @param name        1 to 1023 bytes, as policies ask for it, and no other but for case
 * @param value       JSON, at most 64 KiB
 * @param expires     when it ends, seconds since 1970, for all that is under @p name; 0 for the
 *                    end that there is, or else in ::COCO_REFERENCES_DAYS
 * @param replace     whether it takes the place of what there is
 * @param err         ::COCO_ERR_INVALID for what is no name, no end, or another value than
 *                    there is, ::COCO_ERR_PROTO for what is no JSON, ::COCO_ERR_LIMIT
 */
COCO_API COCO_MUST_CHECK coco_status coco_references_add(coco_references *references,
                                                         const char *name, const char *value,
                                                         int64_t expires, bool replace,
                                                         coco_error **err);

/** Removes what is under @p name: ::COCO_ERR_NOTFOUND if there is nothing. */
COCO_API COCO_MUST_CHECK coco_status coco_references_remove(coco_references *references,
                                                            const char *name, coco_error **err);

/** Name of value @p index, or NULL past the last. Valid until the set is changed. */
COCO_API const char *coco_references_name(const coco_references *references, size_t index);

/** Value @p index, JSON, or NULL past the last. Valid until the set is changed. */
COCO_API const char *coco_references_value(const coco_references *references, size_t index);

/** When value @p index ends, seconds since 1970; 0 past the last, and where nobody said. */
COCO_API int64_t coco_references_expires(const coco_references *references, size_t index);

/** Who signed them, as he calls himself; NULL unless coco_references_open() read them. */
COCO_API const char *coco_references_signer(const coco_references *references);

/** ::COCO_ERR_VERIFY, with its name, if a value is not good at @p now, seconds since 1970. */
COCO_API COCO_MUST_CHECK coco_status coco_references_check(const coco_references *references,
                                                           int64_t now, coco_error **err);

/**
 * Writes values that nobody signed.
 *
 * @param references  the values
 * @param form        "json", which is that of the file, "values", "rvps" or "corim"
 * @param ret         the bytes; free with coco_bytes_free()
 * @param err         ::COCO_ERR_NOTSUP for another form, ::COCO_ERR_INVALID for a manifest of no
 *                    values, and for "json" with one that has no end, ::COCO_ERR_LIMIT
 */
COCO_API COCO_MUST_CHECK coco_status coco_references_format(const coco_references *references,
                                                            const char *form, coco_bytes **ret,
                                                            coco_error **err);

/**
 * Makes a manifest of values that is signed, for coco_references_open().
 *
 * @param references  the values, one at least
 * @param key         private key of the owner, PEM: P-256, P-384, P-521 or Ed25519
 * @param key_len     number of its bytes
 * @param signer      how he calls himself, UTF-8
 * @param ret         a COSE_Sign1; free with coco_bytes_free()
 * @param err         ::COCO_ERR_PROTO if it is no key, ::COCO_ERR_NOTSUP for one of another kind,
 *                    ::COCO_ERR_INVALID, ::COCO_ERR_LIMIT
 */
COCO_API COCO_MUST_CHECK coco_status coco_references_sign(const coco_references *references,
                                                          const uint8_t *key, size_t key_len,
                                                          const char *signer, coco_bytes **ret,
                                                          coco_error **err);

/**
 * Tells how @p other differs from @p references.
 *
 * @param references  how they were
 * @param other       how they are
 * @param ret         JSON, an array of objects in the order of names, empty for none:
 *                    {"name", "change"}, where change is "added", "removed", "changed" or, for
 *                    ends alone, "expires", and of the last two "before" and "after".
 *                    Free with coco_bytes_free()
 * @param err         ::COCO_ERR_NOMEM, ::COCO_ERR_LIMIT
 */
COCO_API COCO_MUST_CHECK coco_status coco_references_diff(const coco_references *references,
                                                          const coco_references *other,
                                                          coco_bytes **ret, coco_error **err);

/**
 * Compares values with claims of evidence that holds, coco_verdict_claims().
 *
 * A value is compared with the claim that Trustee's default policy compares it with, and
 * one of another name with the claim of that name, where dots lead into objects. Values
 * that are for other TEEs are left out.
 *
 * @param references  the values
 * @param tee         name of the TEE
 * @param claims      JSON
 * @param ret         JSON, an array of objects {"name", "claim", "state", "expected", "got"}:
 *                    state is "same", "differs", "no-claim" for a value that no claim is for,
 *                    or "no-value" for a claim that the policy asks a value for and there is
 *                    none. Free with coco_bytes_free()
 * @param err         ::COCO_ERR_PROTO for claims that are no JSON object, ::COCO_ERR_LIMIT
 */
COCO_API COCO_MUST_CHECK coco_status coco_references_compare(const coco_references *references,
                                                             const char *tee, const char *claims,
                                                             coco_bytes **ret, coco_error **err);

#ifdef __cplusplus
}
#endif

#endif
