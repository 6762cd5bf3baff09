/*
 * verifier/eventlog.c - what an event log proves, and what it only says
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/eventlog.h"

#include "base/fail.h"
#include "base/text.h"
#include "verifier/boot_claims.h"
#include "verifier/event_details.h"

#include <openssl/crypto.h>
#include <string.h>

#define CHECK "event-log"
#define TEXT_MAX 1024

/* ---- the check ---- */

/* Both sides of a check, of which a verdict shows so much. */
struct sides {
    struct coco_buf want;
    struct coco_buf got;
    bool differ;
};

static void
sides_done(struct sides *sides)
{
    coco_buf_done(&sides->want);
    coco_buf_done(&sides->got);
}

static coco_status
append_name(struct coco_buf *buf, const struct coco_log_register *reg, coco_error **err)
{
    return coco_buf_printf(buf, err, "%s%s", buf->len > 0 ? ", " : "", reg->name);
}

static coco_status
append_value(struct coco_buf *buf, const struct coco_log_register *reg, const uint8_t *value,
             size_t size, coco_error **err)
{
    char hex[2 * COCO_TCG_HASH_SIZE_MAX + 1];

    coco_status status = append_name(buf, reg, err);
    coco_hex(value, size, hex);
    if (status == COCO_OK)
        status = coco_buf_printf(buf, err, " %s", hex);
    return status;
}

static bool
is_known(const struct coco_log_register *registers, size_t count, uint32_t index)
{
    for (size_t i = 0; i < count; i++)
        if (registers[i].index == index)
            return true;
    return false;
}

/* A digest that is not of alg, or NULL. */
static const struct coco_event_digest *
find_other(const struct coco_event *event, uint16_t alg)
{
    for (size_t i = 0; i < event->digest_count; i++)
        if (event->digests[i].alg != alg)
            return &event->digests[i];
    return NULL;
}

/* An event, or a digest of it, that no register vouches for could say anything. */
static coco_status
find_unmeasured(const struct coco_eventlog *log, uint16_t alg,
                const struct coco_log_register *registers, size_t count, struct sides *sides,
                coco_error **err)
{
    struct coco_event event;
    size_t n = 0;

    for (size_t at = 0; coco_eventlog_next(log, &at, &event); n++) {
        const struct coco_event_digest *other = find_other(&event, alg);

        if (event.type == COCO_EV_NO_ACTION || (is_known(registers, count, event.index) && !other))
            continue;
        sides->differ = true;
        return other ? coco_buf_printf(&sides->got, err, "event %zu, of a %s digest besides", n,
                                       coco_tcg_hash_name(other->alg))
                     : coco_buf_printf(&sides->got, err,
                                       "event %zu, of register %u, which is not in it", n,
                                       event.index);
    }
    return COCO_OK;
}

/* The registers that differ, as far as there is room for them. */
static coco_status
compare(const struct coco_eventlog *log, uint16_t alg, const struct coco_log_register *registers,
        size_t count, struct sides *sides, coco_error **err)
{
    size_t size = coco_tcg_hash_size(alg);

    for (size_t i = 0; i < count; i++) {
        uint8_t value[COCO_TCG_HASH_SIZE_MAX];

        coco_status status = coco_eventlog_replay(log, registers[i].index, alg, value, err);
        if (status != COCO_OK)
            return status;
        if (CRYPTO_memcmp(value, registers[i].value, size) == 0)
            continue;
        sides->differ = true;
        status = append_value(&sides->want, &registers[i], registers[i].value, size, err);
        if (status == COCO_OK)
            status = append_value(&sides->got, &registers[i], value, size, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

static coco_status
append_names(const struct coco_log_register *registers, size_t count, struct coco_buf *buf,
             coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < count && status == COCO_OK; i++)
        status = append_name(buf, &registers[i], err);
    return status;
}

coco_status
coco_check_eventlog(coco_verdict *verdict, const struct coco_eventlog *log, uint16_t alg,
                    const struct coco_log_register *registers, size_t count, coco_error **err)
{
    _cleanup_(sides_done) struct sides sides = {{.limit = 1 << 14}, {.limit = 1 << 14}, false};
    _cleanup_buf_ struct coco_buf all = {.limit = TEXT_MAX};
    coco_error *why = NULL;

    if (count > COCO_LOG_REGISTERS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "%zu registers", count);
    coco_status status = append_names(registers, count, &all, err);
    if (status != COCO_OK)
        return status;
    status = compare(log, alg, registers, count, &sides, &why);
    if (status != COCO_OK)
        return coco_verdict_add_outcome(verdict, CHECK, coco_buf_text(&all), status, &why, err);
    if (!sides.differ)
        status = find_unmeasured(log, alg, registers, count, &sides, err);
    if (status != COCO_OK)
        return status;
    return coco_verdict_add(verdict, CHECK, !sides.differ,
                            coco_buf_text(sides.want.len > 0 ? &sides.want : &all),
                            coco_buf_text(sides.differ ? &sides.got : &all), err);
}

/* ---- claims ---- */

static coco_status
add_digests(cJSON *to, const struct coco_event *event, coco_error **err)
{
    cJSON *digests = NULL;

    coco_status status = coco_json_add_array(to, "digests", &digests, err);
    for (size_t i = 0; i < event->digest_count && status == COCO_OK; i++) {
        const struct coco_event_digest *digest = &event->digests[i];
        cJSON *item = NULL;

        status = coco_json_add_object(digests, NULL, &item, err);
        if (status == COCO_OK)
            status = coco_json_add_string(item, "alg", coco_tcg_hash_name(digest->alg), err);
        if (status == COCO_OK)
            status =
                coco_claim_hex(item, "digest", digest->bytes, coco_tcg_hash_size(digest->alg), err);
    }
    return status;
}

static coco_status
add_event(cJSON *events, const struct coco_event *event, size_t n, coco_error **err)
{
    const char *type = coco_event_type_name(event->type);
    bool matches = false;
    cJSON *details = NULL;
    cJSON *item = NULL;

    if (!type)
        return coco_fail(err, COCO_ERR_PROTO, "event %zu is of type 0x%x", n, event->type);
    coco_status status = coco_event_matches(event, event->data, event->len, &matches, err);
    if (status == COCO_OK)
        status = coco_json_add_object(events, NULL, &item, err);
    if (status == COCO_OK)
        status = coco_json_add_object(item, "details", &details, err);
    if (status == COCO_OK)
        status = coco_event_details(event, details, err);
    if (status == COCO_OK)
        status = coco_json_add_bool(item, "digest_matches_event", matches, err);
    if (status == COCO_OK)
        status = add_digests(item, event, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(item, "event", event->data, event->len, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(item, "index", event->index, err);
    if (status == COCO_OK)
        status = coco_json_add_string(item, "type_name", type, err);
    return status;
}

coco_status
coco_claim_eventlog(cJSON *claims, const struct coco_eventlog *log, coco_error **err)
{
    struct coco_event event;
    cJSON *events = NULL;
    size_t n = 0;

    coco_status status = coco_json_add_array(claims, "uefi_event_logs", &events, err);
    for (size_t at = 0; status == COCO_OK && coco_eventlog_next(log, &at, &event); n++)
        status = add_event(events, &event, n, err);
    if (status == COCO_OK)
        status = coco_claim_boot(claims, log, err);
    return status;
}
