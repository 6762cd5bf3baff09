/*
 * attester/kernel.c - the calls of the system that attesters make
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/kernel.h"

#include "base/fail.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define READ_SIZE ((size_t)4 << 10)

static int
make_dir(void *user, const char *path)
{
    (void)user;
    return mkdir(path, 0700);
}

static int
remove_dir(void *user, const char *path)
{
    (void)user;
    return rmdir(path);
}

static int
open_file(void *user, const char *path, int flags)
{
    (void)user;
    return open(path, flags | O_CLOEXEC | O_NOCTTY);
}

static ssize_t
read_file(void *user, int fd, void *buf, size_t size)
{
    (void)user;
    return read(fd, buf, size);
}

static ssize_t
write_file(void *user, int fd, const void *data, size_t size)
{
    (void)user;
    return write(fd, data, size);
}

static int
control(void *user, int fd, unsigned long request, void *arg)
{
    (void)user;
    return ioctl(fd, request, arg);
}

static int
close_file(void *user, int fd)
{
    (void)user;
    return close(fd);
}

const struct coco_kernel coco_kernel = {
    .mkdir = make_dir,
    .rmdir = remove_dir,
    .open = open_file,
    .read = read_file,
    .write = write_file,
    .ioctl = control,
    .close = close_file,
};

coco_status
coco_machine_new(const struct coco_kernel *kernel, void **ret, coco_error **err)
{
    struct coco_machine *machine = malloc(sizeof(*machine));

    if (!machine)
        return coco_fail_nomem(err);
    *machine = (struct coco_machine){kernel};
    *ret = machine;
    return COCO_OK;
}

coco_status
coco_machine_open(void **ret, coco_error **err)
{
    return coco_machine_new(&coco_kernel, ret, err);
}

void
coco_machine_close(void *self)
{
    free(self);
}

static coco_status
open_path(const struct coco_kernel *kernel, const char *path, int flags, int *ret, coco_error **err)
{
    int fd = kernel->open(kernel->user, path, flags);

    if (fd < 0 && errno == ENOENT)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no file '%s'", path);
    if (fd < 0)
        return coco_fail_errno(err, errno, "open '%s'", path);
    *ret = fd;
    return COCO_OK;
}

static coco_status
read_all(const struct coco_kernel *kernel, int fd, struct coco_buf *buf, coco_error **err)
{
    uint8_t chunk[READ_SIZE];
    coco_status status = COCO_OK;

    while (status == COCO_OK) {
        ssize_t n = kernel->read(kernel->user, fd, chunk, sizeof(chunk));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            status = coco_fail_errno(err, errno, "read");
        if (n <= 0)
            break;
        status = coco_buf_append(buf, chunk, (size_t)n, err);
    }
    OPENSSL_cleanse(chunk, sizeof(chunk)); /* the file may hold a secret */
    return status;
}

coco_status
coco_kernel_read(const struct coco_kernel *kernel, const char *path, struct coco_buf *buf,
                 coco_error **err)
{
    int fd = -1;

    coco_status status = open_path(kernel, path, O_RDONLY, &fd, err);
    if (status != COCO_OK)
        return status;
    status = read_all(kernel, fd, buf, err);
    (void)kernel->close(kernel->user, fd);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "'%s'", path);
}

coco_status
coco_kernel_read_line(const struct coco_kernel *kernel, const char *path, struct coco_buf *buf,
                      coco_error **err)
{
    coco_status status = coco_kernel_read(kernel, path, buf, err);
    if (status == COCO_OK && buf->len > 0 && buf->data[buf->len - 1] == '\n')
        buf->data[--buf->len] = '\0';
    return status;
}

static coco_status
write_all(const struct coco_kernel *kernel, int fd, const uint8_t *data, size_t len,
          coco_error **err)
{
    while (len > 0) {
        ssize_t n = kernel->write(kernel->user, fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return coco_fail_errno(err, errno, "write");
        if (n == 0)
            return coco_fail(err, COCO_ERR_IO, "write: nothing is taken");
        data += n;
        len -= (size_t)n;
    }
    return COCO_OK;
}

coco_status
coco_kernel_write(const struct coco_kernel *kernel, const char *path, const void *data, size_t len,
                  coco_error **err)
{
    int fd = -1;

    coco_status status = open_path(kernel, path, O_WRONLY, &fd, err);
    if (status != COCO_OK)
        return status;
    status = write_all(kernel, fd, data, len, err);
    if (kernel->close(kernel->user, fd) != 0 && status == COCO_OK)
        status = coco_fail_errno(err, errno, "close");
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "'%s'", path);
}

coco_status
coco_kernel_ask(const struct coco_kernel *kernel, const char *path, unsigned long request,
                void *arg, coco_error **err)
{
    int fd = kernel->open(kernel->user, path, O_RDWR);

    if (fd < 0 && (errno == ENOENT || errno == ENXIO || errno == ENODEV))
        return coco_fail(err, COCO_ERR_NOTSUP, "no device '%s'", path);
    if (fd < 0)
        return coco_fail_errno(err, errno, "open '%s'", path);
    coco_status status = COCO_OK;
    if (kernel->ioctl(kernel->user, fd, request, arg) < 0)
        status = coco_fail_errno(err, errno, "'%s'", path);
    (void)kernel->close(kernel->user, fd);
    return status;
}
