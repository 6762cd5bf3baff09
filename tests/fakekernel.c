/*
 * tests/fakekernel.c - a kernel of a TEE, in memory
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/fakekernel.h"

#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* What the providers take; more is thrown away without a word. */
#define INBLOB_TAKEN 64
#define REPORT "/sys/kernel/config/tsm/report/"

enum kind { FREE, READS, INBLOB, PRIVLEVEL, WRITES, DEVICE };

static const char *
last_of(const char *path)
{
    return strrchr(path, '/') + 1;
}

static bool
in_tsm(const char *path)
{
    return strstr(path, REPORT) != NULL;
}

static int
fail_with(int error)
{
    errno = error;
    return -1;
}

static int
fake_mkdir(void *user, const char *path)
{
    struct fake_kernel *fake = user;

    if (fake->mkdir_fails_with)
        return fail_with(fake->mkdir_fails_with);
    if (!in_tsm(path))
        return fail_with(ENOENT);
    if (!fake->provider)
        return fail_with(ENXIO);
    fake->entries++;
    fake->generation = 0;
    fake->inblob_len = 0;
    return 0;
}

static int
fake_rmdir(void *user, const char *path)
{
    struct fake_kernel *fake = user;

    if (!in_tsm(path) || fake->entries == 0)
        return fail_with(ENOENT);
    fake->entries--;
    return 0;
}

static struct fake_descriptor *
new_descriptor(struct fake_kernel *fake, enum kind kind)
{
    for (int i = 0; i < FAKE_DESCRIPTORS; i++)
        if (fake->descriptors[i].kind == FREE) {
            fake->descriptors[i] = (struct fake_descriptor){.kind = (int)kind};
            return &fake->descriptors[i];
        }
    return NULL;
}

static int
number_of(const struct fake_kernel *fake, const struct fake_descriptor *d)
{
    return d ? 100 + (int)(d - fake->descriptors) : fail_with(EMFILE);
}

static int
open_content(struct fake_kernel *fake, const void *data, size_t len)
{
    struct fake_descriptor *d = new_descriptor(fake, READS);

    if (d) {
        d->data = data;
        d->len = len;
    }
    return number_of(fake, d);
}

static int
open_tsm(struct fake_kernel *fake, const char *name, int flags)
{
    bool writes = (flags & O_ACCMODE) == O_WRONLY;

    if (fake->entries == 0)
        return fail_with(ENOENT);
    if (fake->race && strcmp(fake->race, name) == 0 && ++fake->raced == fake->race_at)
        fake->generation++;
    if (strcmp(name, "inblob") == 0)
        return writes ? number_of(fake, new_descriptor(fake, INBLOB)) : fail_with(EACCES);
    if (strcmp(name, "privlevel") == 0)
        return writes ? number_of(fake, new_descriptor(fake, PRIVLEVEL)) : fail_with(EACCES);
    if (writes)
        return fail_with(EACCES);
    if (strcmp(name, "provider") == 0)
        return open_content(fake, fake->provider, strlen(fake->provider));
    if (strcmp(name, "generation") == 0) {
        int n = snprintf(fake->line, sizeof(fake->line), "%u\n", fake->generation);
        return open_content(fake, fake->line, (size_t)n);
    }
    if (strcmp(name, "privlevel_floor") == 0 && fake->floor)
        return open_content(fake, fake->floor, strlen(fake->floor));
    if (strcmp(name, "auxblob") == 0 && !fake->aux)
        return fail_with(ENOENT);
    if (strcmp(name, "outblob") != 0 && strcmp(name, "auxblob") != 0)
        return fail_with(ENOENT);
    if (fake->inblob_len == 0)
        return fail_with(EINVAL);
    if (fake->answer)
        fake->answer(fake);
    return strcmp(name, "outblob") == 0 ? open_content(fake, fake->out, fake->out_len)
                                        : open_content(fake, fake->aux, fake->aux_len);
}

static const struct fake_file *
find_file(const struct fake_kernel *fake, const char *path)
{
    for (size_t i = 0; i < FAKE_FILES && fake->files[i].path; i++)
        if (strcmp(fake->files[i].path, path) == 0)
            return &fake->files[i];
    return NULL;
}

