/*
 * image/overlay.h - a bundle's own files over a tree that it shares
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_OVERLAY_H
#define COCO_IMAGE_OVERLAY_H

#include <coco/error.h>

/*
 * Mounts, at rootfs in the directory bundle, the directory lower with what is written to
 * it in upper beside rootfs. COCO_ERR_NOTSUP where that is not allowed, or not there.
 */
coco_status coco_overlay_mount(int bundle, int lower, coco_error **err);

/* COCO_ERR_IO while it is in use. */
coco_status coco_overlay_unmount(int bundle, coco_error **err);

/* Takes away what may be mounted there, in use or not. */
void coco_overlay_detach(int bundle);

#endif
