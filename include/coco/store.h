/*
 * coco/store.h - layers of images, unpacked once
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_STORE_H
#define COCO_STORE_H

#include <coco/bytes.h>
#include <coco/context.h>
#include <coco/error.h>
#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Stores of unpacked layers.
 *
 * A store is a directory, its owner's alone, that keeps what layers were unpacked to,
 * by the digests of their content (image-spec's ChainID). A pull by a client with
 * a store (coco_image_client_set_store()) fetches only layers that it lacks, and makes
 * its bundle of what is there. Several processes may use one at once: what two of them
 * want is fetched by one.
 *
 * Files of trees that have layers in common are the same files there, by hard links:
 * nobody may write to them. What is in a store counts as verified; whoever can change
 * it can change what is run. coco_store_verify() finds what has gone bad by itself.
 *
 * Threads: a store belongs to one thread at a time.
 */

/** A directory of unpacked layers and what is known of the images they are of. */
typedef struct coco_store coco_store;

/**
 * Opens the store in @p dir, which is made if it is not there.
 *
 * @param dir  a store, an empty directory, or nothing
 * @param ret  the store; free with coco_store_free()
 * @param err  ::COCO_ERR_INVALID if @p dir holds something else, ::COCO_ERR_DENIED if
 *             others may write to it, ::COCO_ERR_NOTSUP for a later version of stores,
 *             ::COCO_ERR_IO
 */
COCO_API COCO_MUST_CHECK coco_status coco_store_open(const char *dir, coco_store **ret,
                                                     coco_error **err);

/** Frees @p store; NULL is fine. What is on disk stays. */
COCO_API void coco_store_free(coco_store *store);

/**
 * Describes what is in a store.
 *
 * @param store  which
 * @param ctx    cancellation
 * @param ret    JSON: images, each with digest, references, layers (their ChainIDs) and
 *               bundles that lie over it, or with digest and why its record is broken;
 *               trees, each with its ChainID, parent, content (bytes of files that its own
 *               layer has brought) and entries, or with why it is broken
 * @param err    ::COCO_ERR_CANCELED, ::COCO_ERR_IO
 */
COCO_API COCO_MUST_CHECK coco_status coco_store_list(coco_store *store, coco_ctx *ctx,
                                                     coco_bytes **ret, coco_error **err);

/**
 * Forgets an image; its layers go with the next coco_store_collect(), unless others
 * have them, too.
 *
 * @param store  which
 * @param ctx    cancellation
 * @param image  digest of its manifest, `sha256:…`, or a reference as it was pulled by;
 *               an image that has more than that reference loses but the reference
 * @param err    ::COCO_ERR_NOTFOUND, ::COCO_ERR_CANCELED, ::COCO_ERR_IO
 */
COCO_API COCO_MUST_CHECK coco_status coco_store_forget(coco_store *store, coco_ctx *ctx,
                                                       const char *image, coco_error **err);

/**
 * Removes the layers that no image and no bundle has, and what was left behind by
 * pulls that were killed. Waits until no pull is using the store.
 *
 * @param store  which
 * @param ctx    cancellation
 * @param ret    bytes of content that went
 * @param err    ::COCO_ERR_CANCELED, ::COCO_ERR_IO
 */
COCO_API COCO_MUST_CHECK coco_status coco_store_collect(coco_store *store, coco_ctx *ctx,
                                                        uint64_t *ret, coco_error **err);

/**
 * Looks whether all files are as they were unpacked: content, names, modes, owners,
 * times and attributes.
 *
 * @param store  which
 * @param ctx    progress and cancellation
 * @param ret    JSON: trees (how many were looked at), bad (an array, empty if all is
 *               well; each with the tree's ChainID, why, and the images it is in)
 * @param err    ::COCO_ERR_CANCELED, ::COCO_ERR_IO
 */
COCO_API COCO_MUST_CHECK coco_status coco_store_verify(coco_store *store, coco_ctx *ctx,
                                                       coco_bytes **ret, coco_error **err);

/**
 * Removes a bundle that lies over a tree of the store (::COCO_IMAGE_OVERLAY): unmounts
 * it, and removes what was written to it with the rest of it.
 *
 * @param store  which
 * @param ctx    cancellation
 * @param dir    the bundle's directory
 * @param err    ::COCO_ERR_NOTFOUND if the store knows of no such bundle, ::COCO_ERR_IO,
 *               also while something runs in it
 */
COCO_API COCO_MUST_CHECK coco_status coco_store_release(coco_store *store, coco_ctx *ctx,
                                                        const char *dir, coco_error **err);

#ifdef __cplusplus
}
#endif

#endif
