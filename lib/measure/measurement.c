/*
 * measure/measurement.c - what will be measured of a launch
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/measurement.h"

#include "base/fail.h"
#include "base/text.h"

#include <assert.h>

coco_status
coco_measurement_new(coco_measurement **ret, coco_error **err)
{
    coco_measurement *measurement = calloc(1, sizeof(*measurement));

    if (!measurement)
        return coco_fail_nomem(err);
    *ret = measurement;
    return COCO_OK;
}

void
coco_measurement_free(coco_measurement *measurement)
{
    free(measurement);
}

void
coco_measurement_add(coco_measurement *measurement, const struct coco_measured *about,
                     const void *value, size_t len)
{
    assert(measurement->n < COCO_MEASURED_MAX && len <= COCO_MEASURED_SIZE_MAX);
    measurement->values[measurement->n].about = *about;
    if (value)
        coco_hex(value, len, measurement->values[measurement->n].hex);
    measurement->n++;
}

const char *
coco_measurement_name(const coco_measurement *measurement, size_t index)
{
    return index < measurement->n ? measurement->values[index].about.name : NULL;
}

const char *
coco_measurement_claim(const coco_measurement *measurement, size_t index)
{
    return index < measurement->n ? measurement->values[index].about.claim : NULL;
}

const char *
coco_measurement_value(const coco_measurement *measurement, size_t index)
{
    if (index >= measurement->n || measurement->values[index].hex[0] == '\0')
        return NULL;
    return measurement->values[index].hex;
}

const char *
coco_measurement_note(const coco_measurement *measurement, size_t index)
{
    return index < measurement->n ? measurement->values[index].about.note : NULL;
}

bool
coco_measurement_single(const coco_measurement *measurement, size_t index)
{
    return index < measurement->n && measurement->values[index].about.single;
}
