/*
 * verifier/binding.h - inside of a coco_binding
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_BINDING_H
#define COCO_VERIFIER_BINDING_H

#include "base/cleanup.h"

#include <coco/verifier.h>

COCO_DEFINE_CLEANUP(coco_binding *, coco_binding_free);

#define COCO_REPORT_DATA_MAX 64
#define COCO_INIT_DATA_MAX 64

struct coco_binding {
    uint8_t report_data[COCO_REPORT_DATA_MAX]; /* zeros behind the last */
    size_t report_data_len;                    /* 0: nobody said */
    uint8_t init_data[COCO_INIT_DATA_MAX];
    size_t init_data_len; /* 0: any will do */
};

#endif
