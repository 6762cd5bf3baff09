/*
 * attester/kernel.h - the calls of the system that attesters make
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_KERNEL_H
#define COCO_ATTESTER_KERNEL_H

#include "base/buf.h"
#include "base/cleanup.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * A table of them, so that a test can answer in the kernel's place: the devices
 * of a TEE are nowhere but in one. As in libc, -1 and errno say that one failed.
 */
struct coco_kernel {
    void *user;
    int (*mkdir)(void *user, const char *path);
    int (*rmdir)(void *user, const char *path);
    int (*open)(void *user, const char *path, int flags);
    ssize_t (*read)(void *user, int fd, void *buf, size_t size);
    ssize_t (*write)(void *user, int fd, const void *data, size_t size);
    int (*ioctl)(void *user, int fd, unsigned long request, void *arg);
    int (*close)(void *user, int fd);
};

extern const struct coco_kernel coco_kernel;

/* What most attesters have to remember: who answers them. */
struct coco_machine {
    const struct coco_kernel *kernel;
};

coco_status coco_machine_new(const struct coco_kernel *kernel, void **ret, coco_error **err);
/* The same with the kernel itself, and its end: the open and close of a driver. */
coco_status coco_machine_open(void **ret, coco_error **err);
void coco_machine_close(void *self);

/*
 * Appends all of a file, read until its end: what a file of the kernel's has for
 * a size says nothing. COCO_ERR_NOTFOUND, COCO_ERR_LIMIT beyond that of buf.
 */
coco_status coco_kernel_read(const struct coco_kernel *kernel, const char *path,
                             struct coco_buf *buf, coco_error **err);

/* Writes a file that is there, at once; also an error that only closing it shows is one. */
coco_status coco_kernel_write(const struct coco_kernel *kernel, const char *path, const void *data,
                              size_t len, coco_error **err);

/* The text of a small file without the newline at its end. */
coco_status coco_kernel_read_line(const struct coco_kernel *kernel, const char *path,
                                  struct coco_buf *buf, coco_error **err);

/* Opens path, makes the one call, and closes it; COCO_ERR_NOTSUP if there is no such device. */
coco_status coco_kernel_ask(const struct coco_kernel *kernel, const char *path,
                            unsigned long request, void *arg, coco_error **err);

#endif
