/*
 * coco/kbs.h - an embedded key broker service (libcoco-kbs)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_H
#define COCO_KBS_H

#include <coco/bytes.h>
#include <coco/context.h>
#include <coco/error.h>
#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The key broker service (KBS), server side.
 *
 * Guests and their evidence are hostile, and so is every request until it has
 * proven what it is. Secrets are given to evidence that the verifier found
 * valid and the resource policy allows; everything else is denied, with an id
 * whose full explanation only the owner can read.
 *
 * Not part of coco/coco.h: link with libcoco-kbs.
 *
 * Threads: the functions may be called from any thread while the server runs, but for
 * coco_kbs_start(), coco_kbs_stop(), coco_kbs_free() and coco_kbs_add_plugin(): not from what
 * the server itself calls, the log of its context and the functions of plug-ins, whose end they
 * would wait for.
 */

/** A key broker service. */
typedef struct coco_kbs coco_kbs;

/**
 * Creates a KBS from @p config, the text of a kbs-config.toml.
 *
 * The keys it knows are those of upstream's file and some of its own; all are
 * listed in doc/coco-kbs.md. Unknown keys are refused. An empty text is a KBS in
 * memory, at 127.0.0.1:8080, that nobody can administer over HTTP; of several in one
 * process each needs `sockets = ["127.0.0.1:0"]` in `[http_server]`, a free port.
 *
 * @param ctx     log; must outlive the KBS
 * @param config  TOML
 * @param ret     the KBS, not yet serving; free with coco_kbs_free()
 * @param err     ::COCO_ERR_PROTO for a bad configuration, ::COCO_ERR_NOTSUP,
 *                ::COCO_ERR_IO
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_new(coco_ctx *ctx, const char *config, coco_kbs **ret,
                                                  coco_error **err);

/** Stops the server, if it runs, and frees @p kbs; NULL is fine. */
COCO_API void coco_kbs_free(coco_kbs *kbs);

/**
 * Starts to serve, on threads of its own.
 *
 * @param kbs  which
 * @param err  ::COCO_ERR_IO when an address cannot be bound, ::COCO_ERR_INVALID
 *             for plain HTTP on an address that is not loopback
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_start(coco_kbs *kbs, coco_error **err);

/** Stops serving after the requests under way; fine if it never started. */
COCO_API void coco_kbs_stop(coco_kbs *kbs);

/**
 * Address it serves at, `http://127.0.0.1:PORT` or `https://…`; NULL while it
 * is not serving. Valid until the next start.
 */
COCO_API const char *coco_kbs_url(const coco_kbs *kbs);

/**
 * Stores @p data as resource @p path, `<repository>/<type>/<tag>`, replacing
 * what was there; durable when the call returns.
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_put_resource(coco_kbs *kbs, const char *path,
                                                           const uint8_t *data, size_t len,
                                                           coco_error **err);

/** Gets resource @p path as its owner; ::COCO_ERR_NOTFOUND if there is none. */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_get_resource(coco_kbs *kbs, const char *path,
                                                           coco_bytes **ret, coco_error **err);

/**
 * Deletes resource @p path; ::COCO_ERR_NOTFOUND if there is none. Its versions are kept
 * unless the configuration says otherwise: see coco_kbs_restore_resource().
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_delete_resource(coco_kbs *kbs, const char *path,
                                                              coco_error **err);

/** Deletes resource @p path with all its versions, for good; ::COCO_ERR_NOTFOUND without any. */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_purge_resource(coco_kbs *kbs, const char *path,
                                                             coco_error **err);

/**
 * Puts an earlier version of resource @p path again.
 *
 * @param kbs      whose
 * @param path     the name
 * @param version  as coco_kbs_resource_versions() has them; 0: what was deleted, or replaced,
 *                 last
 * @param ret      the number that it has now
 * @param err      ::COCO_ERR_NOTFOUND if there is no such version
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_restore_resource(coco_kbs *kbs, const char *path,
                                                               uint64_t version, uint64_t *ret,
                                                               coco_error **err);

/**
 * Lists the versions of resource @p path, never their content.
 *
 * @param kbs   whose
 * @param path  the name
 * @param ret   JSON array, the newest first: objects of `version` (a number from 1), `time`
 *              (seconds since 1970) and `size` in bytes, or `deleted`: true where it was
 *              deleted; free with coco_bytes_free()
 * @param err   ::COCO_ERR_NOTFOUND if there never was such a resource, or it was purged
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_resource_versions(coco_kbs *kbs, const char *path,
                                                                coco_bytes **ret, coco_error **err);

/** Lists the names of all resources as a sorted JSON array of strings. */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_list_resources(coco_kbs *kbs, coco_bytes **ret,
                                                             coco_error **err);

