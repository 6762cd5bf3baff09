/*
 * kbc/storage.h - what a file lies on: whether the host could have put it there
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_STORAGE_H
#define COCO_KBC_STORAGE_H

#include "base/cleanup.h"

#include <coco/error.h>

#include <sys/stat.h>
#include <sys/statfs.h>

/* Who says it: a table, so that a test can answer in the kernel's place. */
struct coco_storage {
    int (*fstat)(int fd, struct stat *ret);
    int (*fstatfs)(int fd, struct statfs *ret);
    const char *devices; /* directory of block devices by their numbers, "/sys/dev/block" */
};

extern const struct coco_storage coco_storage;

/*
 * Whether what is read from fd is the guest's own: it lies in memory, as all of an
 * initramfs does, or on a block device that dm-verity measures or dm-crypt encrypts, or
 * that is made of nothing but such ones. COCO_ERR_DENIED for any other, also for what the
 * host shares (9p, virtiofs) and for file systems of more than one device or layer (btrfs,
 * overlay), of which the kernel does not say what a file lies on.
 *
 * Who may set up a mapped device may name it as they like: this is about the host, not
 * about root in the guest. Which key opened a volume, or whose root hash it was, is for
 * the measured boot to decide.
 */
coco_status coco_storage_check(const struct coco_storage *storage, int fd, coco_error **err);

#endif
