/*
 * image/tarfile.h - writing a tar file
 *
 * A member's size and name may be known only when its data is there: room for
 * its header is left, and filled in afterwards. All that a machine or a day has
 * to do with is left out, so the same members make the same file.
 *
 * Source: POSIX.1-2017 pax, "ustar Interchange Format"; its extended headers for
 * sizes of 8 GiB and more and for names of more than 100 bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_TARFILE_H
#define COCO_IMAGE_TARFILE_H

#include <coco/error.h>

#include <stddef.h>
#include <stdint.h>

/* Of a member whose header is filled in later: extended header, its text, header. */
#define COCO_TARFILE_HEAD_SIZE ((uint64_t)3 * 512)
#define COCO_TARFILE_NAME_MAX ((size_t)255)

struct coco_tarfile {
    int fd; /* lent; a regular file */
    uint64_t at;
};

/* Begins a member; *head is where its header will be. */
void coco_tarfile_begin(struct coco_tarfile *file, uint64_t *head);
coco_status coco_tarfile_write(struct coco_tarfile *file, const void *data, size_t len,
                               coco_error **err);
/* The member that began at head has all its data; *size is how much. */
coco_status coco_tarfile_finish(struct coco_tarfile *file, uint64_t head, uint64_t *size,
                                coco_error **err);
/* Gives the member that began at head its name. */
coco_status coco_tarfile_name(const struct coco_tarfile *file, uint64_t head, const char *name,
                              uint64_t size, coco_error **err);
/* Drops the member that began at head, the last one. */
coco_status coco_tarfile_drop(struct coco_tarfile *file, uint64_t head, coco_error **err);

/* A whole member at once. */
coco_status coco_tarfile_add(struct coco_tarfile *file, const char *name, const void *data,
                             size_t len, coco_error **err);

/* What says that there are no more members. */
coco_status coco_tarfile_end(struct coco_tarfile *file, coco_error **err);

#endif
