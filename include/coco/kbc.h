/*
 * coco/kbc.h - key broker clients: secrets for whoever can attest
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_H
#define COCO_KBC_H

#include <coco/attester.h>
#include <coco/bytes.h>
#include <coco/context.h>
#include <coco/error.h>
#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Key broker clients (KBC).
 *
 * A KBC is named by `aa_kbc_params`, `<kbc>::<uri>`:
 *
 * - `cc_kbc::https://kbs.example:8080` speaks the KBS protocol, in the newest
 *   version from 0.4.0 down to 0.1.0 that the server knows and that can carry the
 *   init data, the devices and the kind of key that were set: it
 *   attests and gets what the broker's policy gives to this machine;
 * - `offline_fs_kbc::` reads files that came with the measured root, `/etc` or the directory
 *   behind the colons: files that are neither in memory nor on what dm-verity or dm-crypt
 *   protects are ::COCO_ERR_DENIED, unless `unprotected:` stands before the directory;
 * - `offline_sev_kbc::` reads what the owner of an SEV guest put into it before
 *   it ran;
 * - `online_sev_kbc::kbs.example:44444` asks simple-kbs by gRPC, with the connection that the
 *   owner of an SEV guest put into it before it ran; `https://` before it for TLS. Part of a
 *   build with the feature "rpc";
 * - `eaa_kbc::verdictd.example:1234` asks Verdictd through TLS in which the guest's certificate
 *   holds a quote of SGX or TDX (RATS-TLS). Nobody signs Verdictd's own certificate: either a
 *   CA does (coco_kbc_set_tls_ca()), or `unverified:` before the host takes any server, which
 *   then may hand out secrets of its own. Written from a description, and never tried with a
 *   Verdictd: of the two forms that its certificates had, only that of before December 2022
 *   is known well enough to be made;
 * - `sample_kbc::` knows one key that everybody knows, for tests;
 * - `pkcs11_kbc::pkcs11:token=NAME?module-path=FILE&pin-source=FILE` asks a token of
 *   hardware, which the rest of a URI of RFC 7512 may name, too: the resource a/b/c is the
 *   data object of that label, and AES keys in it wrap others; if coco_supports("pkcs11");
 * - `vault_kbc::https://vault.example:8200?token-file=/run/token` asks HashiCorp Vault or
 *   OpenBao: the resource a/b/c is the value "data" of the KV entry a/b/c, as upstream's
 *   KBS keeps it there, a text or an array of at most 262,000 bytes, and keys of Transit wrap
 *   others. Transit makes a key that is not there of any name that it is told, unless the policy
 *   grants `update` alone or `disable_upsert` is set. Behind the `?`, with `&` between, stands who
 *   asks: `token-file=` names a file with a token, which is read each time; or `role-id=` and
 *   `secret-id-file=` log in by AppRole; or `jwt-file=` and `role=` by a JWT, with `jwt=` for the
 *   mount of the method (jwt), kubernetes for one; or `cert-file=`, `key-file=` and `role=` by a
 *   TLS certificate, at the mount `cert=` (cert). Without any it is left to a proxy of the Vault's
 *   on this machine. A JWT may be a token of coco_kbc_attest_for(): whoever has it may log in
 *   by it until it is over. `mount=` (secret), `kv=` (2, or 1), `transit=` (transit), `approle=`
 *   (approle) and `namespace=` say where things are, and `field=` (data) which value of an entry;
 * - coco_kbc_new_plugin() makes one of whatever else a program has.
 *
 * The broker is trusted only as far as TLS proves it to be the right one;
 * without TLS anybody in between may hand out secrets of their own.
 *
 * Threads: a KBC is set up by one thread; any number of them may then call
 * coco_kbc_get_resource(), coco_kbc_watch() and coco_kbc_attest(), and what else asks, each with a
 * context of its own. Those that need a handshake at the same time share one.
 */

/** A key broker client. */
typedef struct coco_kbc coco_kbc;

