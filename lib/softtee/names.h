/*
 * softtee/names.h - names of what /sys has in a TEE that is software
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SOFTTEE_NAMES_H
#define COCO_SOFTTEE_NAMES_H

#include "softtee/machine.h"

#include <sys/types.h>

/* Paths begin behind /sys. */
#define COCO_SOFTTEE_REPORT "/kernel/config/tsm/report"

enum coco_softtee_node_type {
    COCO_NODE_DIR,
    COCO_NODE_ENTRIES, /* directory of entries, which others make */
    COCO_NODE_ENTRY,
    COCO_NODE_MRTD,
    COCO_NODE_MRCONFIGID,
    COCO_NODE_RTMR0, /* and the others behind it */
    COCO_NODE_RTMR3 = COCO_NODE_RTMR0 + 3,
    COCO_NODE_CCEL,
    COCO_NODE_CCEL_TABLE,
    COCO_NODE_TPM_LOG,
    COCO_NODE_PROVIDER, /* from here on of an entry */
    COCO_NODE_GENERATION,
    COCO_NODE_INBLOB,
    COCO_NODE_OUTBLOB,
    COCO_NODE_AUXBLOB,
    COCO_NODE_PRIVLEVEL,
    COCO_NODE_PRIVLEVEL_FLOOR,
};

struct coco_softtee_node {
    const char *path; /* of an entry's file: its name */
    enum coco_softtee_node_type type;
    unsigned kinds; /* a bit for each kind of machine that has it */
    mode_t mode;
};

/* What path names, but for entries and what is in them; NULL: nothing. "/" and "" are one. */
const struct coco_softtee_node *coco_softtee_find(enum coco_softtee_kind kind, const char *path);

/* The file of an entry; NULL: there is none. */
const struct coco_softtee_node *coco_softtee_find_in_entry(enum coco_softtee_kind kind,
                                                           const char *name);

/* The name of what stands at index in dir, or NULL past the last; node of dir is lent. */
const char *coco_softtee_name_at(enum coco_softtee_kind kind, const struct coco_softtee_node *dir,
                                 size_t index);

/* The last part of path if it is directly in dir, or NULL. */
const char *coco_softtee_child_of(const char *path, const char *dir);

#endif
