/*
 * kbs/page.h - a page for whoever administers a KBS, in a browser
 *
 * Three static files, the same for everybody: what they show they ask for as any owner
 * does, with what the owner enters there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_PAGE_H
#define COCO_KBS_PAGE_H

#include "kbs/core.h"

#define COCO_KBS_PAGE_PATH "/admin"

/* Both are not there unless the configuration says so. */
coco_kbs_handler coco_kbs_page;    /* call->rest is "", or the name of a file */
coco_kbs_handler coco_kbs_to_page; /* says where it is */

#endif
