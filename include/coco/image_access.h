/*
 * coco/image_access.h - how images are reached and opened
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_ACCESS_H
#define COCO_IMAGE_ACCESS_H

#include <coco/context.h>
#include <coco/error.h>
#include <coco/kbc.h>
#include <coco/store.h>
#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Clients of registries.
 *
 * A client is what all calls about images have in common: registries and how they are
 * reached, credentials, the policy, the platform, and the keys that open layers.
 *
 * Threads: it belongs to one thread at a time.
 */

/** How images are reached and opened: registries, credentials, keys, policy. */
typedef struct coco_image_client coco_image_client;

/** Creates a client that knows no credentials, no keys and no policy. */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_new(coco_image_client **ret,
                                                           coco_error **err);

/** Frees @p client and wipes its keys; NULL is fine. */
COCO_API void coco_image_client_free(coco_image_client *client);

/** Speaks HTTP without TLS to registries, if @p on. */
COCO_API void coco_image_client_set_plain_http(coco_image_client *client, bool on);

/** Trusts the CAs in @p pem for registries, instead of the system's. */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_set_tls_ca(coco_image_client *client,
                                                                  const uint8_t *pem, size_t len,
                                                                  coco_error **err);

/**
 * Sets a directory of certificates that every registry has, as `--cert-dir` of
 * skopeo: each `*.crt` holds CAs that are trusted besides the others, `*.cert`
 * and the `*.key` of the same name are a client certificate, with what stands
 * between it and its CA behind it, and its key.
 *
 * A registry that asks for a client certificate is shown the first, by name,
 * that comes from one of the CAs it names. Hosts that registries send us to see
 * none of it. The directory is read again for each registry.
 *
 * @param client  whose
 * @param dir     instead of what coco_image_client_add_certs_tree() added; NULL
 *                for none
 * @param err     ::COCO_ERR_IO if it cannot be read, ::COCO_ERR_INVALID for a
 *                certificate without its key or the other way around, or a file
 *                that is none, ::COCO_ERR_PROTO for what is no certificate or no
 *                key, ::COCO_ERR_NOTSUP for a key of another kind than
 *                coco_image_client_add_key() takes, or Ed25519, ::COCO_ERR_LIMIT
 *                for more than 64 such files or 16 client certificates
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_set_certs_dir(coco_image_client *client,
                                                                     const char *dir,
                                                                     coco_error **err);

/**
 * Adds a tree of such directories, each for one host, such as
 * `/etc/containers/certs.d`: `<dir>/<host>[:<port>]/`.
 *
 * The first tree that has a directory for a host is the one that counts for it.
 * That goes for registries and for all hosts that they send us to, each with its
 * own. They are read when a connection is made: what is wrong with them is an
 * error of the pull or push.
 *
 * @param client  whose
 * @param dir     the tree; it need not be there
 * @param err     ::COCO_ERR_LIMIT for the 9th
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_add_certs_tree(coco_image_client *client,
                                                                      const char *dir,
                                                                      coco_error **err);

/**
 * Sets the proxy that registries, and the hosts they send us to, are reached
 * through.
 *
 * With TLS it is asked for a tunnel and sees the host's name and port, nothing
 * of what is said. Its user and password are for it alone and in no message.
 * Without this call, and with @p url NULL, `http_proxy`, `https_proxy`,
 * `HTTPS_PROXY`, `all_proxy`, `ALL_PROXY`, `no_proxy` and `NO_PROXY` of the
 * environment say it.
 *
 * @param client    whose
 * @param url       `http://host[:port]`, `https://…`, where the proxy itself speaks
 *                  TLS, `socks5://…` or `socks5h://…`, where it resolves names; user and password
 * may stand before the host as in any URL; "" for none, whatever the environment says
 * @param no_proxy  hosts that are reached directly, with `,` between: names with
 *                  all names below them, addresses, `address/bits`, or `*`; NULL
 *                  for none, or for what the environment says if @p url is NULL
 * @param err       ::COCO_ERR_INVALID if it is no such URL, ::COCO_ERR_NOTSUP for
 *                  an older socks, ::COCO_ERR_LIMIT for a URL of more than 4 KiB or a
 *                  list of more than 64 KiB
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_set_proxy(coco_image_client *client,
                                                                 const char *url,
                                                                 const char *no_proxy,
                                                                 coco_error **err);

/**
 * Sets a cache of the host, such as `coco-cache`, that is asked before the registry
 * and its mirrors.
 *
 * It is asked for what has a digest: manifests and blobs, which are verified as
 * always. What a tag means the registry itself is asked. The cache is shown no
 * credentials; what it has not, refuses or delivers wrong comes from the registry.
 * Nothing is put there.
 *
 * @param client   whose
 * @param address  `unix:/PATH`, `vsock:CID:PORT` (the host is CID 2), `IPv4:PORT` or
 *                 `[IPv6]:PORT`, where HTTP is spoken without TLS
 * @param err      ::COCO_ERR_INVALID if it is no such address
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_set_cache(coco_image_client *client,
                                                                 const char *address,
                                                                 coco_error **err);

/**
 * Sets credentials from a containers `auth.json`, or docker's `config.json`.
 *
 * A registry that asks for them gets those of the longest key of `auths` that
 * is the image's registry and repository or a part of it, at a `/`: a user with
 * a password, or an `identitytoken`, which its token server trades. Those that
 * `credHelpers` and `credsStore` keep elsewhere need
 * coco_image_client_set_helpers().
 *
 * @param client  whose; what was set and added before is forgotten
 * @param json    `{"auths":{"host[/path]":{"auth":"<base64 user:password>"}}}`
 * @param len     number of its bytes
 * @param err     ::COCO_ERR_PROTO if it is not such a file
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_set_auth(coco_image_client *client,
                                                                const uint8_t *json, size_t len,
                                                                coco_error **err);

/**
 * Adds another such file, which is looked into for what the ones before it lack.
 *
 * @param client  whose
 * @param json    as for coco_image_client_set_auth()
 * @param len     number of its bytes
 * @param err     ::COCO_ERR_PROTO if it is not such a file, ::COCO_ERR_LIMIT for the
 *                17th
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_add_auth(coco_image_client *client,
                                                                const uint8_t *json, size_t len,
                                                                coco_error **err);

/**
 * Takes another such file from the key broker of coco_image_client_set_kbc(), for
 * what the others lack.
 *
 * The broker is asked the first time that a registry wants to see credentials
 * and no other file has any. What it says is kept until a registry refuses it,
 * when the next pull asks again, as after a failure.
 *
 * @param client  whose
 * @param uri     `kbs:///<repository>/<type>/<tag>`; NULL for none
 * @param err     ::COCO_ERR_INVALID if it is not of that form
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_set_auth_resource(coco_image_client *client,
                                                                         const char *uri,
                                                                         coco_error **err);

/**
 * Allows credential helpers, the programs `docker-credential-<name>`, to be run
 * when an `auth.json` names them. By default none is, and then credentials that
 * one would have to be asked for are ::COCO_ERR_NOTSUP.
 *
 * A helper is run without a shell or a terminal, for a minute at most. Of this
 * process's environment it sees `HOME`, `USER`, `LOGNAME`, `GNUPGHOME`,
 * `PASSWORD_STORE_DIR`, `XDG_CONFIG_HOME`, `XDG_RUNTIME_DIR` and
 * `DBUS_SESSION_BUS_ADDRESS`, and @p path as `PATH`.
 *
 * @param client  whose
 * @param path    absolute directories to look for them, with `:` between; NULL
 *                for none
 * @param err     ::COCO_ERR_INVALID for anything else
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_set_helpers(coco_image_client *client,
                                                                   const char *path,
                                                                   coco_error **err);

/**
 * Sets where images are got from, by a containers `registries.conf` (version 2).
 *
 * The `[[registry]]` with the longest `prefix` of an image's name says whether
 * it is `blocked`, which `[[registry.mirror]]` are asked for it, in their order,
 * and which `location` after them. What one fails with is told when all of them
 * do. Images are put where their names say. Of both, `insecure` means without
 * TLS. The policy is always about the name that was asked for, and each registry
 * is shown its own credentials only. A name without a registry is refused if the
 * file would look for it elsewhere than on `docker.io`.
 *
 * @param client  whose
 * @param toml    the file
 * @param len     number of its bytes
 * @param err     ::COCO_ERR_PROTO if it is not such a file or has keys that are not
 *                known, ::COCO_ERR_NOTSUP for one of version 1, ::COCO_ERR_LIMIT for
 *                more than 16 mirrors of one registry
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_set_registries(coco_image_client *client,
                                                                      const uint8_t *toml,
                                                                      size_t len, coco_error **err);

/**
 * Sets the policy, a containers `policy.json`, that pulled images must meet.
 *
 * Without one only references with a digest are pulled. Requirements this
 * build cannot check refuse the image. Keys that it names are read when an image is
 * judged: a path of a file, or `kbs:///…`, a resource of the broker of
 * coco_image_client_set_kbc().
 *
 * Besides the requirements of containers-policy.json(5) there are `notationSigned` and
 * `inTotoAttested`, and further members of `sigstoreSigned`: doc/image-policy.md.
 *
 * @param client  whose
 * @param json    the policy
 * @param len     number of its bytes
 * @param err     ::COCO_ERR_PROTO if it is not a policy, ::COCO_ERR_NOTSUP if it demands what
 *                is never checked: whether certificates of Notation were revoked
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_set_policy(coco_image_client *client,
                                                                  const uint8_t *json, size_t len,
                                                                  coco_error **err);

/**
 * Adds a file of containers-registries.d(5), which says where signatures are kept.
 *
 * Of `docker` the most specific scope counts, and `default-docker` where there is none:
 * `lookaside` (or `sigstore`), a URL of `file`, `http` or `https` under which simple signing
 * keeps them, and `use-sigstore-attachments`, whether those of cosign in the registry count,
 * which is `false` then if it is not there. Without any such file they count, and registries are
 * asked whether they keep others (X-Registry-Supports-Signatures).
 *
 * What is for writing, `lookaside-staging` and `sigstore-staging`, is for coco_image_sign_pgp().
 *
 * @param client  whose
 * @param yaml    the file
 * @param len     number of its bytes
 * @param err     ::COCO_ERR_PROTO if it is not such a file, or says what another has said already;
 *                ::COCO_ERR_NOTSUP for YAML that such files do not need, ::COCO_ERR_LIMIT for more
 *                than 64 KiB
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_add_lookaside(coco_image_client *client,
                                                                     const uint8_t *yaml,
                                                                     size_t len, coco_error **err);

/**
 * Chooses from multi-platform images; the default is this machine.
 *
 * @param client    whose
 * @param platform  `os/architecture[/variant]`
 * @param err       ::COCO_ERR_INVALID if it is not of that form
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_set_platform(coco_image_client *client,
                                                                    const char *platform,
                                                                    coco_error **err);

/**
 * Adds a private key that opens layers encrypted to its public half.
 *
 * @param client  whose
 * @param key     PEM, DER or JWK: RSA of 2048 to 8192 bits, P-256, P-384 or P-521; under a
 *                password only if it is one of coco_image_client_add_password()
 * @param len     number of its bytes
 * @param err     ::COCO_ERR_PROTO if it is no private key, ::COCO_ERR_NOTSUP if it is another
 *                kind of one, or under a password where there are none, ::COCO_ERR_DENIED if
 *                none opens it, ::COCO_ERR_LIMIT if it is too long or the 1025th
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_add_key(coco_image_client *client,
                                                               const uint8_t *key, size_t len,
                                                               coco_error **err);

/**
 * Adds a password that keys under one are tried with: those that are added afterwards by
 * coco_image_client_add_key(), all of coco_image_client_add_pgp_keys(), and what
 * coco_image_sign() signs by.
 *
 * @param client    whose
 * @param password  copied, and wiped with @p client; without the line's end of its file
 * @param len       number of its bytes
 * @param err       ::COCO_ERR_INVALID for one with a NUL, ::COCO_ERR_LIMIT for one of more than
 *                  255 bytes and for the 17th
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_add_password(coco_image_client *client,
                                                                    const uint8_t *password,
                                                                    size_t len, coco_error **err);

/**
 * Adds keys of OpenPGP: secret ones open layers encrypted to them, and all are looked through
 * by coco_image_client_add_pgp_recipient().
 *
 * It needs RNP's library, which is loaded here. Once there are such keys, @p client is for one
 * thread at a time even where it was not.
 *
 * @param client  whose
 * @param keys    a keyring or what `gpg --export` or `--export-secret-keys` gives, binary or
 *                armored
 * @param len     number of its bytes
 * @param err     ::COCO_ERR_PROTO if there are no keys in it, ::COCO_ERR_LIMIT for more than
 *                4 MiB, ::COCO_ERR_NOTSUP where there is no RNP
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_add_pgp_keys(coco_image_client *client,
                                                                    const uint8_t *keys, size_t len,
                                                                    coco_error **err);

/**
 * Sets which modules of PKCS#11 may be loaded, by a file as `$OCICRYPT_CONFIG` names it.
 *
 * Without it they are those in the directories that systems have for them:
 * `/usr/lib64/pkcs11`, `/usr/lib/pkcs11`, `/usr/local/lib/pkcs11`, `/usr/lib/softhsm` and
 * Debian's directory of libraries.
 *
 * @param client  whose
 * @param yaml    `pkcs11:` with the lists `module-directories:` and `allowed-module-paths:`
 * @param len     number of its bytes
 * @param err     ::COCO_ERR_PROTO if it is no such file, ::COCO_ERR_NOTSUP for YAML that such
 *                files have no need of
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_set_pkcs11_modules(coco_image_client *client,
                                                                          const uint8_t *yaml,
                                                                          size_t len,
                                                                          coco_error **err);

/**
 * Adds a private key in a token of PKCS#11 that opens layers encrypted to it.
 *
 * The module is loaded, and the token asked, when there is a layer to open. What the file sets
 * in the environment is set there at once and for good: no other thread may look at the
 * environment meanwhile.
 *
 * @param client  whose
 * @param yaml    a key file as ocicrypt has it: `pkcs11:` with `uri:`, `module:` with `env:`
 * @param len     number of its bytes
 * @param err     ::COCO_ERR_PROTO or ::COCO_ERR_INVALID if it is no such file, or sets in the
 *                environment what is there with another value, ::COCO_ERR_DENIED for a module
 *                that may not be loaded, ::COCO_ERR_NOTFOUND for one that is nowhere,
 *                ::COCO_ERR_LIMIT for the 17th
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_add_pkcs11_key(coco_image_client *client,
                                                                      const uint8_t *yaml,
                                                                      size_t len, coco_error **err);

/**
 * Adds the certificate of a key that was or will be added, so that layers encrypted to it
 * by PKCS #7 can be opened.
 *
 * A certificate alone opens nothing, and nothing else of it is looked at: who may encrypt is
 * not its to say.
 *
 * @param client  whose
 * @param cert    PEM or DER, with an RSA key
 * @param len     number of its bytes
 * @param err     ::COCO_ERR_PROTO if it is no certificate, ::COCO_ERR_NOTSUP if its key is
 *                of another kind, ::COCO_ERR_LIMIT if it is too long or the 17th
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_add_certificate(coco_image_client *client,
                                                                       const uint8_t *cert,
                                                                       size_t len,
                                                                       coco_error **err);

/**
 * Sets which key providers there are, by a file as `$OCICRYPT_KEYPROVIDER_CONFIG` names it.
 *
 * A provider is a command, which has this process's environment, or is asked by gRPC or
 * ttrpc. The file is as much to be trusted as a key: it says what is run, and who sees keys.
 *
 * @param client  whose; what was set before is forgotten, and so are recipients and openers by
 *                a provider
 * @param json    `{"key-providers":{"NAME":{"cmd":{"path":"/FILE","args":[…]}}}}`, or
 *                `"grpc":"HOST:PORT"`, with or without `grpc-tls`, or `"ttrpc":"unix:///PATH"`
 * @param len     number of its bytes
 * @param err     ::COCO_ERR_PROTO if it is no such file, ::COCO_ERR_LIMIT for the 33rd. What it
 *                says of one provider, and is not understood, is told when that one is added
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_set_key_providers(coco_image_client *client,
                                                                         const uint8_t *json,
                                                                         size_t len,
                                                                         coco_error **err);

/**
 * Lets a key provider open layers encrypted for `provider.NAME`.
 *
 * @param client     whose
 * @param name       of coco_image_client_set_key_providers()
 * @param parameter  what it is told, as it wants it; NULL for nothing
 * @param err        ::COCO_ERR_NOTFOUND if there is none of that name, ::COCO_ERR_PROTO for what
 *                   is no way to ask it, ::COCO_ERR_NOTSUP for `insecure-skip-verify`,
 *                   ::COCO_ERR_LIMIT for the 17th
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_add_provider_key(coco_image_client *client,
                                                                        const char *name,
                                                                        const char *parameter,
                                                                        coco_error **err);

/**
 * Gets the keys of layers encrypted for a key broker, and what
 * coco_image_client_set_auth_resource() names, from @p kbc.
 *
 * @param client  whose
 * @param kbc     lent; must outlive @p client; NULL for none
 */
