/*
 * image/archive_write.h - an image that is being written into a tar file
 *
 * What all formats have in common: blobs are members of a file beside the place
 * where the archive shall be, in the order in which they come; put_manifest()
 * of the format gives them their names, adds what describes them and puts the
 * file in its place, whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_ARCHIVE_WRITE_H
#define COCO_IMAGE_ARCHIVE_WRITE_H

#include "image/source.h"
#include "image/tarfile.h"

/* A blob that is in the file. */
struct coco_archive_blob {
    struct coco_digest digest;
    uint64_t head, size;
};

struct coco_archive_out {
    int parent;   /* directory that both names are in */
    char *target; /* the name it shall have */
    char *temp;   /* the name it has, NULL for none */
    char *ref;    /* what the image is called in the archive, or NULL */
    struct coco_tarfile file;
    uint64_t head; /* of the blob that is written, if one is */
    bool writing;
    struct coco_archive_blob *blobs;
    size_t n;
};

/*
 * Opens the destination of ref's path and tag as ret, which has all but
 * put_manifest. A file that is there is replaced in the end; COCO_ERR_INVALID for
 * anything but a file.
 */
coco_status coco_archive_out_open(coco_ctx *ctx, const coco_image_ref *ref,
                                  struct coco_destination *ret, coco_error **err);

/* The blob of that digest, or NULL. */
const struct coco_archive_blob *coco_archive_out_find(const struct coco_archive_out *out,
                                                      const struct coco_digest *digest);

/* Ends the file and puts it in its place. */
coco_status coco_archive_out_commit(struct coco_archive_out *out, coco_error **err);

#endif
