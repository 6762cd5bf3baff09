/*
 * kbs/backup.h - all that a KBS keeps, in one file
 *
 * The file is an SQLite database with the same table as a store has (kbs/schema.h), rows as they
 * are there: what is sealed stays sealed, and the keys that seal it, too. One more row, of kind
 * COCO_KBS_BACKUP, says in JSON what there must be:
 *
 *     {"version":1,"time":…,"rows":…,"sealed":true,"digest":"<hex>","mac":"<hex>"}
 *
 * digest is a SHA-256 over time, all rows in their order, and their number. Of a sealed store
 * there is a mac of it, HMAC-SHA256 by a key from the store's master key: who lacks that key can
 * change nothing unseen. Of one that is not sealed the digest is all there is, to be noted
 * elsewhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_BACKUP_H
#define COCO_KBS_BACKUP_H

#include <coco/bytes.h>

#include "base/digest.h"
#include "kbs/config.h"

#define COCO_KBS_BACKUP 0 /* as a kind: what a backup says of itself */

/* What a backup is. */
struct coco_kbs_backup {
    int64_t time; /* when it was made, seconds since 1970 */
    uint64_t rows;
    bool sealed;
    struct coco_digest digest;
    struct coco_digest mac; /* if it is sealed */
};

/* Of what a backup says of itself: COCO_ERR_PROTO, or COCO_ERR_NOTSUP for another version. */
coco_status coco_kbs_backup_parse(const char *text, size_t len, struct coco_kbs_backup *ret,
                                  coco_error **err);

/*
 * Writes a backup of the store that config names to path, where nothing may be: whole, or not at
 * all. It is as the store is at one moment, and the KBS goes on serving. One that is not sealed is
 * COCO_ERR_DENIED unless plain says that secrets may lie there as they are. *ret tells what was
 * made: {"time","rows","sealed","digest"}.
 */
coco_status coco_kbs_backup_make(const struct coco_kbs_config *config, const char *path, bool plain,
                                 coco_bytes **ret, coco_error **err);

/*
 * Puts the backup at path into the store that config names, which must be empty unless force says
 * that what is there goes: COCO_ERR_DENIED. All of it, or nothing. COCO_ERR_VERIFY unless it is
 * whole and as it was made, with the key that config names, and is that of digest unless that is
 * NULL.
 */
coco_status coco_kbs_backup_restore(const struct coco_kbs_config *config, const char *path,
                                    const struct coco_digest *digest, bool force, coco_bytes **ret,
                                    coco_error **err);

/* The same, by what it rests on. */
struct coco_kbs_restoring {
    const struct coco_kbs_config *config; /* NULL: it goes nowhere, and is verified alone */
    const struct coco_secret *master;     /* NULL: it must not be sealed */
    const struct coco_digest *digest;     /* NULL: any */
    bool force;
};
coco_status coco_kbs_backup_read(const char *path, const struct coco_kbs_restoring *how,
                                 coco_bytes **ret, coco_error **err);

#endif
