/*
 * image/dir.h - one image in a directory, as skopeo's dir: has it
 *
 *     version, manifest.json, [<hex of a manifest>.manifest.json …,] <hex of a blob> …
 *
 * Source: containers-transports(5), "dir:", which says little, and what skopeo
 * writes and reads: "Directory Transport Version: 1.1". What lies there is checked
 * like what a registry sends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_DIR_H
#define COCO_IMAGE_DIR_H

#include "image/files.h"
#include "image/source.h"

#define COCO_DIR_VERSION "Directory Transport Version: 1.1\n"
#define COCO_DIR_NAME_SIZE (2 * COCO_DIGEST_SIZE_MAX + sizeof(".manifest.json"))

/* "<hex>" and suffix; made of bytes, so that no text from outside becomes a path (T8). */
void coco_dir_name(const struct coco_digest *digest, const char *suffix,
                   char buf[COCO_DIR_NAME_SIZE]);

/* COCO_ERR_NOTSUP for other versions, which name their blobs otherwise. */
coco_status coco_dir_check_version(const struct coco_files *files, coco_error **err);

coco_status coco_dir_source(const coco_image_ref *ref, struct coco_source *ret, coco_error **err);

/*
 * Makes the directory when there is none. It must be empty or hold an image of
 * that version, whose place the new one takes: its blobs stay until the new
 * manifest is there. COCO_ERR_INVALID for one that holds something else, and is
 * left alone, and while another writes there.
 */
coco_status coco_dir_destination(coco_ctx *ctx, const coco_image_ref *ref,
                                 struct coco_destination *ret, coco_error **err);

#endif
