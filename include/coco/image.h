/*
 * coco/image.h - container images: pull and decrypt, encrypt and push
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_H
#define COCO_IMAGE_H

#include <coco/bytes.h>
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
 * Images.
 *
 * The registry is outside the trust boundary: nothing it sends is used before
 * its size is bounded and its digest checked, and nothing becomes visible before
 * all of it was.
 *
 * An image is named as containers-transports(5) has it:
 *
 * - `ghcr.io/acme/app:1`, or `docker://…`, which is the same: in a registry;
 * - `oci:PATH[:TAG]`: in the OCI layout at PATH, among others;
 * - `dir:PATH`: alone in a directory, its blobs as files;
 * - `oci-archive:PATH[:TAG]`: in an OCI layout that is a tar file, not compressed.
 *   Blobs are read where they lie in it. What is written replaces the file.
 * - `docker-archive:PATH[:NAME[:TAG]]`: in a tar file as `docker save` has it, or
 *   `docker-archive:PATH:@N` for the Nth from 0; without either there must be one.
 *   Its layers are not encrypted, and its manifest is made of what is there, the
 *   same each time. Only a new file is written.
 *
 * Behind each, `@sha256:…` says which manifest it must be.
 *
 * Threads: an object belongs to one thread at a time. A coco_image_ref never
 * changes after it is parsed and may be shared.
 */

/** A parsed image reference, such as `ghcr.io/acme/app@sha256:…`. */
typedef struct coco_image_ref coco_image_ref;

/** How images are reached and opened: registries, credentials, keys, policy. */
typedef struct coco_image_client coco_image_client;

/** What a pull or push came to. */
typedef struct coco_image coco_image;

/**
 * Parses @p text.
 *
 * As elsewhere in the field, `busybox` means `docker.io/library/busybox:latest`:
 * the first component is a registry only if it has a `.` or `:` or is
 * `localhost`, and a missing tag is `latest` unless there is a digest.
 *
 * @param text  reference, NUL-terminated UTF-8; one of these in front, where
 *              a registry of such a name needs its `docker://`
 * @param ret   the reference; free with coco_image_ref_free()
 * @param err   ::COCO_ERR_INVALID if @p text is not a reference
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_ref_parse(const char *text, coco_image_ref **ret,
                                                          coco_error **err);

/** Frees @p ref; NULL is fine. */
COCO_API void coco_image_ref_free(coco_image_ref *ref);

/** Transport: "docker", "oci", "dir", "oci-archive" or "docker-archive". Static. */
COCO_API const char *coco_image_ref_transport(const coco_image_ref *ref);

/** Host and optional port; NULL for all but "docker". Valid as long as @p ref. */
COCO_API const char *coco_image_ref_registry(const coco_image_ref *ref);

/** Repository without the registry, or the path. Valid as long as @p ref. */
COCO_API const char *coco_image_ref_repository(const coco_image_ref *ref);

/**
 * Tag, or NULL if there is none; in a docker-archive the image's whole name with
 * its tag, or `@N`. Valid as long as @p ref.
 */
COCO_API const char *coco_image_ref_tag(const coco_image_ref *ref);

/** Digest as `sha256:<64 hex digits>`, or NULL. Valid as long as @p ref. */
COCO_API const char *coco_image_ref_digest(const coco_image_ref *ref);

/** The whole reference in its full form, which means the same. Valid as long as @p ref. */
COCO_API const char *coco_image_ref_text(const coco_image_ref *ref);

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
 * @param err     ::COCO_ERR_PROTO if it is no such file, ::COCO_ERR_NOTSUP for
 *                `insecure-skip-verify`, ::COCO_ERR_LIMIT for the 33rd
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
 * @param err        ::COCO_ERR_NOTFOUND if there is none of that name, ::COCO_ERR_LIMIT for the
 *                   17th
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
 * Adds a recipient that encrypted layers can be opened by: the holder of the
 * private half of @p key.
 *
 * @param client  whose
 * @param key     public key or certificate, PEM, DER or JWK, of a kind that
 *                coco_image_client_add_key() takes
 * @param len     number of its bytes
 * @param err     ::COCO_ERR_PROTO if it is no public key, ::COCO_ERR_NOTSUP if it is
 *                another kind of one, ::COCO_ERR_LIMIT if it is too long or the 17th
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_add_recipient(coco_image_client *client,
                                                                     const uint8_t *key, size_t len,
                                                                     coco_error **err);

