/*
 * coco/sealed.h - sealed secrets: secrets that may travel with what needs them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SEALED_H
#define COCO_SEALED_H

#include <coco/bytes.h>
#include <coco/context.h>
#include <coco/error.h>
#include <coco/kbc.h>
#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Sealed secrets, as upstream's confidential-data-hub has them: a text
 * `sealed.HEADER.PAYLOAD.SIGNATURE`, which a Kubernetes secret may hold,
 * for whoever reads it there learns nothing.
 *
 * - A vault secret is the name of a secret that a provider has, such as
 *   `kbs:///default/key/1` of the provider `kbs`.
 * - An envelope is the secret itself, encrypted by a key that a provider has
 *   encrypted by another, which never leaves it.
 *
 * A provider is a coco_kbc. Its owner signs what is sealed (ES256), so that nobody
 * on the way can put another secret in its place; what nobody signed is refused
 * unless that was allowed. Which server a provider asks is the guest's
 * configuration: settings in a sealed secret never choose it.
 *
 * Threads: sealers and unsealers are set up by one thread; any number of them may
 * then seal and unseal, each with a context of its own.
 */

/** Somebody who seals secrets. */
typedef struct coco_sealer coco_sealer;

/** Somebody who unseals them. */
typedef struct coco_unsealer coco_unsealer;

/**
 * Creates one who signs by @p key.
 *
 * @param kid  where who unseals finds the public half: `kbs:///repository/type/tag` of a
 *             broker, or any other name that the guest knows it by
 * @param key  private key on P-256: JWK, PEM or DER
 * @param len  number of its bytes
 * @param ret  the sealer; free with coco_sealer_free()
 * @param err  ::COCO_ERR_INVALID for no such @p kid, ::COCO_ERR_PROTO for what is no key,
 *             ::COCO_ERR_NOTSUP for another kind of key
 */
COCO_API COCO_MUST_CHECK coco_status coco_sealer_new(const char *kid, const uint8_t *key,
                                                     size_t len, coco_sealer **ret,
                                                     coco_error **err);

/** Frees @p sealer and wipes its key; NULL is fine. */
COCO_API void coco_sealer_free(coco_sealer *sealer);

/**
 * Sets what else is said to the provider in what is sealed from here on: its
 * `provider_settings`. Our own providers need none.
 *
 * @param sealer  whose
 * @param json    an object
 * @param err     ::COCO_ERR_PROTO if it is none
 */
COCO_API COCO_MUST_CHECK coco_status coco_sealer_set_settings(coco_sealer *sealer, const char *json,
                                                              coco_error **err);

/** Sets the `annotations` in the same way. */
COCO_API COCO_MUST_CHECK coco_status coco_sealer_set_annotations(coco_sealer *sealer,
                                                                 const char *json,
                                                                 coco_error **err);

/**
 * Sets who encrypts keys of envelopes.
 *
 * @param sealer  whose
 * @param name    of the provider, as who unseals knows it: at most 32 of a to z, 0 to 9, `_`
 *                and `-`
 * @param kbc     one that wraps keys: coco_kbc_wrap_key(); it must live as long as @p sealer
 *                is used
 * @param err     ::COCO_ERR_INVALID for no such name
 */
COCO_API COCO_MUST_CHECK coco_status coco_sealer_set_provider(coco_sealer *sealer, const char *name,
                                                              coco_kbc *kbc, coco_error **err);

/**
 * Makes a vault secret: the name of one that is put there by other means.
 *
 * @param sealer    who signs
 * @param provider  of what name, as of coco_sealer_set_provider(); "kbs" for a broker
 * @param name      of the secret: for "kbs" `kbs:///repository/type/tag`, for others what
 *                  they say
 * @param ret       the text; free with coco_bytes_free()
 * @param err       ::COCO_ERR_INVALID for names that are none
 */
COCO_API COCO_MUST_CHECK coco_status coco_sealer_seal_name(const coco_sealer *sealer,
                                                           const char *provider, const char *name,
                                                           coco_bytes **ret, coco_error **err);

/**
 * Makes an envelope of @p data.
 *
 * @param sealer  who signs, and whose provider wraps
 * @param ctx     progress and cancellation
 * @param key_id  of the provider's key
 * @param data    the secret, at most 1 MiB
 * @param len     number of its bytes
 * @param ret     the text; free with coco_bytes_free()
 * @param err     ::COCO_ERR_INVALID without a provider, ::COCO_ERR_LIMIT for more data, those
 *                of coco_kbc_wrap_key()
 */
COCO_API COCO_MUST_CHECK coco_status coco_sealer_seal_data(const coco_sealer *sealer, coco_ctx *ctx,
                                                           const char *key_id, const uint8_t *data,
                                                           size_t len, coco_bytes **ret,
                                                           coco_error **err);

