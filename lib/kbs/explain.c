/*
 * kbs/explain.c - why a guest was let in, or not
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/explain.h"

#include "base/fail.h"
#include "base/secret.h"
#include "base/text.h"
#include "references/names.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

/* Of the objects in which a claim is looked for. */
#define SEARCH_DEPTH 8

struct entry {
    char id[COCO_KBS_TRACE_ID_SIZE];
    struct coco_buf text;
};

struct coco_kbs_traces {
    pthread_mutex_t *lock; /* of what follows; a pointer, so that reading is const */
    size_t next;
    size_t room;
    struct entry *entries;
};

coco_status
coco_kbs_traces_new(size_t entries, struct coco_kbs_traces **ret, coco_error **err)
{
    struct coco_kbs_traces *made = calloc(1, sizeof(*made));
    if (!made)
        return coco_fail_nomem(err);
    _cleanup_(coco_kbs_traces_freep) struct coco_kbs_traces *traces = made;

    traces->entries = calloc(entries, sizeof(*traces->entries));
    traces->lock = calloc(1, sizeof(*traces->lock));
    if (!traces->entries || !traces->lock)
        return coco_fail_nomem(err);
    traces->room = entries;
    (void)pthread_mutex_init(traces->lock, NULL);
    *ret = coco_steal(&traces);
    return COCO_OK;
}

void
coco_kbs_traces_free(struct coco_kbs_traces *traces)
{
    if (!traces)
        return;
    for (size_t i = 0; i < traces->room; i++)
        coco_buf_done(&traces->entries[i].text);
    if (traces->room)
        (void)pthread_mutex_destroy(traces->lock);
    free(traces->lock);
    free(traces->entries);
    free(traces);
}

static coco_status
add_time(cJSON *trace, int64_t now, coco_error **err)
{
    char text[32] = "";
    time_t t = (time_t)now;
    struct tm tm;

    if (gmtime_r(&t, &tm))
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    return coco_json_add_string(trace, "time", text, err);
}

coco_status
coco_kbs_trace_begin(const char *what, const char *trace_id, int64_t now, cJSON **ret,
                     coco_error **err)
{
    uint8_t random[(COCO_KBS_TRACE_ID_SIZE - 1) / 2];
    char id[COCO_KBS_TRACE_ID_SIZE];
    _cleanup_json_ cJSON *trace = NULL;

    coco_status status = coco_random(random, sizeof(random), err);
    if (status != COCO_OK)
        return status;
    coco_hex(random, sizeof(random), id);
    status = coco_json_new_object(&trace, err);
    if (status == COCO_OK)
        status = coco_json_add_string(trace, "id", id, err);
    if (status == COCO_OK)
        status = add_time(trace, now, err);
    if (status == COCO_OK)
        status = coco_json_add_string(trace, "what", what, err);
    if (status == COCO_OK && *trace_id)
        status = coco_json_add_string(trace, "trace_id", trace_id, err);
    if (status == COCO_OK)
        *ret = coco_steal(&trace);
    return status;
}

/* What to do about a check that does not hold. */
static coco_status
add_advice(cJSON *check, const coco_verdict *verdict, size_t i, coco_error **err)
{
    const char *hint = coco_verdict_check_hint(verdict, i);

    if (coco_verdict_check_ok(verdict, i))
        return COCO_OK;
    coco_status status =
        coco_json_add_bool(check, "allowed", coco_verdict_check_allowed(verdict, i), err);
    if (status == COCO_OK && hint)
        status = coco_json_add_string(check, "hint", hint, err);
    return status;
}

coco_status
coco_kbs_trace_verdict(cJSON *trace, const coco_verdict *verdict, coco_error **err)
{
    cJSON *checks = NULL;

    coco_status status = coco_json_add_array(trace, "checks", &checks, err);
    for (size_t i = 0; i < coco_verdict_check_count(verdict) && status == COCO_OK; i++) {
        cJSON *check = NULL;

        status = coco_json_add_object(checks, NULL, &check, err);
        if (status == COCO_OK)
            status = coco_json_add_string(check, "name", coco_verdict_check_name(verdict, i), err);
        if (status == COCO_OK)
            status = coco_json_add_bool(check, "ok", coco_verdict_check_ok(verdict, i), err);
        if (status == COCO_OK)
            status =
                coco_json_add_string(check, "expected", coco_verdict_check_want(verdict, i), err);
        if (status == COCO_OK)
            status = coco_json_add_string(check, "got", coco_verdict_check_got(verdict, i), err);
        if (status == COCO_OK)
            status = add_advice(check, verdict, i, err);
    }
    return status;
}

