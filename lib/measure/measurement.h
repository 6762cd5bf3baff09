/*
 * measure/measurement.h - what will be measured of a launch
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_MEASURE_MEASUREMENT_H
#define COCO_MEASURE_MEASUREMENT_H

#include "base/cleanup.h"

#include <coco/measure.h>

#define COCO_MEASURED_MAX 16 /* values of one measurement */
#define COCO_MEASURED_SIZE_MAX ((size_t)48)

/* A value; all texts are static. */
struct coco_measured {
    const char *name;  /* as Trustee's policies ask for it */
    const char *claim; /* NULL: an event's */
    const char *note;
    bool single;
};

struct coco_measurement {
    size_t n;
    struct {
        struct coco_measured about;
        char hex[2 * COCO_MEASURED_SIZE_MAX + 1]; /* "": it cannot be known */
    } values[COCO_MEASURED_MAX];
};

COCO_DEFINE_CLEANUP(coco_measurement *, coco_measurement_free);

coco_status coco_measurement_new(coco_measurement **ret, coco_error **err);

/* Adds a value of len bytes, or one that cannot be known where value is NULL. */
void coco_measurement_add(coco_measurement *measurement, const struct coco_measured *about,
                          const void *value, size_t len);

#endif
