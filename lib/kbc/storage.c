/*
 * kbc/storage.c - what a file lies on: whether the host could have put it there
 *
 * file -> its device -> the mapped devices that it is made of -> what each of them does
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/storage.h"

#include "base/fail.h"
#include "base/fd.h"
#include "base/text.h"

#include <dirent.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#define RAMDISK_MAJOR 1 /* /dev/ram0, which an initrd that is no initramfs is unpacked to */
#define UUID_MAX ((size_t)256)
#define NUMBER_MAX ((size_t)32)
#define DEPTH_MAX 8 /* mapped devices one upon the other */
#define PARTS_MAX 64

const struct coco_storage coco_storage = {
    .fstat = fstat,
    .fstatfs = fstatfs,
    .devices = "/sys/dev/block",
};

/*
 * What libcryptsetup names the devices after that it makes (lib/libdevmapper.c). That of
 * dm-integrity is not among them: without a key it finds accidents, no attacker.
 */
static const char *const protections[] = {
    "CRYPT-VERITY-",
    "CRYPT-LUKS1-",
    "CRYPT-LUKS2-",
    "CRYPT-PLAIN-",
};

static coco_status
read_attribute(const char *path, struct coco_buf *buf, bool *missing, coco_error **err)
{
    coco_error *why = NULL;

    (void)coco_file_read(path, buf, &why);
    return coco_forgive(why, COCO_ERR_NOTFOUND, missing, err);
}

/* Whether the device itself is a mapped one that protects what is on it. */
static coco_status
protects(const char *device, bool *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf uuid = {.limit = UUID_MAX};
    _cleanup_free_ char *path = NULL;
    bool missing = false;
    bool found = false;

    coco_status status = coco_path_in(device, "dm/uuid", &path, err);
    if (status == COCO_OK)
        status = read_attribute(path, &uuid, &missing, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < sizeof(protections) / sizeof(protections[0]) && !missing; i++)
        if (strncmp(coco_buf_text(&uuid), protections[i], strlen(protections[i])) == 0)
            found = true;
    *ret = found;
    return COCO_OK;
}

static void
close_dir(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

static coco_status check_device(const struct coco_storage *storage, const char *number, int depth,
                                coco_error **err);

/* One of the devices that another is made of: a directory with its number. */
static coco_status
check_part(const struct coco_storage *storage, const char *parts, const char *name, int depth,
           coco_error **err)
{
    _cleanup_buf_ struct coco_buf number = {.limit = NUMBER_MAX};
    _cleanup_free_ char *path = NULL;

    if (asprintf(&path, "%s/%s/dev", parts, name) < 0) {
        path = NULL;
        return coco_fail_nomem(err);
    }
    coco_status status = coco_file_read(path, &number, err);
    if (status != COCO_OK)
        return status;
    if (number.len > 0 && number.data[number.len - 1] == '\n')
        number.data[number.len - 1] = '\0';
    const char *text = coco_buf_text(&number);
    if (!coco_text_is_all(text, "0123456789:", NUMBER_MAX))
        return coco_fail(err, COCO_ERR_PROTO, "'%s' is no number of a device", path);
    return check_device(storage, text, depth + 1, err);
}

/* All of what a device is made of; *n is how much that is. */
static coco_status
check_parts(const struct coco_storage *storage, const char *device, int depth, size_t *n,
            coco_error **err)
{
    _cleanup_free_ char *parts = NULL;
    coco_status status = coco_path_in(device, "slaves", &parts, err);

    if (status != COCO_OK)
        return status;
    _cleanup_(close_dir) DIR *dir = opendir(parts);
    if (!dir && errno == ENOENT)
        return COCO_OK;
    if (!dir)
        return coco_fail_errno(err, errno, "open '%s'", parts);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this thread's */
    for (const struct dirent *d = NULL; status == COCO_OK && (d = readdir(dir));) {
        if (d->d_name[0] == '.')
            continue;
        if (++*n > PARTS_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "'%s' has more than %d devices", parts,
                             PARTS_MAX);
        status = check_part(storage, parts, d->d_name, depth, err);
    }
    return status;
}

static coco_status
check_device(const struct coco_storage *storage, const char *number, int depth, coco_error **err)
{
    _cleanup_free_ char *device = NULL;
    bool protected = false;
    size_t parts = 0;

    if (depth == DEPTH_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d devices one upon the other", DEPTH_MAX);
    coco_status status = coco_path_in(storage->devices, number, &device, err);
    if (status == COCO_OK)
        status = protects(device, &protected, err);
    if (status == COCO_OK && !protected)
        status = check_parts(storage, device, depth, &parts, err);
    if (status == COCO_OK && !protected && parts == 0)
        status = coco_fail(err, COCO_ERR_DENIED,
                           "block device %s is neither measured by dm-verity nor encrypted by "
                           "dm-crypt",
                           number);
    return status;
}

coco_status
coco_storage_check(const struct coco_storage *storage, int fd, coco_error **err)
{
    struct statfs fs;
    struct stat st;
    char number[NUMBER_MAX];

    if (storage->fstatfs(fd, &fs) < 0 || storage->fstat(fd, &st) < 0)
        return coco_fail_errno(err, errno, "stat");
    /* What a device or a pipe says comes from elsewhere than what its name lies on. */
    if (!S_ISREG(st.st_mode))
        return coco_fail(err, COCO_ERR_DENIED, "no regular file");
    if (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC || major(st.st_dev) == RAMDISK_MAJOR)
        return COCO_OK;
    if (major(st.st_dev) == 0)
        return coco_fail(err, COCO_ERR_DENIED,
                         "file system of type %#lx is on no block device of its own",
                         (unsigned long)fs.f_type);
    (void)snprintf(number, sizeof(number), "%u:%u", major(st.st_dev), minor(st.st_dev));
    return check_device(storage, number, 0, err);
}
