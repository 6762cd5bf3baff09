/*
 * coco/image.h - container images: named, pulled, pushed, judged
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_H
#define COCO_IMAGE_H

#include <coco/bytes.h>
#include <coco/context.h>
#include <coco/error.h>
#include <coco/image_access.h>
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
 * - `oci:PATH[:TAG]`: in the OCI layout at PATH, among others. TAG may be any name that
 *   its annotation `org.opencontainers.image.ref.name` may have, such as `ghcr.io/acme/app:1`;
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
 * Describes an image without pulling its layers.
 *
 * @param client  credentials
 * @param ctx     cancellation
 * @param ref     which image
 * @param opts    limits, or NULL for the defaults
 * @param ret     JSON: reference, digest, mediaType, platform, config,
 *                layers (digest, size, mediaType, encrypted, recipients)
 * @param err     as coco_image_pull()
 */
COCO_API COCO_MUST_CHECK coco_status coco_image_inspect(coco_image_client *client, coco_ctx *ctx,
                                                        const coco_image_ref *ref,
                                                        const coco_image_options *opts,
                                                        coco_bytes **ret, coco_error **err);

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