/**
 * Adds a recipient by PKCS #7: the holder of the key of @p cert, whose dates are not looked
 * at.
 *
 * Guests that get their keys from a broker do not read it; ocicrypt's users (skopeo, podman,
 * nerdctl, imgcrypt) do.
 *
 * @param client  whose
 * @param cert    PEM or DER, with an RSA key
 * @param len     number of its bytes
 * @param err     as coco_image_client_add_certificate()
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_add_certificate_recipient(
    coco_image_client *client, const uint8_t *cert, size_t len, coco_error **err);

/**
 * Adds a recipient by OpenPGP: the holders of all keys that have this name.
 *
 * Guests that get their keys from a broker do not read it; ocicrypt's users do.
 *
 * @param client  whose
 * @param who     an e-mail address or a name, as in a key's user ID, or a fingerprint: of keys
 *                that coco_image_client_add_pgp_keys() added
 * @param err     ::COCO_ERR_NOTFOUND if there is none, ::COCO_ERR_DENIED if one of them has
 *                expired, is revoked or is not to encrypt to, ::COCO_ERR_LIMIT for the 17th
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_add_pgp_recipient(coco_image_client *client,
                                                                         const char *who,
                                                                         coco_error **err);

/**
 * Adds a recipient by PKCS#11: the holder of a token.
 *
 * A layer's key is wrapped by RSA-OAEP, with SHA-256 unless
 * coco_image_client_set_pkcs11_hash() says otherwise, which 2048 bits are too short for.
 *
 * @param client  whose
 * @param key     public key (PEM, DER or JWK) of RSA, or a key file as
 *                coco_image_client_add_pkcs11_key() takes
 * @param len     number of its bytes
 * @param err     as coco_image_client_add_pkcs11_key(), ::COCO_ERR_NOTSUP if it is no key of RSA
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_add_pkcs11_recipient(
    coco_image_client *client, const uint8_t *key, size_t len, coco_error **err);

/**
 * Sets the hash of RSA-OAEP for recipients by PKCS#11, as `$OCICRYPT_OAEP_HASHALG` does for
 * ocicrypt. Some tokens know SHA-1 alone.
 *
 * @param client  whose
 * @param hash    `sha1` or `sha256`, which is the default
 * @param err     ::COCO_ERR_INVALID for another
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_set_pkcs11_hash(coco_image_client *client,
                                                                       const char *hash,
                                                                       coco_error **err);

/**
 * Adds a recipient: a key provider, which wraps the keys of layers its own way.
 *
 * @param client     whose
 * @param name       of coco_image_client_set_key_providers()
 * @param parameter  what it is told, such as a list of `key=value` for upstream's
 *                   coco_keyprovider; NULL for nothing
 * @param err        as coco_image_client_add_provider_key()
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_add_provider_recipient(
    coco_image_client *client, const char *name, const char *parameter, coco_error **err);

/**
 * Adds a recipient: whoever gets the resource @p uri from a key broker.
 *
 * @param client  whose
 * @param uri     `kbs:///<repository>/<type>/<tag>`
 * @param key     the 32 bytes that are, or will be, that resource
 * @param len     must be 32
 * @param err     ::COCO_ERR_INVALID for a malformed URI or another length,
 *                ::COCO_ERR_LIMIT for the 17th
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_add_kbs_recipient(
    coco_image_client *client, const char *uri, const uint8_t *key, size_t len, coco_error **err);

/**
 * Adds a layer that coco_image_encrypt() encrypts; the others are copied as they are.
 *
 * What the others hold anybody can read. Without any it encrypts all of them.
 *
 * @param client  whose
 * @param layer   from the bottom, which is 0, or from the top, which is -1
 * @param err     ::COCO_ERR_LIMIT for the 129th
 */
