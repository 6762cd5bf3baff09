/*
 * fuzz/eventlog/target.c - an event log from a guest, and from its firmware
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/aael.h"
#include "tee/eventlog.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
refused(coco_status status)
{
    return status == COCO_ERR_PROTO || status == COCO_ERR_LIMIT;
}

/* What an event that is read says is what is written, at its place. */
static void
check_event(const struct coco_eventlog *log, const struct coco_event *event, size_t end)
{
    _cleanup_buf_ struct coco_buf written = {.limit = SIZE_MAX};
    uint8_t value[COCO_TCG_HASH_SIZE_MAX];
    bool matches = false;

    if (coco_eventlog_format_event(event, &written, NULL) != COCO_OK || written.len > end
        || memcmp(written.data, log->data + end - written.len, written.len) != 0)
        abort();
    if (coco_event_matches(event, event->data, event->len, &matches, NULL) != COCO_OK)
        abort();
    (void)coco_event_type_name(event->type);
    for (size_t i = 0; i < log->alg_count; i++) {
        coco_status status = coco_eventlog_replay(log, event->index, log->algs[i], value, NULL);
        if (status != COCO_OK && status != COCO_ERR_PROTO)
            abort();
    }
}

static void
check_tagged(const struct coco_event *event)
{
    _cleanup_aael_text_ struct coco_aael_text read = {0};
    const uint8_t *text = NULL;
    uint32_t tag = 0;
    size_t len = 0;

    coco_status status = coco_tagged_event_parse(event->data, event->len, &tag, &text, &len, NULL);
    if (status != COCO_OK)
        return;
    status = coco_aael_parse_text(text, len, &read, NULL);
    if (status == COCO_OK
        && strlen(read.event.domain) + strlen(read.event.operation) + strlen(read.event.content) + 2
               != len)
        abort();
}

/* Whatever is sent of a guest's CCEL is what a verifier reads. */
static void
check_join(const uint8_t *data, size_t len)
{
    struct coco_buf ccel = {.data = (uint8_t *)(uintptr_t)data, .len = len};
    _cleanup_buf_ struct coco_buf joined = {.limit = SIZE_MAX};
    struct coco_eventlog log = {0};

    coco_status status = coco_eventlog_join(&ccel, NULL, &joined, NULL);
    if (status != COCO_OK && !refused(status))
        abort();
    if (status == COCO_OK
        && (coco_eventlog_parse(joined.data, joined.len, &log, NULL) != COCO_OK
            || log.end + 8 != joined.len || memcmp(joined.data, data, log.end) != 0))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct coco_eventlog log = {0};
    struct coco_event event;
    size_t seen = 0;

    check_join(data, len);
    coco_status status = coco_eventlog_parse(data, len, &log, NULL);
    if (status != COCO_OK) {
        if (!refused(status) || log.data)
            abort();
        return 0;
    }
    for (size_t at = 0; coco_eventlog_next(&log, &at, &event); seen++)
        if (seen < 64) { /* each is replayed */
            check_event(&log, &event, at);
            check_tagged(&event);
        }
    if (seen != log.event_count)
        abort();
    return 0;
}
