/*
 * kbs/audit_note.h - what was done to a store beside its KBS, for the audit log
 *
 * A backup is made, and restored, by another process than the one that has the audit log open.
 * It leaves a note in the store; the KBS that finds it there puts it on record. Who can write to
 * the database, and has the key of its seals, can do all that without a note.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_AUDIT_NOTE_H
#define COCO_KBS_AUDIT_NOTE_H

#include "kbs/audit.h"
#include "kbs/config.h"
#include "kbs/store.h"

enum coco_kbs_audit_deed {
    COCO_KBS_BACKED_UP,
    COCO_KBS_RESTORED,
};

/*
 * Leaves a note in the store that config names, unless that has no audit log. what is one line
 * of fewer than COCO_KBS_NOTE_SIZE bytes.
 */
coco_status coco_kbs_audit_note_leave(const struct coco_kbs_config *config,
                                      enum coco_kbs_audit_deed deed, const char *what,
                                      coco_error **err);

/*
 * Puts the notes that are in store on record, each once; twice if it is killed between the
 * record and the store. What stays for the error that is told is taken the next time.
 */
coco_status coco_kbs_audit_note_take(struct coco_kbs_store *store, struct coco_kbs_audit *audit,
                                     coco_error **err);

#endif
