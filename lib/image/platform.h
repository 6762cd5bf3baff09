/*
 * image/platform.h - which image a machine can run
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_PLATFORM_H
#define COCO_IMAGE_PLATFORM_H

#include "image/manifest.h"

/* How well an image of that platform fits: 0 not at all, else the more the better. */
unsigned coco_platform_rank(const struct coco_platform *machine, const char *os,
                            const char *architecture, const char *variant);

#endif