/* The claim of this name, wherever it is. */
static const cJSON *
find_claim(const cJSON *in, const char *name, unsigned depth)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(in, name);
    const cJSON *child;

    if (found || depth == 0)
        return found;
    cJSON_ArrayForEach(child, in) {
        found = cJSON_IsObject(child) ? find_claim(child, name, depth - 1) : NULL;
        if (found)
            return found;
    }
    return NULL;
}

/* The claim that policies compare a value of this name with, of whichever TEE is there. */
static const cJSON *
find_compared(const cJSON *in, const char *name)
{
    const struct coco_reference_name *known;

    for (size_t i = 0; (known = coco_reference_name_at(i)); i++) {
        if (strcmp(known->name, name) != 0 || known->event || known->least)
            continue;
        const cJSON *tee = find_claim(in, known->tee, SEARCH_DEPTH);
        const cJSON *claim = cJSON_IsObject(tee) ? coco_reference_claim(tee, known->claim) : NULL;
        if (claim)
            return claim;
    }
    return NULL;
}

static bool
fits(const cJSON *got, const cJSON *expected)
{
    const cJSON *item;

    if (!cJSON_IsArray(expected))
        return coco_json_equal(got, expected);
    for (item = expected->child; item; item = item->next)
        if (coco_json_equal(got, item))
            return true;
    return false;
}

