/*
 * native/callbacks.h - what C calls that are Go functions
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_GO_CALLBACKS_H
#define COCO_GO_CALLBACKS_H

#include <coco/coco.h>

/* user is a cgo.Handle, which the context deletes when it drops the sink. */
void coco_go_set_progress(coco_ctx *ctx, uintptr_t user);
void coco_go_set_log(coco_ctx *ctx, coco_log_level level, uintptr_t user);

/* user is the cgo.Handle of a Plugin, which the KBC deletes with itself, or here if there is none.
 */
coco_status coco_go_new_plugin(const char *name, bool attests, bool wraps, uintptr_t user,
                               coco_kbc **ret, coco_error **err);

/* user is the cgo.Handle of a Watch, which is the caller's. */
coco_status coco_go_watch(coco_kbc *kbc, coco_ctx *ctx, const char *uri, uint32_t seconds,
                          uintptr_t user, coco_error **err);

#endif
