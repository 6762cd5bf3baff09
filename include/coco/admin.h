/*
 * coco/admin.h - the owner's side of a key broker service
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ADMIN_H
#define COCO_ADMIN_H

#include <coco/bytes.h>
#include <coco/context.h>
#include <coco/error.h>
#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Administration of a key broker service (KBS) over its HTTP API.
 *
 * Requests carry a short-lived JWT signed by the owner's key. It works with
 * coco-kbs and with upstream's KBS; listing is coco-kbs's own.
 *
 * Threads: a coco_admin may be used by one thread at a time.
 */

/** A KBS, seen by its owner. */
typedef struct coco_admin coco_admin;

/**
 * Creates a client of the KBS at @p url.
 *
 * @param url  `https://host[:port]`; `http://` is taken for what it is
 * @param ret  the client; free with coco_admin_free()
 * @param err  ::COCO_ERR_INVALID if @p url is no such URL
 */
COCO_API COCO_MUST_CHECK coco_status coco_admin_new(const char *url, coco_admin **ret,
                                                    coco_error **err);

/** Frees @p admin and wipes its key; NULL is fine. */
COCO_API void coco_admin_free(coco_admin *admin);

/**
 * Signs requests with @p key. Without one, requests go out unsigned.
 *
 * @param admin  whose
 * @param key    private key, PEM (PKCS#8 or SEC 1): Ed25519, P-256 or P-384
 * @param len    number of its bytes
 * @param err    ::COCO_ERR_PROTO if it is no such key
 */
COCO_API COCO_MUST_CHECK coco_status coco_admin_set_key(coco_admin *admin, const uint8_t *key,
                                                        size_t len, coco_error **err);

/** Of a token of coco_admin_token(): how long it is good, in seconds. */
#define COCO_ADMIN_TOKEN_LIFE 600
/** The longest such time: a day. */
#define COCO_ADMIN_TOKEN_LIFE_MAX 86400

/**
 * Makes a token as requests carry it, for another program or the broker's admin page. Whoever has
 * it may do what @p role may, until it ends.
 *
 * @param key   private key, as for coco_admin_set_key()
 * @param len   number of its bytes
 * @param role  what the broker's lists of who may do what call its bearer; NULL is `admin`
 * @param life  seconds that it is good, up to ::COCO_ADMIN_TOKEN_LIFE_MAX; 0 is
 *              ::COCO_ADMIN_TOKEN_LIFE
 * @param ret   a JWT (RFC 7519), signed with @p key; free with coco_bytes_free()
 * @param err   ::COCO_ERR_PROTO if @p key is no such key, ::COCO_ERR_INVALID for a role that is
 *              empty or longer than 63 bytes, or a @p life that is too long
 */
COCO_API COCO_MUST_CHECK coco_status coco_admin_token(const uint8_t *key, size_t len,
                                                      const char *role, uint32_t life,
                                                      coco_bytes **ret, coco_error **err);

/** Trusts the CAs in @p pem for TLS, instead of the system's. */
COCO_API COCO_MUST_CHECK coco_status coco_admin_set_tls_ca(coco_admin *admin, const uint8_t *pem,
                                                           size_t len, coco_error **err);

/** Sets the proxy that the KBS is reached through, as coco_kbc_set_proxy(). */
COCO_API COCO_MUST_CHECK coco_status coco_admin_set_proxy(coco_admin *admin, const char *url,
                                                          const char *no_proxy, coco_error **err);

/** Sets how often a request is made again when that may help, as coco_kbc_set_retries(). */
COCO_API void coco_admin_set_retries(coco_admin *admin, uint32_t retries);

/**
 * Stores @p data as resource @p path, `<repository>/<type>/<tag>`.
 *
 * @param admin  which KBS
 * @param ctx    cancellation
 * @param path   the name; `kbs:///` in front is fine
 * @param data   the secret
 * @param len    number of its bytes
 * @param err    ::COCO_ERR_INVALID for a malformed path, ::COCO_ERR_DENIED,
 *               ::COCO_ERR_NET, ::COCO_ERR_LIMIT, ::COCO_ERR_CANCELED
 */