/** Key pair that the broker encrypts secrets to. */
typedef enum coco_tee_key {
    COCO_TEE_KEY_DEFAULT = 0, /**< COCO_TEE_KEY_P256. */
    COCO_TEE_KEY_P256 = 1,    /**< ECDH-ES+A256KW on P-256. */
    COCO_TEE_KEY_P521 = 2,    /**< ECDH-ES+A256KW on P-521. */
    COCO_TEE_KEY_RSA = 3,     /**< RSA-OAEP-256 with 2048 bits. */
} coco_tee_key;

/**
 * Creates the KBC that @p params names.
 *
 * @param params  `<kbc>::<uri>`, or NULL for what this machine was told, as upstream's
 *                agents have it: the environment's `AA_KBC_PARAMS`, else
 *                `agent.aa_kbc_params=` on the kernel's command line, else
 *                `offline_fs_kbc::`
 * @param ret     the KBC; free with coco_kbc_free()
 * @param err     ::COCO_ERR_INVALID if @p params is not of that form,
 *                ::COCO_ERR_NOTSUP for an unknown KBC
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_new(const char *params, coco_kbc **ret,
                                                  coco_error **err);

/** Where a plugin puts what it has, or why it has nothing. Valid while the plugin is asked. */
typedef struct coco_kbc_answer coco_kbc_answer;

/** Answers with @p len bytes of @p data, which are copied. The last answer counts. */
COCO_API void coco_kbc_answer_give(coco_kbc_answer *answer, const uint8_t *data, size_t len);

/**
 * Answers that there is nothing.
 *
 * @param answer   whose
 * @param status   why: anything but ::COCO_OK
 * @param message  the same in words, without secrets; one line
 */
COCO_API void coco_kbc_answer_fail(coco_kbc_answer *answer, coco_status status,
                                   const char *message);

/**
 * A key broker client that somebody else wrote. Zero what is not set.
 *
 * Any thread may ask, several at once. What takes long looks at
 * coco_ctx_canceled().
 */
typedef struct coco_kbc_plugin {
    size_t size;      /**< sizeof(coco_kbc_plugin). */
    const char *name; /**< As in `<kbc>::<uri>`: at most 32 of a to z, 0 to 9 and `_`. */
    /** Gives the resource @p path, `<repository>/<type>/<tag>`, which is well formed. */
    void (*get_resource)(void *user, coco_ctx *ctx, const char *path, coco_kbc_answer *answer);
    /** Gives a token about this machine; NULL if it does not attest. */
    void (*attest)(void *user, coco_ctx *ctx, coco_kbc_answer *answer);
    /** Frees @p user; NULL if there is nothing to free. */
    coco_destroy_fn *destroy;
    /** Encrypts @p key by its own key @p id; NULL if it has none. */
    void (*wrap_key)(void *user, coco_ctx *ctx, const char *id, const uint8_t *key, size_t len,
                     coco_kbc_answer *answer);
    /** Decrypts what wrap_key gave; NULL if it has no keys. */
    void (*unwrap_key)(void *user, coco_ctx *ctx, const char *id, const uint8_t *wrapped,
                       size_t len, coco_kbc_answer *answer);
} coco_kbc_plugin;

/**
 * Creates a KBC of @p plugin. Whatever takes a KBC takes it, image pulls included.
 *
 * @param plugin  copied, but for what its functions need
 * @param user    given to its functions; the KBC owns it from here on, also if the call fails,
 *                unless there is something wrong with the size of @p plugin
 * @param ret     the KBC; free with coco_kbc_free()
 * @param err     ::COCO_ERR_INVALID for a name of another form, or without get_resource
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_new_plugin(const coco_kbc_plugin *plugin, void *user,
                                                         coco_kbc **ret, coco_error **err);

/** Frees @p kbc and wipes its keys; NULL is fine. */
COCO_API void coco_kbc_free(coco_kbc *kbc);