static int
fake_open(void *user, const char *path, int flags)
{
    struct fake_kernel *fake = user;
    const struct fake_file *file = find_file(fake, path);

    if (fake->fails && strcmp(fake->fails, last_of(path)) == 0)
        return fail_with(fake->fails_with);
    if (in_tsm(path))
        return open_tsm(fake, last_of(path), flags);
    if (!file)
        return fail_with(ENOENT);
    if ((flags & O_ACCMODE) == O_RDWR)
        return number_of(fake, new_descriptor(fake, DEVICE));
    if ((flags & O_ACCMODE) == O_RDONLY)
        return open_content(fake, file->data, file->len);
    if (!file->written)
        return fail_with(EACCES);
    struct fake_descriptor *d = new_descriptor(fake, WRITES);
    if (d)
        d->written = file->written;
    return number_of(fake, d);
}

static struct fake_descriptor *
descriptor_of(struct fake_kernel *fake, int fd)
{
    if (fd < 100 || fd >= 100 + FAKE_DESCRIPTORS || fake->descriptors[fd - 100].kind == FREE)
        return NULL;
    return &fake->descriptors[fd - 100];
}

static bool
is_interrupted(struct fake_kernel *fake)
{
    return fake->interrupted && fake->calls++ % 2 == 0;
}

static ssize_t
fake_read(void *user, int fd, void *buf, size_t size)
{
    struct fake_kernel *fake = user;
    struct fake_descriptor *d = descriptor_of(fake, fd);

    if (!d || d->kind != READS)
        return fail_with(EBADF);
    if (is_interrupted(fake))
        return fail_with(EINTR);
    size_t n = d->len - d->at;
    n = n < size ? n : size;
    n = fake->chunk > 0 && n > fake->chunk ? fake->chunk : n;
    if (n > 0)
        memcpy(buf, d->data + d->at, n);
    d->at += n;
    return (ssize_t)n;
}

static ssize_t
fake_write(void *user, int fd, const void *data, size_t size)
{
    struct fake_kernel *fake = user;
    struct fake_descriptor *d = descriptor_of(fake, fd);

    if (!d || (d->kind != INBLOB && d->kind != PRIVLEVEL && d->kind != WRITES))
        return fail_with(EBADF);
    if (is_interrupted(fake))
        return fail_with(EINTR);
    size_t n = fake->chunk > 0 && size > fake->chunk ? fake->chunk : size;
    if (d->staged_len + n > sizeof(d->staged))
        return fail_with(EFBIG);
    memcpy(d->staged + d->staged_len, data, n);
    d->staged_len += n;
    return (ssize_t)n;
}

static int
fake_ioctl(void *user, int fd, unsigned long request, void *arg)
{
    struct fake_kernel *fake = user;
    const struct fake_descriptor *d = descriptor_of(fake, fd);

    if (!d || d->kind != DEVICE || !fake->ioctl)
        return fail_with(ENOTTY);
    int error = fake->ioctl(fake, request, arg);
    return error ? fail_with(error) : 0;
}

/* The kernel takes what was written to a binary file of configfs now, and not before. */
static int
fake_close(void *user, int fd)
{
    struct fake_kernel *fake = user;
    struct fake_descriptor *d = descriptor_of(fake, fd);
    int error = 0;

    if (!d)
        return fail_with(EBADF);
    if (d->kind == INBLOB && d->staged_len <= INBLOB_TAKEN) {
        memcpy(fake->inblob, d->staged, d->staged_len);
        fake->inblob_len = d->staged_len;
        fake->generation++;
    } else if (d->kind == PRIVLEVEL && d->staged_len < sizeof(fake->privlevel)
               && strspn((const char *)d->staged, "0123456789") == d->staged_len) {
        memcpy(fake->privlevel, d->staged, d->staged_len);
        fake->privlevel[d->staged_len] = '\0';
        fake->generation++;
    } else if (d->kind == WRITES) {
        faults_pause(); /* what is allocated here is the test's */
        error = coco_buf_append(d->written, d->staged, d->staged_len, NULL) == COCO_OK ? 0 : EFBIG;
        faults_resume();
    }
    if (d->kind == INBLOB && fake->close_fails_with)
        error = fake->close_fails_with;
    d->kind = FREE;
    return error ? fail_with(error) : 0;
}

void
fake_kernel_init(struct fake_kernel *fake)
{
    *fake = (struct fake_kernel){
        .table =
            {
                .user = fake,
                .mkdir = fake_mkdir,
                .rmdir = fake_rmdir,
                .open = fake_open,
                .read = fake_read,
                .write = fake_write,
                .ioctl = fake_ioctl,
                .close = fake_close,
            },
    };
}

unsigned
fake_kernel_open(const struct fake_kernel *fake)
{
    unsigned n = 0;

    for (size_t i = 0; i < FAKE_DESCRIPTORS; i++)
        n += fake->descriptors[i].kind != FREE;
    return n;
}
