/*
 * tee/eventlog_format.c - event logs, written
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"
#include "tee/eventlog_head.h"

#include <string.h>

static coco_status
put_u16(struct coco_buf *buf, uint16_t value, coco_error **err)
{
    const uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8)};

    return coco_buf_append(buf, bytes, sizeof(bytes), err);
}

static coco_status
put_u32(struct coco_buf *buf, uint32_t value, coco_error **err)
{
    const uint8_t bytes[] = {
        (uint8_t)value,
        (uint8_t)(value >> 8),
        (uint8_t)(value >> 16),
        (uint8_t)(value >> 24),
    };

    return coco_buf_append(buf, bytes, sizeof(bytes), err);
}

/* id is COCO_SPEC_ID_SIZE bytes. */
static coco_status
format_head(const uint8_t *id, const uint16_t *algs, size_t count, struct coco_buf *buf,
            coco_error **err)
{
    static const uint8_t unmeasured[COCO_HEAD_DIGEST_SIZE] = {0};
    uint32_t size = COCO_SPEC_ID_SIZE + 4 + 4 * (uint32_t)count + 1;

    if (count == 0 || count > COCO_TCG_HASHES)
        return coco_fail(err, COCO_ERR_INVALID, "event log with %zu algorithms", count);
    coco_status status = put_u32(buf, 0, err);
    if (status == COCO_OK)
        status = put_u32(buf, COCO_EV_NO_ACTION, err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, unmeasured, sizeof(unmeasured), err);
    if (status == COCO_OK)
        status = put_u32(buf, size, err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, id, COCO_SPEC_ID_SIZE, err);
    if (status == COCO_OK)
        status = put_u32(buf, (uint32_t)count, err);
    for (size_t i = 0; i < count && status == COCO_OK; i++) {
        status = put_u16(buf, algs[i], err);
        if (status == COCO_OK)
            status = put_u16(buf, (uint16_t)coco_tcg_hash_size(algs[i]), err);
    }
    if (status == COCO_OK)
        status = coco_buf_append(buf, "", 1, err); /* nothing of the maker */
    return status;
}

coco_status
coco_eventlog_format_head(const uint16_t *algs, size_t count, struct coco_buf *buf,
                          coco_error **err)
{
    /* Behind the name: a client, version 2.00 of the specification, 64 bits. */
    static const uint8_t id[COCO_SPEC_ID_SIZE] = COCO_SPEC_ID_NAME "\0\0\0\0\0\0\2\0\2";

    return format_head(id, algs, count, buf, err);
}

coco_status
coco_eventlog_format_event(const struct coco_event *event, struct coco_buf *buf, coco_error **err)
{
    if (event->len > UINT32_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "event of %zu bytes", event->len);
    coco_status status = put_u32(buf, event->index, err);
    if (status == COCO_OK)
        status = put_u32(buf, event->type, err);
    if (status == COCO_OK)
        status = put_u32(buf, (uint32_t)event->digest_count, err);
    for (size_t i = 0; i < event->digest_count && status == COCO_OK; i++) {
        const struct coco_event_digest *digest = &event->digests[i];

        status = put_u16(buf, digest->alg, err);
        if (status == COCO_OK)
            status = coco_buf_append(buf, digest->bytes, coco_tcg_hash_size(digest->alg), err);
    }
    if (status == COCO_OK)
        status = put_u32(buf, (uint32_t)event->len, err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, event->data, event->len, err);
    return status;
}

coco_status
coco_event_measure(struct coco_event *event, const uint16_t *algs, size_t count,
                   struct coco_event_digests *digests, coco_error **err)
{
    if (count == 0 || count > COCO_TCG_HASHES)
        return coco_fail(err, COCO_ERR_INVALID, "event with %zu digests", count);
    event->digest_count = 0;
    for (size_t i = 0; i < count; i++) {
        coco_status status =
            coco_tcg_hash(algs[i], event->data, event->len, digests->bytes[i], err);
        if (status != COCO_OK)
            return status;
        event->digests[event->digest_count++] =
            (struct coco_event_digest){.alg = algs[i], .bytes = digests->bytes[i]};
    }
    return COCO_OK;
}

coco_status
coco_eventlog_format_end(struct coco_buf *buf, coco_error **err)
{
    return coco_buf_append(buf, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, err);
}

/* What upstream's verifier gets where the firmware wrote no log: it has the bytes, too. */
static coco_status
append_stand_in(struct coco_buf *buf, coco_error **err)
{
    static const uint8_t nameless[COCO_SPEC_ID_SIZE] = {0};
    static const uint16_t algs[] = {COCO_TCG_SHA384, COCO_TCG_SM3};

    return format_head(nameless, algs, 2, buf, err);
}

coco_status
coco_eventlog_join(const struct coco_buf *ccel, const struct coco_buf *aael, struct coco_buf *buf,
                   coco_error **err)
{
    struct coco_eventlog log = {0};
    coco_status status = COCO_OK;
    size_t from = buf->len;

    if (!ccel && !aael)
        return COCO_OK;
    if (ccel)
        status = coco_eventlog_scan(ccel->data, ccel->len, &log, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "CCEL");
    if (ccel)
        status = coco_buf_append(buf, ccel->data, log.end, err);
    else
        status = append_stand_in(buf, err);
    if (status == COCO_OK && aael)
        status = coco_buf_append(buf, aael->data, aael->len, err);
    if (status == COCO_OK)
        status = coco_eventlog_format_end(buf, err);
    /* Nothing is sent that a verifier would not read: a record that was cut, an end amid AAEL. */
    if (status == COCO_OK)
        status = coco_eventlog_parse(buf->data + from, buf->len - from, &log, err);
    if (status == COCO_OK && log.end + 8 != buf->len - from)
        status = coco_fail(err, COCO_ERR_PROTO, "AAEL ends before its last event");
    return status;
}