/**
 * Sets who collects the evidence. Without one, the TEE is detected.
 *
 * @param kbc       whose
 * @param attester  @p kbc owns it from here on, also if the call fails
 * @param err       ::COCO_ERR_NOTSUP if this KBC does not attest
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_set_attester(coco_kbc *kbc, coco_attester *attester,
                                                           coco_error **err);

/**
 * Adds a device, such as a TPM or an accelerator, whose evidence is sent along.
 *
 * The evidence of the TEE is bound to that of the devices, so that none can be
 * left out or come from elsewhere on the way.
 *
 * @param kbc       whose
 * @param attester  one of a TEE that is no other device's; @p kbc owns it from here
 *                  on, also if the call fails
 * @param err       ::COCO_ERR_NOTSUP if this KBC does not attest, ::COCO_ERR_INVALID for a
 *                  second device of one kind, ::COCO_ERR_LIMIT beyond 16 of them
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_add_device(coco_kbc *kbc, coco_attester *attester,
                                                         coco_error **err);

/**
 * Trusts the CAs in @p pem for the broker's TLS, instead of the system's. A certificate of
 * the broker itself pins that, whoever made it; its name and its dates count all the same.
 *
 * @param kbc  whose
 * @param pem  one or more certificates
 * @param len  number of its bytes
 * @param err  ::COCO_ERR_PROTO if there is no certificate in it
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_set_tls_ca(coco_kbc *kbc, const uint8_t *pem,
                                                         size_t len, coco_error **err);

/**
 * Sets the proxy that the broker is reached through.
 *
 * @param kbc       whose; nothing happens if it asks no server
 * @param url       as coco_image_client_set_proxy() takes it, "" for none, or NULL for
 *                  what the environment says, which is the default
 * @param no_proxy  hosts that are reached directly, with commas between, or NULL
 * @param err       as coco_image_client_set_proxy()
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_set_proxy(coco_kbc *kbc, const char *url,
                                                        const char *no_proxy, coco_error **err);

/**
 * Sets how often a request is made again when the network fails or the broker is
 * busy, with growing pauses; 4 times unless told otherwise, 8 while a broker says
 * when to come back. What the broker refuses is never asked again.
 *
 * @param kbc      whose; nothing happens if it asks no server
 * @param retries  tries after the first; 0 for none
 */
COCO_API void coco_kbc_set_retries(coco_kbc *kbc, uint32_t retries);

/**
 * Shows a token that was got elsewhere, a passport, instead of attesting.
 *
 * @param kbc       whose
 * @param passport  JSON as coco_kbc_get_passport() gives it, and upstream's
 *                  attestation-agent: `{"token": "<JWT>", "tee_keypair": "<PEM>"}`
 * @param len       number of its bytes
 * @param err       ::COCO_ERR_PROTO for what is none, ::COCO_ERR_VERIFY if the token's
 *                  time is over, ::COCO_ERR_NOTSUP for another kind of key, or if this KBC
 *                  shows no token
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_set_passport(coco_kbc *kbc, const uint8_t *passport,
                                                           size_t len, coco_error **err);

/** Sets the kind of the key pair; before the first request. */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_set_tee_key(coco_kbc *kbc, coco_tee_key kind,
                                                          coco_error **err);

/**
 * Sends the initdata document @p toml along, which the evidence is bound to.
 *
 * @param kbc   whose
 * @param toml  the text exactly as it was measured
 * @param err   ::COCO_ERR_NOTSUP if this KBC does not attest
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_set_init_data(coco_kbc *kbc, const char *toml,
                                                            coco_error **err);

/**
 * Gets the resource @p uri, `kbs:///<repository>/<type>/<tag>[?<query>]`; or what a plug-in of
 * the broker has, `kbs+<plugin>:///<path>[?<query>]`. Of a query the broker's policies make what
 * they want; KBCs other than cc_kbc refuse it.
 *
 * A host in the URI is ignored: the broker is the one this KBC was made for.
 * The first call attests; later ones use the session while it lasts.
 *
 * @param kbc  which broker
 * @param ctx  progress and cancellation
 * @param uri  what to get
 * @param ret  the secret; free with coco_bytes_free()
 * @param err  ::COCO_ERR_INVALID for a malformed URI, ::COCO_ERR_NOTFOUND,
 *             ::COCO_ERR_DENIED by the broker's policy, ::COCO_ERR_NET,
 *             ::COCO_ERR_PROTO and ::COCO_ERR_VERIFY for a broken answer,
 *             ::COCO_ERR_LIMIT, of cc_kbc for an answer of more than 96 MiB, in which 64 MiB
 *             are encrypted, ::COCO_ERR_CANCELED
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_get_resource(coco_kbc *kbc, coco_ctx *ctx,
                                                           const char *uri, coco_bytes **ret,
                                                           coco_error **err);

/** A lease of coco_kbc_get_leased() that has no end. */
#define COCO_KBC_NO_LEASE UINT32_MAX