/**
 * Creates one who knows no key and no provider yet.
 *
 * @param ret  the unsealer; free with coco_unsealer_free()
 * @param err  ::COCO_ERR_NOMEM
 */
COCO_API COCO_MUST_CHECK coco_status coco_unsealer_new(coco_unsealer **ret, coco_error **err);

/** Frees @p unsealer, and no provider of it; NULL is fine. */
COCO_API void coco_unsealer_free(coco_unsealer *unsealer);

/**
 * Sets the provider @p name. That of "kbs" also gives the keys that are named
 * `kbs:///repository/type/tag`. What is sealed for another is not asked for.
 *
 * @param unsealer  whose
 * @param name      as of coco_sealer_set_provider(); upstream's are kbs, aliyun, aws and ehsm
 * @param kbc       who is asked; it must live as long as @p unsealer is used
 * @param err       ::COCO_ERR_INVALID for no such name, ::COCO_ERR_LIMIT beyond 16 of them
 */
COCO_API COCO_MUST_CHECK coco_status coco_unsealer_set_provider(coco_unsealer *unsealer,
                                                                const char *name, coco_kbc *kbc,
                                                                coco_error **err);

/**
 * Trusts what is signed by @p key.
 *
 * @param unsealer  whose
 * @param kid       the name that sealed secrets have of it, which is then not asked of the
 *                  broker; or NULL: from then on all must be signed by this key, or another
 *                  that was given, whatever they call it
 * @param key       public key on P-256: JWK, PEM or DER
 * @param len       number of its bytes
 * @param err       ::COCO_ERR_PROTO for what is no key, ::COCO_ERR_NOTSUP for another kind,
 *                  ::COCO_ERR_LIMIT beyond 64 of them
 */
COCO_API COCO_MUST_CHECK coco_status coco_unsealer_trust_key(coco_unsealer *unsealer,
                                                             const char *kid, const uint8_t *key,
                                                             size_t len, coco_error **err);

/**
 * Asks the broker for keys under @p prefix alone: whoever may write another
 * resource there cannot sign by it.
 *
 * @param unsealer  whose
 * @param prefix    `kbs:///`, which is the default, `kbs:///<repository>/` or
 *                  `kbs:///<repository>/<type>/`
 * @param err       ::COCO_ERR_INVALID if it is none of these
 */
COCO_API COCO_MUST_CHECK coco_status coco_unsealer_set_key_prefix(coco_unsealer *unsealer,
                                                                  const char *prefix,
                                                                  coco_error **err);

/**
 * Takes what nobody signed, too: `sealed.fakejwsheader.PAYLOAD.ANYTHING`, as
 * generators before upstream's v0.18 wrote it. Whoever can change such a text
 * decides which secret the guest gets. What has a signature is verified still.
 */
COCO_API void coco_unsealer_set_allow_unsigned(coco_unsealer *unsealer, bool allow);

/**
 * Unseals @p text.
 *
 * @param unsealer  who knows keys and providers
 * @param ctx       progress and cancellation
 * @param text      `sealed.HEADER.PAYLOAD.SIGNATURE`; the first part may be missing
 * @param ret       the secret; free with coco_bytes_free(), which wipes it
 * @param err       ::COCO_ERR_PROTO for what is no sealed secret, ::COCO_ERR_VERIFY for a
 *                  signature or a key that does not fit, ::COCO_ERR_DENIED without a signature,
 *                  for a key outside of the prefix and by the broker's policy,
 *                  ::COCO_ERR_NOTFOUND for an unknown key, ::COCO_ERR_NOTSUP for another
 *                  algorithm, version or provider, ::COCO_ERR_LIMIT for more than 4 MiB, those
 *                  of coco_kbc_get_resource() and coco_kbc_unwrap_key()
 */
COCO_API COCO_MUST_CHECK coco_status coco_unsealer_unseal(const coco_unsealer *unsealer,
                                                          coco_ctx *ctx, const char *text,
                                                          coco_bytes **ret, coco_error **err);

/**
 * Tells what is in a sealed secret. Nothing of it is verified, and nobody is asked.
 *
 * @param text  as of coco_unsealer_unseal()
 * @param ret   JSON: `signed`, and if it is `kid` and `alg`; `version`, `type`, `provider`,
 *              `name` or `key_id`, of an envelope `wrap_type` and `bytes`, the size of the
 *              secret; `provider_settings`, `annotations`. Free with coco_bytes_free()
 * @param err   ::COCO_ERR_PROTO, ::COCO_ERR_NOTSUP, ::COCO_ERR_LIMIT as there
 */
COCO_API COCO_MUST_CHECK coco_status coco_sealed_inspect(const char *text, coco_bytes **ret,
                                                         coco_error **err);

#ifdef __cplusplus
}
#endif

#endif
