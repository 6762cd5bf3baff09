/*
 * kbs/audit_note.c - what was done to a store beside its KBS, for the audit log
 *
 * store: "backup.<random>" and "restore.<random>", of kind COCO_KBS_NOTE, with the text of the note
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/audit_note.h"

#include "base/fail.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "kbs/core.h"
#include "kbs/storage.h"

#include <stdio.h>
#include <string.h>

static const char *const events[] = {
    [COCO_KBS_BACKED_UP] = "backup",
    [COCO_KBS_RESTORED] = "restore",
};

#define EVENTS (sizeof(events) / sizeof(events[0]))

coco_status
coco_kbs_audit_note_leave(const struct coco_kbs_config *config, enum coco_kbs_audit_deed deed,
                          const char *what, coco_error **err)
{
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = NULL;
    uint8_t random[16];
    char hex[2 * sizeof(random) + 1];
    char name[64];

    if (!config->audit_path)
        return COCO_OK;
    coco_status status = coco_random(random, sizeof(random), err);
    if (status == COCO_OK)
        status = coco_kbs_storage_open(config, &store, err);
    if (status != COCO_OK)
        return status;
    coco_hex(random, sizeof(random), hex);
    (void)snprintf(name, sizeof(name), "%s.%s", events[deed], hex);
    return coco_kbs_store_put(store, COCO_KBS_NOTE, name, what, strlen(what), err);
}

static const char *
event_of(const char *name)
{
    for (size_t i = 0; i < EVENTS; i++)
        if (strncmp(name, events[i], strlen(events[i])) == 0 && name[strlen(events[i])] == '.')
            return events[i];
    return NULL;
}

/* Two replicas may have found it: one purges it, and the other need not. */
static coco_status
forget(struct coco_kbs_store *store, const char *name, coco_error **err)
{
    coco_error *why = NULL;

    coco_status status = coco_kbs_store_purge(store, COCO_KBS_NOTE, name, &why);
    if (status == COCO_ERR_NOTFOUND) {
        coco_error_free(why);
        return COCO_OK;
    }
    coco_error_give(err, why);
    return status;
}

static coco_status
take(struct coco_kbs_store *store, const char *name, struct coco_kbs_audit *audit, coco_error **err)
{
    _cleanup_secret_ struct coco_secret text = {0};
    char note[COCO_KBS_NOTE_SIZE];
    struct coco_kbs_audit_event event = {.event = event_of(name), .note = note};

    if (!event.event)
        return forget(store, name, err);
    coco_status status = coco_kbs_store_get(store, COCO_KBS_NOTE, name, &text, NULL, err);
    if (status != COCO_OK)
        return status;
    coco_text_escape((const char *)text.data, text.len, note, sizeof(note));
    status = coco_kbs_audit_add(audit, &event, err);
    return status == COCO_OK ? forget(store, name, err) : status;
}

coco_status
coco_kbs_audit_note_take(struct coco_kbs_store *store, struct coco_kbs_audit *audit,
                         coco_error **err)
{
    _cleanup_json_ cJSON *names = NULL;
    const cJSON *name;

    coco_status status = coco_kbs_store_names(store, COCO_KBS_NOTE, &names, err);
    cJSON_ArrayForEach(name, names)
        if (status == COCO_OK)
            status = take(store, name->valuestring, audit, err);
    return status;
}
