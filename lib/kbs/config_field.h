/*
 * kbs/config_field.h - the keys of one table of a configuration
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_CONFIG_FIELD_H
#define COCO_KBS_CONFIG_FIELD_H

#include "kbs/config.h"

enum coco_kbs_field_type {
    COCO_FIELD_TEXT,     /* char * */
    COCO_FIELD_PEM,      /* char *: PEM text, or a path to it */
    COCO_FIELD_TEXTS,    /* struct coco_kbs_texts */
    COCO_FIELD_PEMS,     /* the same, of PEM */
    COCO_FIELD_BOOL,     /* bool */
    COCO_FIELD_NUMBER,   /* uint64_t in [min, max] */
    COCO_FIELD_SECTION,  /* read by somebody else */
    COCO_FIELD_REFUSED,  /* upstream's, and not here; why is in `text` */
    COCO_FIELD_CONSTANT, /* may only say `text` */
};

struct coco_kbs_field {
    const char *name;
    enum coco_kbs_field_type type;
    void *to;
    uint64_t min, max;
    const char *text;
};

/* The member of parent, which may be NULL; NULL if there is none. */
const cJSON *coco_kbs_section(const cJSON *parent, const char *name);

/* Reads the members of object, which is a table or NULL, and lets in no other. */
coco_status coco_kbs_read_fields(const cJSON *object, const struct coco_kbs_field *fields, size_t n,
                                 coco_error **err);
#define COCO_KBS_READ(object, fields, err)                                                         \
    coco_kbs_read_fields(object, fields, sizeof(fields) / sizeof(*(fields)), err)

/* Puts "[section]: " before what went wrong in it. */
coco_status coco_kbs_in_section(const char *section, coco_status status, coco_error **err);

/* Length of a list that may be missing. */
coco_status coco_kbs_list_size(const cJSON *list, const char *name, size_t *ret, coco_error **err);

/* These replace what was there. */
coco_status coco_kbs_set_text(const char *value, char **to, coco_error **err);
coco_status coco_kbs_set_texts(const cJSON *value, bool pem, struct coco_kbs_texts *to,
                               coco_error **err);

void coco_kbs_texts_done(struct coco_kbs_texts *texts);

#endif
