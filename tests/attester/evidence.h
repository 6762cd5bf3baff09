/*
 * tests/attester/evidence.h - evidence as an attester gives it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_ATTESTER_EVIDENCE_H
#define COCO_TESTS_ATTESTER_EVIDENCE_H

#include "attester/driver.h"
#include "base/base64.h"
#include "base/bytes.h"
#include "base/json.h"
#include "tests/faults.h"

#include <coco/attester.h>
#include <string.h>

/* The JSON that it is, to be freed. */
static inline cJSON *
evidence_object(const coco_bytes *evidence)
{
    cJSON *object = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_parse_object((const char *)coco_bytes_data(evidence),
                                     coco_bytes_size(evidence), &object, &err),
              err);
    return object;
}

/* A member of it, which is these bytes in base64. */
static inline void
assert_member(const cJSON *object, const char *name, const void *want, size_t len)
{
    _cleanup_buf_ struct coco_buf got = {.limit = COCO_EVIDENCE_MAX};
    const char *text = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_get_string(object, name, &text, &err), err);
    assert_ok(coco_base64_decode(COCO_BASE64, text, strlen(text), &got, &err), err);
    assert_int_equal(got.len, len);
    assert_memory_equal(got.data, want, len);
}

/* Collecting for the report data "bound" fails once for every allocation that it makes. */
static inline void
assert_collecting_survives_faults(coco_attester *attester, coco_ctx *ctx)
{
    for_each_fault()
    {
        _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
        coco_error *err = NULL;

        coco_status status =
            coco_attester_collect(attester, ctx, (const uint8_t *)"bound", 5, &evidence, &err);
        fault_expect(status, err);
    }
}

#endif
