/*
 * references/references.h - reference values, by name
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_REFERENCES_REFERENCES_H
#define COCO_REFERENCES_REFERENCES_H

#include "base/json.h"

#include <coco/references.h>

#define COCO_REFERENCES_MAX 4096
#define COCO_REFERENCES_FILE_MAX ((size_t)1 << 20)
#define COCO_REFERENCE_NAME_MAX 1023
#define COCO_REFERENCE_VALUE_MAX ((size_t)64 << 10)
#define COCO_REFERENCE_VERSION "0.1.0" /* of Trustee's RVPS: of messages, and of what is kept */

struct coco_reference {
    char *name;
    cJSON *value;
    char *text;      /* value as JSON */
    int64_t expires; /* 0: nobody said */
};

struct coco_references {
    struct coco_reference *values;
    size_t n;
    size_t room;
    int64_t not_before; /* of a manifest; 0: always */
    char *signer;       /* NULL: nobody */
};

COCO_DEFINE_CLEANUP(coco_references *, coco_references_free);
#define _cleanup_references_ _cleanup_(coco_references_freep)

/* The one called name; NULL if there is none. */
struct coco_reference *coco_references_find(const coco_references *references, const char *name);

/*
 * Adds what a file has, one of that name at most: value, which is taken also on failure.
 * COCO_ERR_PROTO for a name that is there or none.
 */
coco_status coco_references_put(coco_references *references, const char *name, cJSON *value,
                                int64_t expires, coco_error **err);

/* Adds an item to the list that is called name, which is made if it is missing; taken as above. */
coco_status coco_references_append(coco_references *references, const char *name, cJSON *item,
                                   int64_t expires, coco_error **err);

/* Seconds since 1970 as "2027-11-28T12:00:00Z", and the reverse; COCO_ERR_PROTO for others. */
#define COCO_REFERENCE_TIME_SIZE 32
coco_status coco_reference_time_format(int64_t time, char ret[COCO_REFERENCE_TIME_SIZE],
                                       coco_error **err);
coco_status coco_reference_time_parse(const char *text, int64_t *ret, coco_error **err);

/* file.c: forms of JSON. values: {name: value}. */
coco_status coco_references_read_json(const char *text, size_t len, coco_references *ret,
                                      coco_error **err);
coco_status coco_references_write_json(const coco_references *references, struct coco_buf *buf,
                                       coco_error **err);
coco_status coco_references_values(const coco_references *references, cJSON **ret,
                                   coco_error **err);
coco_status coco_references_write_message(const coco_references *references, struct coco_buf *buf,
                                          coco_error **err);

/* manifest.c: forms of CBOR. */
coco_status coco_references_read_corim(const void *data, size_t len, coco_references *ret,
                                       coco_error **err);
coco_status coco_references_write_corim(const coco_references *references, struct coco_buf *buf,
                                        coco_error **err);

#endif
