/*
 * kbs/callbacks.h - what C calls that are Go functions
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_GO_KBS_CALLBACKS_H
#define COCO_GO_KBS_CALLBACKS_H

#include <coco/kbs_plugin.h>

/* user is the cgo.Handle of a plugin, which the KBS deletes with itself, or here if there is none.
 */
coco_status coco_go_kbs_add_plugin(coco_kbs *kbs, const char *name, uintptr_t user,
                                   coco_error **err);

#endif
