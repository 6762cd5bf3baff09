/*
 * image/overlay.c - a bundle's own files over a tree that it shares
 *
 * Paths go by descriptors (/proc/self/fd), so that nobody can change what is meant by
 * them, and no name has to be escaped for the options of a mount.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/overlay.h"

#include "base/cleanup.h"
#include "base/fail.h"
#include "base/fd.h"
#include "image/clone.h"

#include <stdio.h>
#include <sys/mount.h>

static coco_status
refused(int errnum, coco_error **err)
{
    switch (errnum) {
    case EPERM:
    case EACCES:
        return coco_fail(err, COCO_ERR_NOTSUP, "an overlay cannot be mounted without privileges");
    case ENODEV:
        return coco_fail(err, COCO_ERR_NOTSUP, "this kernel has no overlayfs");
    case EINVAL:
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "no overlay can be mounted on the file system of the bundle");
    default:
        return coco_fail_errno(err, errnum, "mount an overlay");
    }
}

coco_status
coco_overlay_mount(int bundle, int lower, coco_error **err)
{
    _cleanup_close_ int upper = -1;
    _cleanup_close_ int work = -1;
    _cleanup_close_ int rootfs = -1;
    char options[160];
    char target[32];

    coco_status status = coco_dir_make_at(bundle, "upper", &upper, err);
    if (status == COCO_OK)
        status = coco_dir_make_at(bundle, "work", &work, err);
    if (status == COCO_OK)
        status = coco_dir_make_at(bundle, "rootfs", &rootfs, err);
    /* What the root of all is like is for the upper directory to say. */
    if (status == COCO_OK)
        status = coco_clone_meta(lower, upper, err);
    if (status != COCO_OK)
        return status;
    (void)snprintf(target, sizeof(target), "/proc/self/fd/%d", rootfs);
    (void)snprintf(options, sizeof(options),
                   "lowerdir=/proc/self/fd/%d,upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d",
                   lower, upper, work);
    if (mount("overlay", target, "overlay", 0, options) < 0)
        return refused(errno, err);
    return COCO_OK;
}

static int
unmount(int bundle, int flags)
{
    char target[48];

    (void)snprintf(target, sizeof(target), "/proc/self/fd/%d/rootfs", bundle);
    return umount2(target, UMOUNT_NOFOLLOW | flags);
}

coco_status
coco_overlay_unmount(int bundle, coco_error **err)
{
    /* EINVAL: it is not, after the machine was started anew. */
    if (unmount(bundle, 0) < 0 && errno != EINVAL)
        return coco_fail_errno(err, errno, "unmount 'rootfs'");
    return COCO_OK;
}

void
coco_overlay_detach(int bundle)
{
    (void)unmount(bundle, MNT_DETACH);
}