COCO_API COCO_MUST_CHECK coco_status coco_admin_put_resource(coco_admin *admin, coco_ctx *ctx,
                                                             const char *path, const uint8_t *data,
                                                             size_t len, coco_error **err);

/**
 * Deletes resource @p path; errors as coco_admin_put_resource(), ::COCO_ERR_NOTFOUND and
 * ::COCO_ERR_NOTSUP if the KBS does not delete. What coco-kbs deletes it can restore, unless it
 * is purged.
 */
COCO_API COCO_MUST_CHECK coco_status coco_admin_delete_resource(coco_admin *admin, coco_ctx *ctx,
                                                                const char *path, coco_error **err);

/**
 * Deletes resource @p path with all its versions, for good; errors as
 * coco_admin_delete_resource() and ::COCO_ERR_NOTSUP if the KBS keeps no versions.
 */
COCO_API COCO_MUST_CHECK coco_status coco_admin_purge_resource(coco_admin *admin, coco_ctx *ctx,
                                                               const char *path, coco_error **err);

/**
 * Puts an earlier version of resource @p path again.
 *
 * @param admin    which KBS
 * @param ctx      cancellation
 * @param path     the name
 * @param version  as coco_admin_resource_versions() has them; 0: what was deleted, or replaced,
 *                 last
 * @param ret      the number that it has now
 * @param err      as coco_admin_purge_resource()
 */
COCO_API COCO_MUST_CHECK coco_status coco_admin_restore_resource(coco_admin *admin, coco_ctx *ctx,
                                                                 const char *path, uint64_t version,
                                                                 uint64_t *ret, coco_error **err);

/**
 * Lists the versions of resource @p path, never their content.
 *
 * @param admin  which KBS
 * @param ctx    cancellation
 * @param path   the name
 * @param ret    JSON array as coco_kbs_resource_versions() gives it; free with coco_bytes_free()
 * @param err    as coco_admin_purge_resource()
 */
COCO_API COCO_MUST_CHECK coco_status coco_admin_resource_versions(coco_admin *admin, coco_ctx *ctx,
                                                                  const char *path,
                                                                  coco_bytes **ret,
                                                                  coco_error **err);

/**
 * Lists the names of all resources, never their content.
 *
 * @param admin  which KBS
 * @param ctx    cancellation
 * @param ret    JSON array of strings `<repository>/<type>/<tag>`, sorted
 * @param err    ::COCO_ERR_NOTSUP if the KBS does not list
 */
COCO_API COCO_MUST_CHECK coco_status coco_admin_list_resources(coco_admin *admin, coco_ctx *ctx,
                                                               coco_bytes **ret, coco_error **err);

/** Sets the resource policy to @p rego, the text of a Rego module of package `policy`. */
COCO_API COCO_MUST_CHECK coco_status coco_admin_set_resource_policy(coco_admin *admin,
                                                                    coco_ctx *ctx, const char *rego,
                                                                    coco_error **err);

/**
 * Sets the policy of the resources at @p path, which decides about them in place of the
 * resource policy; of several the most specific decides. Upstream's KBS has none.
 *
 * @param admin  which KBS
 * @param ctx    cancellation
 * @param path   `<repository>`, `<repository>/<type>` or a whole name
 * @param rego   as for coco_admin_set_resource_policy(); NULL removes it
 * @param err    ::COCO_ERR_INVALID for what is no path, ::COCO_ERR_NOTFOUND if there is none to
 *               remove, ::COCO_ERR_NOTSUP if the KBS has no such policies, ::COCO_ERR_DENIED,
 *               ::COCO_ERR_NET, ::COCO_ERR_CANCELED
 */
COCO_API COCO_MUST_CHECK coco_status coco_admin_set_path_policy(coco_admin *admin, coco_ctx *ctx,
                                                                const char *path, const char *rego,
                                                                coco_error **err);

/**
 * Lists the policies that decide about resources.
 *
 * @param admin  which KBS
 * @param ctx    cancellation
 * @param ret    JSON array of strings: `resource-policy` and `resource-policy/<path>`; free with
 *               coco_bytes_free()
 * @param err    ::COCO_ERR_NOTSUP if the KBS does not list
 */
