/*
 * kbs/plugin_reply.c - what a plug-in replies
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/plugin_reply.h"

#include "base/bytes.h"
#include "base/fail.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Forgets what was replied before. */
static void
reply_reset(coco_kbs_reply *reply)
{
    coco_bytes_free(reply->data);
    coco_error_free(reply->why);
    reply->data = NULL;
    reply->why = NULL;
    reply->is_public = false;
    reply->given = true;
}

void
coco_kbs_plugin_reply_done(struct coco_kbs_reply *reply)
{
    reply_reset(reply);
}

void
coco_kbs_reply_give(coco_kbs_reply *reply, const uint8_t *data, size_t len)
{
    reply_reset(reply);
    reply->status = coco_bytes_new(data, len, &reply->data, &reply->why);
}

/* RFC 9110 section 8.3.1; what follows the ";" is the plug-in's own affair, but visible. */
static bool
is_media_type(const char *type)
{
    size_t len = strlen(type);

    if (len >= COCO_KBS_MEDIA_TYPE_SIZE || !strchr(type, '/'))
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)type[i] < ' ' || (unsigned char)type[i] >= 0x7f)
            return false;
    return true;
}

void
coco_kbs_reply_give_public(coco_kbs_reply *reply, const char *type, const uint8_t *data, size_t len)
{
    reply_reset(reply);
    if (!is_media_type(type)) {
        reply->status = coco_fail(&reply->why, COCO_ERR_IO, "%s: no media type", reply->plugin);
        return;
    }
    reply->status = coco_bytes_new(data, len, &reply->data, &reply->why);
    reply->is_public = true;
    (void)snprintf(reply->type, sizeof(reply->type), "%s", type);
}

/* Whatever it is that a stranger says: one line of a bounded length, which an error makes of it. */
void
coco_kbs_reply_fail(coco_kbs_reply *reply, coco_status status, const char *message)
{
    char text[512];

    reply_reset(reply);
    if (status >= COCO_OK || status < COCO_ERR_CANCELED)
        status = COCO_ERR_IO;
    coco_text_escape(message, strlen(message), text, sizeof(text));
    reply->status = coco_fail(&reply->why, status, "%s: %s", reply->plugin, text);
}

void
coco_kbs_reply_note(coco_kbs_reply *reply, const char *note)
{
    coco_text_escape(note, strlen(note), reply->note, sizeof(reply->note));
}

coco_status
coco_kbs_reply_take(struct coco_kbs_reply *reply, coco_error **err)
{
    if (!reply->given)
        return coco_fail(err, COCO_ERR_IO, "%s gives no reply", reply->plugin);
    if (reply->status != COCO_OK)
        coco_error_give(err, coco_steal(&reply->why));
    return reply->status;
}