/**
 * Sets the resource policy, which decides who gets what.
 *
 * @param kbs   whose
 * @param rego  a Rego module of package `policy`; `data.policy.allow` decides
 * @param err   ::COCO_ERR_PROTO if it does not parse, ::COCO_ERR_NOTSUP if this
 *              build has no policy engine
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_set_resource_policy(coco_kbs *kbs, const char *rego,
                                                                  coco_error **err);

/**
 * Sets the policy of the resources at @p path, which decides about them in place of the
 * resource policy; of several the most specific decides.
 *
 * @param kbs   whose
 * @param path  `<repository>`, `<repository>/<type>` or a whole name
 * @param rego  as for coco_kbs_set_resource_policy(); NULL removes it
 * @param err   as coco_kbs_set_resource_policy(), ::COCO_ERR_INVALID if @p path is none,
 *              ::COCO_ERR_NOTFOUND if there is none to remove
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_set_path_policy(coco_kbs *kbs, const char *path,
                                                              const char *rego, coco_error **err);

/**
 * Lists the policies that decide about resources.
 *
 * @param kbs  whose
 * @param ret  JSON array of strings: `resource-policy` and `resource-policy/<path>`; free with
 *             coco_bytes_free()
 * @param err  ::COCO_ERR_IO
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_list_resource_policies(coco_kbs *kbs,
                                                                     coco_bytes **ret,
                                                                     coco_error **err);

/**
 * Sets the attestation policy @p id, which turns claims into a trustworthiness vector.
 *
 * @param kbs   whose
 * @param id    `default_cpu`, `default_gpu` and so on, by the class of device
 * @param rego  a Rego module of package `policy`; `data.policy.trust_claims` is the vector
 * @param err   as coco_kbs_set_resource_policy(), ::COCO_ERR_INVALID if @p id is none
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_set_attestation_policy(coco_kbs *kbs, const char *id,
                                                                     const char *rego,
                                                                     coco_error **err);

/**
 * Sets the reference value @p name, which attestation policies compare with.
 *
 * @param kbs    whose
 * @param name   such as "launch_digest"
 * @param value  JSON text; usually an array of strings
 * @param err    ::COCO_ERR_PROTO if @p value is not JSON
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_set_reference_value(coco_kbs *kbs, const char *name,
                                                                  const char *value,
                                                                  coco_error **err);

/**
 * Explains a decision: what the guest claimed, which rule decided, what was
 * expected and what was got.
 *
 * @param kbs  which
 * @param id   as in the refusal that the guest was sent
 * @param ret  JSON object; free with coco_bytes_free()
 * @param err  ::COCO_ERR_NOTFOUND if @p id is unknown or too old
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_explain(const coco_kbs *kbs, const char *id,
                                                      coco_bytes **ret, coco_error **err);

/**
 * Seals the database that @p config names ([storage_backend]) with the key that it names
 * (seal.key_file), or with none. All of it is sealed anew, or nothing is changed. A KBS that
 * has the database open meanwhile has to be started again, unless the key is the same and only
 * those that it seals are new.
 *
 * @param config        TOML, as coco_kbs_new() takes it
 * @param old_key_file  the key that it was sealed with so far; NULL: it was not
 * @param err           ::COCO_ERR_DENIED, ::COCO_ERR_VERIFY if it was sealed otherwise;
 *                      ::COCO_ERR_INVALID if @p config names no database; ::COCO_ERR_PROTO,
 *                      ::COCO_ERR_IO
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_reseal(const char *config, const char *old_key_file,
                                                     coco_error **err);

/**
 * Writes all that a KBS keeps to the file @p path, where nothing may be: as it is at one moment,
 * while the KBS that @p config is of goes on serving. It appears whole or not at all.
 *
 * What the database has sealed (seal.key_file) stays sealed, and cannot be changed unseen by
 * whoever lacks that key; whoever wants to restore it needs that key. Of a database that is not
 * sealed all secrets lie in the file as they are, and whoever can write to it can change it, and
 * the digest in it: note that elsewhere.
 *
 * Where @p config names an audit log, a note for it is left in the database, and the KBS puts that
 * on record. So it is with coco_kbs_restore().
 *
 * @param config  TOML, as coco_kbs_new() takes it
 * @param path    the file, which only its owner can read
 * @param plain   that secrets may lie there as they are, if the database is not sealed
 * @param ret     JSON object: `time`, seconds since 1970, `rows`, `sealed` and `digest`, in hex;
 *                free with coco_bytes_free()
 * @param err     ::COCO_ERR_DENIED if it would not be sealed and @p plain is false, or the database
 *                is sealed otherwise than @p config says, ::COCO_ERR_VERIFY if it is with another
 *                key, ::COCO_ERR_INVALID if @p path is there or @p config names no database;
 *                ::COCO_ERR_PROTO, ::COCO_ERR_IO
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_backup(const char *config, const char *path,
                                                     bool plain, coco_bytes **ret,
                                                     coco_error **err);

/**
 * Puts what coco_kbs_backup() wrote to @p path into the database that @p config names, SQLite or
 * PostgreSQL whatever it came from: all of it, or nothing is changed. No KBS may have the database
 * open meanwhile: it would go on with keys and policies of before.
 *
 * @param config  TOML, as coco_kbs_new() takes it
 * @param path    the file, whoever made it
 * @param digest  as coco_kbs_backup() gave it, in hex; NULL: any
 * @param force   that what is in the database goes
 * @param ret     as of coco_kbs_backup()
 * @param err     ::COCO_ERR_VERIFY if it was changed, is not whole, was sealed with another key or
 *                is not that of @p digest; ::COCO_ERR_PROTO for what is no backup;
 *                ::COCO_ERR_DENIED if the database is not empty and @p force is false, or the
 *                backup is sealed and @p config names no key, or the other way round;
 *                ::COCO_ERR_NOTSUP for one of a later version, ::COCO_ERR_INVALID, ::COCO_ERR_IO
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_restore(const char *config, const char *path,
                                                      const char *digest, bool force,
                                                      coco_bytes **ret, coco_error **err);

/**
 * Makes what the file of a sealing key ([storage_backend.seal] key_file) has to hold where
 * that is wrapped by a key in a token of PKCS#11 (pkcs11, pkcs11_key) or by a TPM 2.0 (tpm,
 * tpm_pcrs).
 *
 * A database that is sealed with @p key already needs no new seal: it is opened by the file
 * with the wrapped key as it was by that with @p key, which may be destroyed then.
 *
 * @param config  TOML, as coco_kbs_new() takes it
 * @param key     32 bytes, or 64 hex digits; NULL makes a new one
 * @param len     number of its bytes
 * @param ret     the file; free with coco_bytes_free()
 * @param err     ::COCO_ERR_INVALID if @p config names neither, ::COCO_ERR_NOTFOUND for a
 *                token or a key that is not there, ::COCO_ERR_DENIED for a wrong PIN,
 *                ::COCO_ERR_PROTO for what is no key, ::COCO_ERR_NOTSUP in a build without
 *                PKCS#11 or TPM
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_wrap_key(const char *config, const uint8_t *key,
                                                       size_t len, coco_bytes **ret,
                                                       coco_error **err);

/**
 * Verifies the audit log that a KBS wrote to @p path ([audit] in its configuration):
 * that no entry was changed, left out, or put in, up to the last checkpoint that
 * the KBS signed. What was cut off behind that is not seen.
 *
 * @param path  the file; a KBS may be writing it
 * @param key   public key or certificate of the KBS, PEM, DER or JWK, as the headers of
 *              its tokens have it; NULL: signatures are not looked at, and then whoever
 *              wrote the file may have written anything
 * @param len   number of its bytes
 * @param ret   JSON object: `entries`, `first`, `last` (their numbers), `from`, `to` (seconds
 *              since 1970), `checkpoints` and `signed_to`, if @p key is given, and `head`, the
 *              SHA-256 of the last line, to be noted elsewhere; free with coco_bytes_free()
 * @param err   ::COCO_ERR_VERIFY, with the line, if it was changed; ::COCO_ERR_PROTO if it is
 *              no such log, or its last line is unfinished; ::COCO_ERR_NOTFOUND, ::COCO_ERR_IO
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbs_audit_verify(const char *path, const uint8_t *key,
                                                           size_t len, coco_bytes **ret,
                                                           coco_error **err);

#ifdef __cplusplus
}
#endif

#endif
