/*
 * tests/tee/logs.h - event logs made for tests
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_TEE_LOGS_H
#define COCO_TESTS_TEE_LOGS_H

#include "tee/eventlog.h"
#include "tests/support.h"

#include <string.h>

static inline void
add_head(struct coco_buf *log, const uint16_t *algs, size_t count)
{
    coco_error *err = NULL;

    assert_ok(coco_eventlog_format_head(algs, count, log, &err), err);
}

/* An event that is measured as its data. */
static inline void
add_event(struct coco_buf *log, uint32_t index, uint32_t type, uint16_t alg, const void *data,
          size_t len)
{
    struct coco_event event = {.index = index, .type = type, .data = data, .len = len};
    struct coco_event_digests digests;
    coco_error *err = NULL;

    assert_ok(coco_event_measure(&event, &alg, 1, &digests, &err), err);
    assert_ok(coco_eventlog_format_event(&event, log, &err), err);
}

/* An event whose digest is all fill, whatever its data. */
static inline void
add_labelled(struct coco_buf *log, uint32_t index, uint32_t type, uint16_t alg, uint8_t fill,
             const void *data, size_t len)
{
    uint8_t digest[COCO_TCG_HASH_SIZE_MAX];
    struct coco_event event = {.index = index,
                               .type = type,
                               .digest_count = 1,
                               .digests = {{.alg = alg, .bytes = digest}},
                               .data = data,
                               .len = len};
    coco_error *err = NULL;

    memset(digest, fill, sizeof(digest));
    assert_ok(coco_eventlog_format_event(&event, log, &err), err);
}

#endif
