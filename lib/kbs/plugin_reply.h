/*
 * kbs/plugin_reply.h - what a plug-in replies
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_PLUGIN_REPLY_H
#define COCO_KBS_PLUGIN_REPLY_H

#include "base/buf.h"
#include "kbs/core.h"

#include <coco/kbs_plugin.h>

#define COCO_KBS_MEDIA_TYPE_SIZE 96

struct coco_kbs_reply {
    const char *plugin; /* its name */
    bool given;
    bool is_public;
    coco_status status;
    coco_bytes *data;
    char type[COCO_KBS_MEDIA_TYPE_SIZE]; /* of what is public */
    char note[COCO_KBS_NOTE_SIZE];
    coco_error *why;
};

void coco_kbs_plugin_reply_done(struct coco_kbs_reply *reply);
#define _cleanup_plugin_reply_ _cleanup_(coco_kbs_plugin_reply_done)

/* COCO_OK if there is data; COCO_ERR_PROTO for a plug-in that said nothing. */
coco_status coco_kbs_reply_take(struct coco_kbs_reply *reply, coco_error **err);

#endif