static size_t
common_prefix(const char *a, const char *b)
{
    size_t n = 0;

    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

/* Of the texts that are expected the one that shares the longest beginning with got. */
static const char *
nearest(const cJSON *got, const cJSON *expected)
{
    const cJSON *item;
    const char *best = NULL;
    size_t longest = 0;

    if (!cJSON_IsString(got) || !cJSON_IsArray(expected))
        return NULL;
    for (item = expected->child; item; item = item->next) {
        if (!cJSON_IsString(item))
            continue;
        size_t n = common_prefix(got->valuestring, item->valuestring);
        if (!best || n > longest) {
            best = item->valuestring;
            longest = n;
        }
    }
    return best;
}

static coco_status
add_reference(cJSON *list, const cJSON *reference, const cJSON *claim, coco_error **err)
{
    cJSON *entry = NULL;
    bool ok = fits(claim, reference);
    const char *near = ok ? NULL : nearest(claim, reference);

    coco_status status = coco_json_add_object(list, NULL, &entry, err);
    if (status == COCO_OK)
        status = coco_json_add_string(entry, "name", reference->string, err);
    if (status == COCO_OK)
        status = coco_json_add_bool(entry, "ok", ok, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(entry, "expected", reference, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(entry, "got", claim, err);
    if (status == COCO_OK && near)
        status = coco_json_add_string(entry, "nearest", near, err);
    return status;
}

coco_status
coco_kbs_trace_references(cJSON *trace, const cJSON *evidence, const cJSON *references,
                          coco_error **err)
{
    const cJSON *reference;
    cJSON *list = NULL;

    coco_status status = coco_json_add_array(trace, "reference_values", &list, err);
    if (status != COCO_OK)
        return status;
    cJSON_ArrayForEach(reference, references) {
        const cJSON *claim = find_compared(evidence, reference->string);

        if (!claim)
            claim = find_claim(evidence, reference->string, SEARCH_DEPTH);
        if (claim)
            status = add_reference(list, reference, claim, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

static void
keep(struct coco_kbs_traces *traces, const char *id, struct coco_buf *text)
{
    (void)pthread_mutex_lock(traces->lock);
    struct entry *entry = &traces->entries[traces->next];

    traces->next = (traces->next + 1) % traces->room;
    coco_buf_done(&entry->text);
    entry->text = *text;
    memcpy(entry->id, id, sizeof(entry->id));
    (void)pthread_mutex_unlock(traces->lock);
    *text = (struct coco_buf){0};
}

/* What does not fit is cut down to what fits into any trace. */
static coco_status
write_bounded(cJSON *trace, struct coco_buf *text, coco_error **err)
{
    static const char *const bulky[] = {"claims", "reference_values", "checks"};
    coco_status status = COCO_ERR_LIMIT;

    for (size_t i = 0; status == COCO_ERR_LIMIT && i <= sizeof(bulky) / sizeof(bulky[0]); i++) {
        coco_buf_reset(text);
        status = coco_json_write(trace, COCO_JSON_COMPACT, text, NULL);
        if (status == COCO_ERR_LIMIT && i < sizeof(bulky) / sizeof(bulky[0]))
            coco_json_free(cJSON_DetachItemFromObjectCaseSensitive(trace, bulky[i]));
    }
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    return status == COCO_OK ? status : coco_fail(err, status, "trace cannot be kept");
}

coco_status
coco_kbs_traces_add(struct coco_kbs_traces *traces, cJSON *trace, const char *decision,
                    const char *rule, const char *reason, char id[COCO_KBS_TRACE_ID_SIZE],
                    coco_error **err)
{
    const char *name = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_KBS_TRACE_MAX};

    coco_status status = coco_json_get_string(trace, "id", &name, err);
    if (status == COCO_OK)
        status = coco_json_add_string(trace, "decision", decision, err);
    if (status == COCO_OK)
        status = coco_json_add_string(trace, "rule", rule, err);
    if (status == COCO_OK && reason)
        status = coco_json_add_string(trace, "reason", reason, err);
    if (status == COCO_OK)
        status = write_bounded(trace, &text, err);
    if (status != COCO_OK)
        return status;
    memcpy(id, name, COCO_KBS_TRACE_ID_SIZE);
    keep(traces, id, &text);
    return COCO_OK;
}

coco_status
coco_kbs_traces_get(const struct coco_kbs_traces *traces, const char *id, struct coco_buf *buf,
                    coco_error **err)
{
    coco_status status = COCO_ERR_NOTFOUND;

    (void)pthread_mutex_lock(traces->lock);
    for (size_t i = 0; i < traces->room && status == COCO_ERR_NOTFOUND; i++)
        if (traces->entries[i].text.len && strcmp(traces->entries[i].id, id) == 0)
            status = coco_buf_append(buf, traces->entries[i].text.data, traces->entries[i].text.len,
                                     err);
    (void)pthread_mutex_unlock(traces->lock);
    if (status == COCO_ERR_NOTFOUND)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no decision has this id, or it is too old");
    return status;
}

/* The text of the trace that was added as the last but n; COCO_ERR_NOTFOUND beyond the oldest. */
static coco_status
copy_text(const struct coco_kbs_traces *traces, size_t n, struct coco_buf *buf, coco_error **err)
{
    coco_status status = COCO_ERR_NOTFOUND;

    (void)pthread_mutex_lock(traces->lock);
    size_t at = (traces->next + traces->room - 1 - n % traces->room) % traces->room;
    if (n < traces->room && traces->entries[at].text.len)
        status =
            coco_buf_append(buf, traces->entries[at].text.data, traces->entries[at].text.len, err);
    (void)pthread_mutex_unlock(traces->lock);
    return status;
}

static coco_status
add_beginning(cJSON *list, const struct coco_buf *text, coco_error **err)
{
    static const char *const told[] = {"id",   "time",   "what", "decision",
                                       "rule", "reason", "tee",  "resource"};
    _cleanup_json_ cJSON *trace = NULL;
    cJSON *entry = NULL;

    coco_status status = coco_json_parse_object(coco_buf_text(text), text->len, &trace, err);
    if (status == COCO_OK)
        status = coco_json_add_object(list, NULL, &entry, err);
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]) && status == COCO_OK; i++) {
        const cJSON *member = cJSON_GetObjectItemCaseSensitive(trace, told[i]);

        if (member)
            status = coco_json_add_copy(entry, told[i], member, err);
    }
    return status;
}

/* Copied one by one: whoever is refused meanwhile does not wait until all are read. */
coco_status
coco_kbs_traces_list(const struct coco_kbs_traces *traces, cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    coco_status status = list ? COCO_OK : coco_fail_nomem(err);

    for (size_t n = 0; n < COCO_KBS_TRACES_LISTED && status == COCO_OK; n++) {
        _cleanup_buf_ struct coco_buf text = {.limit = COCO_KBS_TRACE_MAX};

        status = copy_text(traces, n, &text, err);
        if (status == COCO_ERR_NOTFOUND) {
            status = COCO_OK;
            break;
        }
        if (status == COCO_OK)
            status = add_beginning(list, &text, err);
    }
    if (status == COCO_OK)
        *ret = coco_steal(&list);
    return status;
}