COCO_API COCO_MUST_CHECK coco_status
coco_image_client_add_encrypted_layer(coco_image_client *client, int32_t layer, coco_error **err);

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

/** What coco_image_options.flags is made of. */
typedef enum coco_image_flag {
    /**
     * Of a pull without the privileges for it: leave out owners and capabilities
     * that cannot be set, and put an empty file in the place of a device.
     *
     * A file whose owner is left out belongs to the caller and loses its setuid
     * and setgid bits; coco_image_ids_ignored() tells how many there are. Without
     * the flag such a file is an error. In a user namespace owners are set as far
     * as its mapping goes.
     */
    COCO_IMAGE_IGNORE_CHOWN = 1,
    /**
     * Of a pull with a store: mount `<dir>/rootfs`, over the store's files, instead of
     * copying them. What is written to it is kept in `<dir>/upper`.
     * coco_store_release() removes such a bundle. It takes the privilege to mount.
     */
    COCO_IMAGE_OVERLAY = 2,
    /**
     * Of coco_image_rekey(): those who can open the image now still can.
     */
    COCO_IMAGE_KEEP_RECIPIENTS = 4,
    /**
     * Of coco_image_encrypt(): what was put is not read again.
     */
    COCO_IMAGE_UNPROVED = 8,
    /**
     * Of coco_image_encrypt(), coco_image_decrypt() and coco_image_rekey(): the images of all
     * platforms, in an index again. What the index has besides images, such as attestations about
     * them, is left out, for it is about what was.
     */
    COCO_IMAGE_ALL_PLATFORMS = 16,
    /**
     * Of coco_image_encrypt(): no list of the layers' chunks and their MACs, by which whoever
     * pulls the image authenticates what it unpacks as it comes.
     */
    COCO_IMAGE_UNCHUNKED = 32,
} coco_image_flag;

/**
 * Limits of one pull or push. Set `size` to `sizeof(coco_image_options)` and
 * leave the rest 0 for the defaults. New members are only ever added at the end.
 */
typedef struct coco_image_options {
    size_t size;          /**< Size of this structure as the caller knows it. */
    uint64_t max_bytes;   /**< Bytes of all layers, compressed; 0 means 16 GiB. */
    uint64_t max_content; /**< Bytes of all files; 0 means 64 GiB. */
    uint64_t max_entries; /**< Files in all layers; 0 means 4 million. */
    uint32_t max_layers;  /**< Number of layers; 0 means 128. */
    uint32_t max_ratio;   /**< Compression of a layer, n to 1; 0 means 1100. */
    uint32_t flags;       /**< Of ::coco_image_flag, added up. */
    uint32_t reserved;    /**< Must be 0. */
    /**
     * How often a request to a registry that failed for a reason that may pass is
     * made again, with nothing gained in between; 0 means 4, UINT32_MAX never. A
     * layer goes on where it was cut, of a push if the registry kept what came; one
     * that is encrypted on its way begins again, under another key.
     */
    uint32_t retries;
    uint32_t stall_seconds; /**< Without progress until a transfer failed; 0 means 60. */
    /**
     * Bytes of buffers and decompressor windows of a pull, 1 MiB and up; 0 means 16
     * MiB. A layer with a larger window is ::COCO_ERR_LIMIT before any of it is
     * unpacked, and the message has the number that it needs.
     */
    uint64_t max_memory;
} coco_image_options;

