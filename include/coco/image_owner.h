/*
 * coco/image_owner.h - container images by their owner: encrypted and signed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_OWNER_H
#define COCO_IMAGE_OWNER_H

#include <coco/bytes.h>
#include <coco/context.h>
#include <coco/error.h>
#include <coco/image.h>
#include <coco/image_access.h>
#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Images, by who owns them.
 *
 * Layers are encrypted so that ocicrypt and what is made with it open them
 * (doc/encrypted-image-format.md), and signed so that cosign, or GnuPG and skopeo, verify it.
 * Who may open an image is told to the client that encrypts it.
 */

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

#ifdef __cplusplus
}
#endif

#endif