/**
 * Gets the resource @p uri as coco_kbc_get_resource() does, with how long it may be used.
 *
 * A broker may give a secret for some time alone, as coco-kbs does by its configuration or
 * its policy, in the max-age of a Cache-Control. Whoever wants to use it for longer gets it
 * again by then; coco_kbc_watch() does.
 *
 * @param kbc    which broker
 * @param ctx    progress and cancellation
 * @param uri    what to get
 * @param ret    the secret; free with coco_bytes_free()
 * @param lease  seconds that it may be used, from the begin of the call on, or
 *               ::COCO_KBC_NO_LEASE
 * @param err    as coco_kbc_get_resource()
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_get_leased(coco_kbc *kbc, coco_ctx *ctx,
                                                         const char *uri, coco_bytes **ret,
                                                         uint32_t *lease, coco_error **err);

/**
 * Asks a plug-in of the broker, coco/kbs_plugin.h: sends @p data to `kbs+<plugin>:///<path>`, as
 * POST does. coco_kbc_get_resource() with such a URI GETs what a plug-in has. Nothing is
 * sent twice, unless the broker said that it did nothing.
 *
 * @param kbc   which broker
 * @param ctx   progress and cancellation
 * @param uri   `kbs+<plugin>:///<path>[?<query>]`; a host in it is ignored
 * @param data  what the plug-in is told, such as a request for a certificate
 * @param len   number of its bytes, at most 16 MiB
 * @param ret   what it replies; free with coco_bytes_free(). If it was encrypted to this guest, it
 *              is decrypted; what everybody may read comes as it is, and only TLS says from whom
 * @param err   as coco_kbc_get_resource(); ::COCO_ERR_NOTSUP if this KBC's broker has no plug-ins
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_ask_plugin(coco_kbc *kbc, coco_ctx *ctx,
                                                         const char *uri, const uint8_t *data,
                                                         size_t len, coco_bytes **ret,
                                                         coco_error **err);

/**
 * Called with the resource that is watched: as it is first, and whenever it is another; and
 * when it may be used no longer.
 *
 * @param user  what was given with the function
 * @param data  the resource, valid during the call; NULL: what was given before may not be used
 *              any more. The watch ends then
 * @param len   number of its bytes
 * @return      whether to go on watching
 */
typedef bool coco_kbc_watch_fn(void *user, const uint8_t *data, size_t len);