COCO_API COCO_MUST_CHECK coco_status coco_admin_list_resource_policies(coco_admin *admin,
                                                                       coco_ctx *ctx,
                                                                       coco_bytes **ret,
                                                                       coco_error **err);

/**
 * Sets attestation policy @p id, `default_cpu` or another class of device, to @p rego, the text
 * of a Rego module of package `policy`.
 */
COCO_API COCO_MUST_CHECK coco_status coco_admin_set_attestation_policy(
    coco_admin *admin, coco_ctx *ctx, const char *id, const char *rego, coco_error **err);

/**
 * Registers reference values.
 *
 * @param admin    which KBS
 * @param ctx      cancellation
 * @param message  as Trustee's RVPS takes it, JSON: what coco_references_format() gives as
 *                 "rvps", or a manifest in base64 as the payload of type "corim"
 * @param err      ::COCO_ERR_NOTSUP for a type that the KBS does not take, ::COCO_ERR_VERIFY and
 *                 the like for what it refuses, ::COCO_ERR_DENIED, ::COCO_ERR_NET,
 *                 ::COCO_ERR_CANCELED
 */
COCO_API COCO_MUST_CHECK coco_status coco_admin_put_references(coco_admin *admin, coco_ctx *ctx,
                                                               const char *message,
                                                               coco_error **err);

/**
 * Makes the next keys that sign tokens and seal sessions. They are used a little later, when all
 * replicas know them; what those before have made stays good, and no guest notices. Until then
 * asking again changes nothing.
 *
 * @param admin  which KBS
 * @param ctx    cancellation
 * @param ret    JSON object {"kid", "from"}: the key id of the next tokens, and from when it is
 *               used, in seconds since 1970; free with coco_bytes_free()
 * @param err    ::COCO_ERR_NOTSUP if the KBS does not rotate keys, ::COCO_ERR_LIMIT after so many
 *               rotations that keys from before are still needed, ::COCO_ERR_DENIED,
 *               ::COCO_ERR_NET, ::COCO_ERR_PROTO, ::COCO_ERR_CANCELED
 */
COCO_API COCO_MUST_CHECK coco_status coco_admin_rotate_keys(coco_admin *admin, coco_ctx *ctx,
                                                            coco_bytes **ret, coco_error **err);

/**
 * Lists reference values, how old they are and when they end.
 *
 * @param admin  which KBS
 * @param ctx    cancellation
 * @param ret    JSON array, sorted by name, of objects {"name", "value", "time", "expires"}: any
 *               JSON, when it was registered and when it ends, in seconds since 1970; the last one
 *               is not there of a value that does not end, and past of one that does not count any
 *               more. Free with coco_bytes_free()
 * @param err    ::COCO_ERR_NOTSUP if the KBS does not list, ::COCO_ERR_DENIED, ::COCO_ERR_NET,
 *               ::COCO_ERR_PROTO, ::COCO_ERR_CANCELED
 */
COCO_API COCO_MUST_CHECK coco_status coco_admin_list_references(coco_admin *admin, coco_ctx *ctx,
                                                                coco_bytes **ret, coco_error **err);

/**
 * Explains a refusal: what the guest claimed, which check or rule decided, what was expected
 * and what was got. All of it is the guest's word, or the broker's: escape it where it is shown.
 *
 * @param admin  which KBS
 * @param ctx    cancellation
 * @param id     as the guest was told; up to 64 letters, digits and "-"
 * @param ret    JSON object as doc/coco-kbs.md has it ("Explanations"); free with
 *               coco_bytes_free()
 * @param err    ::COCO_ERR_INVALID if @p id cannot be one, ::COCO_ERR_NOTFOUND if the KBS does
 *               not know it any more, ::COCO_ERR_NOTSUP if it explains nothing,
 *               ::COCO_ERR_DENIED, ::COCO_ERR_NET, ::COCO_ERR_PROTO, ::COCO_ERR_CANCELED
 */
COCO_API COCO_MUST_CHECK coco_status coco_admin_explain(coco_admin *admin, coco_ctx *ctx,
                                                        const char *id, coco_bytes **ret,
                                                        coco_error **err);

#ifdef __cplusplus
}
#endif

#endif
