/*
 * collateral/folder.h - collateral as files that have its names
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_COLLATERAL_FOLDER_H
#define COCO_COLLATERAL_FOLDER_H

#include <coco/error.h>

/*
 * Makes the file called name beneath the open directory hold data, or leaves it as
 * it was; directories that are missing are made. The file is as old as fetched,
 * seconds since 1970, says; 0 for now.
 */
coco_status coco_folder_put(int dir, const char *name, const void *data, size_t len,
                            int64_t fetched, coco_error **err);

#endif