/**
 * Watches the resource @p uri: gets it, and again from time to time, and calls @p fn when
 * it is another than before. It blocks until @p fn returns false, or @p ctx is canceled.
 *
 * A broker that tells versions apart, as coco-kbs does, sends a secret only when it has
 * changed. While the broker is not to be reached, or what answers in its place is not its
 * word, what there was is taken to hold, and the log says so; when it refuses, or the resource
 * is gone, the watch ends with that, and @p fn is told. A lease (coco_kbc_get_leased()) is
 * renewed when a third of it is left, if not before; one that could not be, for whatever
 * reason, ends the watch, too, and @p fn is told: 10 seconds after its end at the latest, if
 * an answer is on its way then. Leases are told by the time since the boot, not by that of
 * day.
 *
 * @param kbc      which broker
 * @param ctx      log and cancellation
 * @param uri      what to watch
 * @param seconds  between two looks, about: up to a quarter more or less, so that
 *                 many guests do not look at once; 0 for 60, at most 86400
 * @param fn       called on the calling thread
 * @param user     given to @p fn
 * @param err      ::COCO_ERR_CANCELED, ::COCO_ERR_INVALID, and as coco_kbc_get_resource()
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_watch(coco_kbc *kbc, coco_ctx *ctx, const char *uri,
                                                    uint32_t seconds, coco_kbc_watch_fn *fn,
                                                    void *user, coco_error **err);

/**
 * Has a key encrypted by another, which stays where it is: in a key management
 * service, or in a token of hardware. Envelopes of sealed secrets are made so.
 *
 * @param kbc  who has the other key
 * @param ctx  progress and cancellation
 * @param id   the other key, as @p kbc calls it
 * @param key  1 to 4096 bytes
 * @param len  number of them
 * @param ret  the wrapped key; free with coco_bytes_free()
 * @param err  ::COCO_ERR_NOTSUP if this KBC wraps no keys, ::COCO_ERR_NOTFOUND for an
 *             unknown @p id, and as coco_kbc_get_resource()
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_wrap_key(coco_kbc *kbc, coco_ctx *ctx, const char *id,
                                                       const uint8_t *key, size_t len,
                                                       coco_bytes **ret, coco_error **err);

/**
 * Has a key decrypted that coco_kbc_wrap_key() gave, or another's client of the
 * same service.
 *
 * A broker's plug-in may have it: its @p id is then a URI of the plug-in, such as
 * `kbs+pkcs11:///wrap-key`, for which the broker's owner has wrapped keys.
 *
 * @param kbc      who has the key @p id
 * @param ctx      progress and cancellation
 * @param id       as of coco_kbc_wrap_key()
 * @param wrapped  1 to 16384 bytes
 * @param len      number of them
 * @param ret      the key; free with coco_bytes_free(), which wipes it
 * @param err      as coco_kbc_wrap_key(); ::COCO_ERR_VERIFY for what @p id has not wrapped
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_unwrap_key(coco_kbc *kbc, coco_ctx *ctx,
                                                         const char *id, const uint8_t *wrapped,
                                                         size_t len, coco_bytes **ret,
                                                         coco_error **err);

/**
 * Attests and gets the broker's token about this machine.
 *
 * @param kbc  which broker
 * @param ctx  progress and cancellation
 * @param ret  the token, a JWT; free with coco_bytes_free()
 * @param err  as coco_kbc_get_resource(); ::COCO_ERR_NOTSUP if this KBC does
 *             not attest
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_attest(coco_kbc *kbc, coco_ctx *ctx, coco_bytes **ret,
                                                     coco_error **err);

/**
 * Attests and gets a token about this machine that is for @p audience alone, which the
 * broker itself does not take.
 *
 * Whom tokens may be for is a matter of the broker's configuration. Upstream's brokers
 * know nothing of it.
 *
 * @param kbc       which broker
 * @param ctx       progress and cancellation
 * @param audience  who is to be shown the token, as that calls itself, a URI mostly: 1 to 255
 *                  bytes of printable ASCII. It is the claim "aud" (RFC 7519, 4.1.3)
 * @param ret       the token, a JWT; free with coco_bytes_free()
 * @param err       as coco_kbc_attest(); ::COCO_ERR_INVALID for another form,
 *                  ::COCO_ERR_DENIED if the broker makes none for @p audience,
 *                  ::COCO_ERR_NOTSUP if it knows no audiences
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_attest_for(coco_kbc *kbc, coco_ctx *ctx,
                                                         const char *audience, coco_bytes **ret,
                                                         coco_error **err);

/**
 * Gets a token that is still valid with the private key that it is for, which
 * secrets for whoever shows it are encrypted to; attests only if it has none.
 *
 * Another broker that trusts this one's tokens takes it: coco_kbc_set_passport().
 *
 * @param kbc  which broker
 * @param ctx  progress and cancellation
 * @param ret  `{"token": "<JWT>", "tee_keypair": "<PEM>"}`, which is secret; free with
 *             coco_bytes_free(), which wipes it
 * @param err  as coco_kbc_attest()
 */
COCO_API COCO_MUST_CHECK coco_status coco_kbc_get_passport(coco_kbc *kbc, coco_ctx *ctx,
                                                           coco_bytes **ret, coco_error **err);

#ifdef __cplusplus
}
#endif

#endif