COCO_API void coco_image_client_set_kbc(coco_image_client *client, coco_kbc *kbc);

/**
 * Restricts which resources coco_image_client_set_kbc()'s broker may be asked
 * for as keys of layers.
 *
 * A layer's annotations are the registry's to write and may name any resource.
 * What lies outside of @p prefix is refused with ::COCO_ERR_DENIED before the
 * broker hears of it. The default is `kbs:///`: all of them.
 *
 * @param client  whose
 * @param prefix  `kbs:///`, `kbs:///<repository>/` or `kbs:///<repository>/<type>/`
 * @param err     ::COCO_ERR_INVALID if it is not of that form
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_set_kek_prefix(coco_image_client *client,
                                                                      const char *prefix,
                                                                      coco_error **err);

/**
 * Pulls only images all of whose layers are encrypted, if @p on; others are
 * refused with ::COCO_ERR_VERIFY before a byte of a layer is asked for.
 *
 * So nobody can put a plain layer in the place of an encrypted one. Whoever has
 * the public half of a key can encrypt for it, though: what an image is, is for
 * coco_image_client_set_policy(), a digest, or a broker that releases its key.
 */
COCO_API void coco_image_client_set_require_encryption(coco_image_client *client, bool on);

/**
 * Lets pulls unpack layers into @p store, and use those that are there already.
 *
 * A bundle is made of the store's files then: by copies that share their content with
 * them where the file system can do that, or with ::COCO_IMAGE_OVERLAY. What
 * coco_image_bytes_read() tells is what was not there.
 *
 * @param client  whose
 * @param store   lent; must outlive @p client; NULL for none
 */
COCO_API void coco_image_client_set_store(coco_image_client *client, coco_store *store);

#ifdef __cplusplus
}
#endif

#endif