/**
 * Pulls the image @p ref names and unpacks it into an OCI bundle.
 *
 * Blocks until done. Layers are decrypted, decompressed, checked and unpacked
 * as they arrive, with no copy of a blob on disk. `<dir>/rootfs` and
 * `<dir>/config.json` appear at once when everything was verified, or not at all.
 *
 * @param client  credentials, keys and policy
 * @param ctx     progress and cancellation
 * @param ref     what to pull
 * @param dir     must not exist, or be an empty directory
 * @param opts    limits, or NULL for the defaults
 * @param ret     the image; free with coco_image_free()
 * @param err     ::COCO_ERR_NOTFOUND, ::COCO_ERR_NET, ::COCO_ERR_PROTO,
 *                ::COCO_ERR_LIMIT, ::COCO_ERR_VERIFY, ::COCO_ERR_DENIED by the
 *                policy or the registry, ::COCO_ERR_CANCELED, ::COCO_ERR_IO
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_pull(coco_image_client *client, coco_ctx *ctx,
                                                     const coco_image_ref *ref, const char *dir,
                                                     const coco_image_options *opts,
                                                     coco_image **ret, coco_error **err);

/**
 * Copies the image @p from to @p to as it is.
 *
 * Encrypted layers stay encrypted; blobs that are there already are not sent
 * again. Of a multi-platform image the client's platform is copied.
 *
 * @param client  credentials
 * @param ctx     progress and cancellation
 * @param from    what to copy
 * @param to      where to
 * @param opts    limits, or NULL for the defaults
 * @param ret     the image; free with coco_image_free()
 * @param err     as coco_image_pull()
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_push(coco_image_client *client, coco_ctx *ctx,
                                                     const coco_image_ref *from,
                                                     const coco_image_ref *to,
                                                     const coco_image_options *opts,
                                                     coco_image **ret, coco_error **err);

/**
 * Copies the image @p from to @p to with its layers encrypted, all of them or those that
 * coco_image_client_add_encrypted_layer() named.
 *
 * Each layer has a key of its own, wrapped for every recipient that was added
 * to @p client; there must be one. Layers are encrypted as they are copied, in
 * constant memory.
 *
 * Then @p to is read again: each of these layers has to be there, encrypted, and to open by its
 * key. So it must by what @p client has that opens without asking anybody: private keys, tokens,
 * and those of coco_image_client_add_kbs_recipient(). With ::COCO_IMAGE_UNPROVED nothing is read.
 *
 * @param client  credentials and recipients
 * @param ctx     progress and cancellation
 * @param from    what to encrypt; these layers must not be encrypted yet
 * @param to      where to
 * @param opts    limits and flags, or NULL for the defaults
 * @param ret     the encrypted image; free with coco_image_free()
 * @param err     as coco_image_pull(); ::COCO_ERR_INVALID without a recipient or such a layer,
 *                ::COCO_ERR_VERIFY for what is read again and is not as it was put; then an image
 *                is there that should not be used
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_encrypt(coco_image_client *client, coco_ctx *ctx,
                                                        const coco_image_ref *from,
                                                        const coco_image_ref *to,
                                                        const coco_image_options *opts,
                                                        coco_image **ret, coco_error **err);

/**
 * Copies the image @p from to @p to with every layer decrypted.
 *
 * Nothing is there under @p to before all layers were authenticated. Layers that are not
 * encrypted are copied as they are.
 *
 * @param client  credentials and keys
 * @param ctx     progress and cancellation
 * @param from    what to decrypt; one of its layers must be encrypted
 * @param to      where to
 * @param opts    limits, or NULL for the defaults
 * @param ret     the plain image; free with coco_image_free()
 * @param err     as coco_image_pull(); ::COCO_ERR_NOTFOUND without any key,
 *                ::COCO_ERR_VERIFY if none opens a layer or a layer was tampered with,
 *                ::COCO_ERR_INVALID if no layer is encrypted
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_decrypt(coco_image_client *client, coco_ctx *ctx,
                                                        const coco_image_ref *from,
                                                        const coco_image_ref *to,
                                                        const coco_image_options *opts,
                                                        coco_image **ret, coco_error **err);

/**
 * Copies the encrypted image @p from to @p to for other recipients.
 *
 * The layers stay as they are, and so do the keys that they are encrypted with: only by whom
 * these are wrapped is made anew, for every recipient that was added to @p client. With
 * ::COCO_IMAGE_KEEP_RECIPIENTS those of @p from remain. Whoever is left out can still open
 * what they have kept of @p from; to lock them out, encrypt anew.
 *
 * @param client  credentials, keys that open @p from, and recipients; there must be one
 * @param ctx     progress and cancellation
 * @param from    an encrypted image
 * @param to      where to; may be the same as @p from
 * @param opts    limits and flags, or NULL for the defaults
 * @param ret     the image; free with coco_image_free()
 * @param err     as coco_image_decrypt(), and ::COCO_ERR_LIMIT for more than 16 keys of one kind
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_rekey(coco_image_client *client, coco_ctx *ctx,
                                                      const coco_image_ref *from,
                                                      const coco_image_ref *to,
                                                      const coco_image_options *opts,
                                                      coco_image **ret, coco_error **err);

/**
 * Describes an image without pulling its layers.
 *
 * @param client  credentials
 * @param ctx     cancellation
 * @param ref     which image
 * @param ret     JSON: reference, digest, mediaType, platform, config,
 *                layers (digest, size, mediaType, encrypted, recipients)
 * @param err     as coco_image_pull()
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_inspect(coco_image_client *client, coco_ctx *ctx,
                                                        const coco_image_ref *ref, coco_bytes **ret,
                                                        coco_error **err);

/**
 * Tells what a pull would take, without pulling.
 *
 * Of the layers only a few bytes are looked at, which nobody has verified: what is made
 * of them is an estimate.
 *
 * @param client  credentials, keys, store
 * @param ctx     cancellation
 * @param ref     which image
 * @param opts    limits, or NULL for the defaults
 * @param ret     JSON: reference, digest, layers (digest, size, mediaType, encrypted, here:
 *                whether the store has it, content: bytes when unpacked, window: bytes that
 *                its decompressor needs; null where it cannot be known), fetch (bytes of
 *                blobs that are not here), content (bytes on disk, as far as known),
 *                content_unknown (layers of which it is not), memory (max_memory that it
 *                takes), limits (why these options would refuse it, or null)
 * @param err     as coco_image_pull()
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_plan(coco_image_client *client, coco_ctx *ctx,
                                                     const coco_image_ref *ref,
                                                     const coco_image_options *opts,
                                                     coco_bytes **ret, coco_error **err);

/**
 * Tells whether the policy accepts an image, and what was checked, without pulling it.
 *
 * A refusal is no failure of the call: `accepted` says it.
 *
 * @param client  credentials and policy
 * @param ctx     cancellation
 * @param ref     which image
 * @param opts    limits, or NULL for the defaults
 * @param ret     JSON: reference, digest (null if its name alone refuses it), accepted, reason
 *                (unless accepted), scopes (transport, scope, requirements: type, accepted,
 *                reason, signatures: where, accepted, reason, checks: check, ok, detail)
 * @param err     as coco_image_pull()
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_judge(coco_image_client *client, coco_ctx *ctx,
                                                      const coco_image_ref *ref,
                                                      const coco_image_options *opts,
                                                      coco_bytes **ret, coco_error **err);

/**
 * Sets in which form coco_image_sign() leaves signatures.
 *
 * - `tag`, which is the default: one more of the tag `sha256-<hex>.sig`, as `cosign sign` of
 *   version 2 does it.
 * - `referrer`: an artifact of the OCI that refers to the image, as with cosign's
 *   `--registry-referrers-mode=oci-1-1`.
 * - `bundle`: a Sigstore bundle 0.3 that refers to the image, as with cosign's
 *   `--new-bundle-format`, which is what cosign 3 does. It signs a digest and no name, and images
 *   in an OCI layout as well.
 *
 * Where a registry has no list of what refers to an image, the index that the tag `sha256-<hex>`
 * names is kept instead.
 *
 * @param client  whose
 * @param form    one of these words
 * @param err     ::COCO_ERR_INVALID for another
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_client_set_signature_form(coco_image_client *client,
                                                                          const char *form,
                                                                          coco_error **err);

/**
 * Signs an image in a registry as cosign does, and puts the signature beside it.
 *
 * What is signed is what @p ref means: of a multi-platform image the index, which covers
 * all of them, and its name without the tag. Where the signature is says
 * coco_image_client_set_signature_form(); one that is there in the same form by the same key is
 * not made again.
 *
 * A key that stays in a token of PKCS#11 is named by its URI (RFC 7512), whose PIN is in the
 * file of its `pin-source`, or by a key file of ocicrypt's, as
 * coco_image_client_add_pkcs11_key() takes it; what is said there of modules, and of threads,
 * holds here. What a token has signed is verified before it is put anywhere.
 *
 * @param client  credentials, and passwords of keys that have one
 * @param ctx     cancellation
 * @param ref     an image in a registry, or with bundles in an OCI layout
 * @param key     private key, PEM (cosign's own among them), DER or JWK: P-256, P-384, P-521,
 *                RSA or Ed25519; or which one of a token it is, RSA or EC
 * @param len     number of its bytes
 * @param ret     JSON: reference, digest, signature (where it is), already (whether it was
 *                there)
 * @param err     as coco_image_push(); ::COCO_ERR_PROTO or ::COCO_ERR_NOTSUP for @p key,
 *                ::COCO_ERR_DENIED where no password opens it and for a wrong PIN,
 *                ::COCO_ERR_INVALID for a URI that is none or holds the PIN itself
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_sign(coco_image_client *client, coco_ctx *ctx,
                                                     const coco_image_ref *ref, const uint8_t *key,
                                                     size_t len, coco_bytes **ret,
                                                     coco_error **err);

/**
 * Signs an image in a registry by OpenPGP, as skopeo does: simple signing, in a lookaside.
 *
 * What is signed is what @p ref means, and its name with the tag, or with the digest where there
 * is no tag; of a multi-platform image each that its index names and then the index itself, for
 * some verify the one and some the other. A signature becomes one more file `signature-N` below
 * what a file of coco_image_client_add_lookaside() has for @p ref as `lookaside-staging` or
 * `sigstore-staging`, else as `lookaside` or `sigstore`: a URL of `file`. Its directories are
 * made, and putting it where others read it is left to the owner. One that is there of the same
 * by the same key is not made again. Each is verified before it is put there.
 *
 * Signing looks at coco_image_client_add_pgp_keys(), among which secret keys must be, and at
 * coco_image_client_add_password() for their passwords.
 *
 * @param client  credentials, keys and lookasides; for one thread at a time
 * @param ctx     cancellation
 * @param ref     an image in a registry
 * @param who     whose secret key signs: a fingerprint, an e-mail address or a name; NULL for the
 *                only one there is
 * @param ret     JSON: reference, digest, signature (where it is, a URL), already (whether it was
 *                there); of an index those of itself
 * @param err     as coco_image_push(); ::COCO_ERR_NOTFOUND without such a key,
 *                ::COCO_ERR_INVALID where several are meant and where no registries.d says where
 *                to write, ::COCO_ERR_DENIED for a key that has expired, is revoked, or that no
 *                password opens, ::COCO_ERR_NOTSUP for a URL of another scheme
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_sign_pgp(coco_image_client *client, coco_ctx *ctx,
                                                         const coco_image_ref *ref, const char *who,
                                                         coco_bytes **ret, coco_error **err);

/** Frees @p image; NULL is fine. Files stay on disk. */
COCO_API void coco_image_free(coco_image *image);

/** Manifest digest as `sha256:<64 hex digits>`. Valid as long as @p image. */
COCO_API const char *coco_image_digest(const coco_image *image);

/** Number of layers. */
COCO_API size_t coco_image_layer_count(const coco_image *image);

/** Bytes of blobs that came over the network or from this machine. */
COCO_API uint64_t coco_image_bytes_read(const coco_image *image);

/** Files that ::COCO_IMAGE_IGNORE_CHOWN left something out of. */
COCO_API uint64_t coco_image_ids_ignored(const coco_image *image);

/** Bytes of files unpacked, or of blobs sent. */
COCO_API uint64_t coco_image_bytes_written(const coco_image *image);

#ifdef __cplusplus
}
#endif

#endif
