/*
 * tee/eventlog.c - what was measured into which register
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/eventlog.h"

#include "base/fail.h"
#include "base/reader.h"
#include "tee/eventlog_head.h"

#include <openssl/crypto.h>
#include <string.h>

#define END_SIZE 8 /* bytes that tell whether another event follows */

/* Section 10.4.1, table 27. */
static const struct {
    uint32_t type;
    const char *name;
} types[] = {
    {0x00000000, "EV_PREBOOT_CERT"},
    {0x00000001, "EV_POST_CODE"},
    {0x00000002, "EV_UNUSED"},
    {0x00000003, "EV_NO_ACTION"},
    {0x00000004, "EV_SEPARATOR"},
    {0x00000005, "EV_ACTION"},
    {0x00000006, "EV_EVENT_TAG"},
    {0x00000007, "EV_S_CRTM_CONTENTS"},
    {0x00000008, "EV_S_CRTM_VERSION"},
    {0x00000009, "EV_CPU_MICROCODE"},
    {0x0000000a, "EV_PLATFORM_CONFIG_FLAGS"},
    {0x0000000b, "EV_TABLE_OF_DEVICES"},
    {0x0000000c, "EV_COMPACT_HASH"},
    {0x0000000d, "EV_IPL"},
    {0x0000000e, "EV_IPL_PARTITION_DATA"},
    {0x0000000f, "EV_NONHOST_CODE"},
    {0x00000010, "EV_NONHOST_CONFIG"},
    {0x00000011, "EV_NONHOST_INFO"},
    {0x00000012, "EV_OMIT_BOOT_DEVICE_EVENTS"},
    {0x80000000, "EV_EFI_EVENT_BASE"},
    {0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
    {0x80000002, "EV_EFI_VARIABLE_BOOT"},
    {0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION"},
    {0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER"},
    {0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
    {0x80000006, "EV_EFI_GPT_EVENT"},
    {0x80000007, "EV_EFI_ACTION"},
    {0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
    {0x80000009, "EV_EFI_HANDOFF_TABLES"},
    {0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
    {0x8000000b, "EV_EFI_HANDOFF_TABLES2"},
    {0x8000000c, "EV_EFI_VARIABLE_BOOT2"},
    {0x80000010, "EV_EFI_HCRTM_EVENT"},
    {0x800000e0, "EV_EFI_VARIABLE_AUTHORITY"},
    {0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB"},
    {0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG"},
};

const char *
coco_event_type_name(uint32_t type)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].type == type)
            return types[i].name;
    return NULL;
}

/* ---- reading ---- */

static bool
has_alg(const struct coco_eventlog *log, uint16_t alg)
{
    for (size_t i = 0; i < log->alg_count; i++)
        if (log->algs[i] == alg)
            return true;
    return false;
}

/* TCG_EfiSpecIdEvent, section 10.4.5.1; upstream's, for a log of AAEL alone, has no name. */
static coco_status
read_spec_id(struct coco_reader *r, struct coco_eventlog *log, coco_error **err)
{
    static const uint8_t nameless[COCO_SPEC_ID_SIZE] = {0};
    const uint8_t *id = coco_read_piece(r, COCO_SPEC_ID_SIZE);
    uint32_t count = coco_read_u32le(r);

    if (!id)
        return coco_reader_check(r, "event log: its first event", err);
    if (memcmp(id, COCO_SPEC_ID_NAME, sizeof(COCO_SPEC_ID_NAME)) != 0
        && memcmp(id, nameless, sizeof(nameless)) != 0)
        return coco_fail(err, COCO_ERR_PROTO,
                         "event log: not in the form of TPM 2.0, for it does not start with "
                         "'" COCO_SPEC_ID_NAME "'");
    if (count == 0 || count > COCO_TCG_HASHES)
        return coco_fail(err, COCO_ERR_PROTO, "event log: %u algorithms", count);
    for (uint32_t i = 0; i < count; i++) {
        uint16_t alg = coco_read_u16le(r);
        uint16_t size = coco_read_u16le(r);

        if (coco_tcg_hash_size(alg) == 0 || coco_tcg_hash_size(alg) != size)
            return coco_fail(err, COCO_ERR_PROTO, "event log: algorithm 0x%04x of %u bytes",
                             (unsigned)alg, (unsigned)size);
        if (has_alg(log, alg))
            return coco_fail(err, COCO_ERR_PROTO, "event log: algorithm 0x%04x twice",
                             (unsigned)alg);
        log->algs[log->alg_count++] = alg;
    }
    coco_read_skip(r, coco_read_u8(r)); /* of the maker */
    return coco_reader_finish(r, "event log: its first event", err);
}

static coco_status
read_head(struct coco_reader *r, struct coco_eventlog *log, coco_error **err)
{
    coco_read_skip(r, 4); /* index: 0 of TPMs, 1 of TDX */
    uint32_t type = coco_read_u32le(r);
    bool unmeasured = coco_read_zeros(r, COCO_HEAD_DIGEST_SIZE);
    uint32_t size = coco_read_u32le(r);
    struct coco_reader data = coco_read_part(r, size);

    coco_status status = coco_reader_check(r, "event log", err);
    if (status != COCO_OK)
        return status;
    /* What TPM 1.2 had starts with what was measured first, and goes on in the same form. */
    if (type != COCO_EV_NO_ACTION)
        return coco_fail(err, COCO_ERR_PROTO,
                         "event log: in the form of TPM 1.2, which has SHA-1 alone");
    if (!unmeasured)
        return coco_fail(err, COCO_ERR_PROTO, "event log: its first event is measured");
    return read_spec_id(&data, log, err);
}

static coco_status
read_digests(struct coco_reader *r, const struct coco_eventlog *log, struct coco_event *event,
             coco_error **err)
{
    uint32_t count = coco_read_u32le(r);

    if (count == 0 || count > log->alg_count)
        return coco_fail(err, COCO_ERR_PROTO, "event %zu has %u digests", log->event_count, count);
    for (uint32_t i = 0; i < count; i++) {
        uint16_t alg = coco_read_u16le(r);

        if (!has_alg(log, alg))
            return coco_fail(err, COCO_ERR_PROTO, "event %zu has a digest of algorithm 0x%04x",
                             log->event_count, (unsigned)alg);
        if (coco_event_digest(event, alg))
            return coco_fail(err, COCO_ERR_PROTO, "event %zu has two %s digests", log->event_count,
                             coco_tcg_hash_name(alg));
        event->digests[event->digest_count++] = (struct coco_event_digest){
            .alg = alg,
            .bytes = coco_read_piece(r, coco_tcg_hash_size(alg)),
        };
        if (r->exhausted)
            break;
    }
    return COCO_OK;
}

static coco_status
read_event(struct coco_reader *r, const struct coco_eventlog *log, struct coco_event *ret,
           coco_error **err)
{
    struct coco_event event = {.index = coco_read_u32le(r)};

    event.type = coco_read_u32le(r);
    coco_status status = read_digests(r, log, &event, err);
    if (status != COCO_OK)
        return status;
    event.len = coco_read_u32le(r);
    event.data = coco_read_piece(r, event.len);
    status = coco_reader_check(r, "event log", err);
    if (status == COCO_OK)
        *ret = event;
    return status;
}

static bool
all_are(const uint8_t *data, size_t len, uint8_t value)
{
    uint8_t other = 0;

    for (size_t i = 0; i < len; i++)
        other |= data[i] ^ value;
    return other == 0;
}

static bool
is_end(const struct coco_reader *r)
{
    return r->len >= END_SIZE
           && (all_are(r->data, END_SIZE, 0xff) || all_are(r->data, END_SIZE, 0x00));
}

coco_status
coco_eventlog_scan(const void *data, size_t len, struct coco_eventlog *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_eventlog log = {.data = data};
    struct coco_event event;

    coco_status status = read_head(&r, &log, err);
    if (status != COCO_OK)
        return status;
    log.start = r.at;
    for (; r.len > 0 && !is_end(&r); log.event_count++) {
        if (log.event_count == COCO_EVENTLOG_EVENTS_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "event log: more than %d events",
                             COCO_EVENTLOG_EVENTS_MAX);
        status = read_event(&r, &log, &event, err);
        if (status != COCO_OK)
            return status;
    }
    log.end = r.at;
    *ret = log;
    return COCO_OK;
}

coco_status
coco_eventlog_parse(const void *data, size_t len, struct coco_eventlog *ret, coco_error **err)
{
    struct coco_eventlog log;

    if (len > COCO_EVENTLOG_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "event log of %zu bytes", len);
    coco_status status = coco_eventlog_scan(data, len, &log, err);
    if (status != COCO_OK)
        return status;
    if (log.end < len && !all_are(log.data + log.end, len - log.end, log.data[log.end]))
        return coco_fail(err, COCO_ERR_PROTO, "event log: more behind its end");
    *ret = log;
    return COCO_OK;
}

bool
coco_eventlog_next(const struct coco_eventlog *log, size_t *at, struct coco_event *ret)
{
    size_t from = *at > log->start ? *at : log->start;

    if (!log->data || from >= log->end)
        return false;
    struct coco_reader r = coco_reader_of(log->data + from, log->end - from);
    if (read_event(&r, log, ret, NULL) != COCO_OK)
        return false; /* not after coco_eventlog_parse() */
    *at = from + r.at;
    return true;
}

const uint8_t *
coco_event_digest(const struct coco_event *event, uint16_t alg)
{
    for (size_t i = 0; i < event->digest_count; i++)
        if (event->digests[i].alg == alg)
            return event->digests[i].bytes;
    return NULL;
}

coco_status
coco_event_matches(const struct coco_event *event, const void *data, size_t len, bool *ret,
                   coco_error **err)
{
    uint8_t digest[COCO_TCG_HASH_SIZE_MAX];
    bool matches = true;

    for (size_t i = 0; i < event->digest_count; i++) {
        uint16_t alg = event->digests[i].alg;

        coco_status status = coco_tcg_hash(alg, data, len, digest, err);
        if (status != COCO_OK)
            return status;
        matches =
            matches && CRYPTO_memcmp(digest, event->digests[i].bytes, coco_tcg_hash_size(alg)) == 0;
    }
    *ret = matches;
    return COCO_OK;
}

/* Section 10.4.5.3: a TPM that was started at another locality has that in PCR 0. */
static void
read_locality(const struct coco_event *event, uint8_t *reg, size_t size)
{
    if (event->len == sizeof(COCO_STARTUP_LOCALITY) + 1
        && memcmp(event->data, COCO_STARTUP_LOCALITY, sizeof(COCO_STARTUP_LOCALITY)) == 0)
        reg[size - 1] = event->data[sizeof(COCO_STARTUP_LOCALITY)];
}

coco_status
coco_eventlog_replay(const struct coco_eventlog *log, uint32_t index, uint16_t alg, uint8_t *ret,
                     coco_error **err)
{
    uint8_t reg[COCO_TCG_HASH_SIZE_MAX] = {0};
    size_t size = coco_tcg_hash_size(alg);
    struct coco_event event;
    bool extended = false;
    size_t n = 0;

    if (size == 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "hash algorithm 0x%04x", (unsigned)alg);
    for (size_t at = 0; coco_eventlog_next(log, &at, &event); n++) {
        const uint8_t *digest = coco_event_digest(&event, alg);

        if (event.index != index)
            continue;
        if (event.type == COCO_EV_NO_ACTION) {
            if (index == 0 && !extended)
                read_locality(&event, reg, size);
            continue;
        }
        if (!digest)
            return coco_fail(err, COCO_ERR_PROTO, "event %zu has no %s digest", n,
                             coco_tcg_hash_name(alg));
        coco_status status = coco_tcg_extend(alg, reg, digest, err);
        if (status != COCO_OK)
            return status;
        extended = true;
    }
    memcpy(ret, reg, size);
    return COCO_OK;
}
